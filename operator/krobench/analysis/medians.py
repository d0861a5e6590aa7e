"""Several iterations taken together."""

import statistics
from collections.abc import Iterable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from krobench.figures.usage import UsageRecord

ModelT = TypeVar("ModelT", bound=BaseModel)
_DIGITS = 9


def known_median(values: Iterable[float | None]) -> float | None:
    """Return the median of the values that were measured; None where none was."""
    known = [value for value in values if value is not None]
    return round(statistics.median(known), _DIGITS) if known else None


def median_usage(records: Sequence[UsageRecord]) -> UsageRecord:
    """Return the median of each figure over the iterations that have it.

    Lists of parts are the last iteration's, so that they add up; restarts are all that there
    were.
    """
    summary = _medians(records)
    summary.kro_restarts = [restart for record in records for restart in record.kro_restarts]
    return summary


def _medians(records: Sequence[ModelT]) -> ModelT:
    model = type(records[0])
    values = {}
    for name in model.model_fields:
        each = [getattr(record, name) for record in records]
        if isinstance(each[0], BaseModel):
            values[name] = _medians(each)
        elif isinstance(each[0], list):
            values[name] = each[-1]
        else:
            values[name] = known_median(each)
    return model(**values)
