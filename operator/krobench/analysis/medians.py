"""The usage of several iterations taken together."""

import statistics
from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel

from krobench.model.usage import UsageRecord

ModelT = TypeVar("ModelT", bound=BaseModel)


def median_usage(records: Sequence[UsageRecord]) -> UsageRecord:
    """Return the median of each figure over the iterations that have it.

    The requests by verb and resource are the last iteration's, so that they add up; restarts are
    all that there were.
    """
    summary = _medians(records)
    summary.api_server.requests_by = records[-1].api_server.requests_by
    summary.kro_restarts = [restart for record in records for restart in record.kro_restarts]
    return summary


def _medians(records: Sequence[ModelT]) -> ModelT:
    model = type(records[0])
    values = {}
    for name in model.model_fields:
        each = [getattr(record, name) for record in records]
        if isinstance(each[0], BaseModel):
            values[name] = _medians(each)
        elif not isinstance(each[0], list):
            known = [value for value in each if value is not None]
            values[name] = round(statistics.median(known), 9) if known else None
    return model(**values)
