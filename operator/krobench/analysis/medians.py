"""Several iterations taken together."""

import statistics
from collections.abc import Iterable, Sequence

from krobench.figures.measures import Figures

_DIGITS = 9


def known_median(values: Iterable[float | None]) -> float | None:
    """Return the median of the values that were measured; None if none was."""
    known = [value for value in values if value is not None]
    return round(statistics.median(known), _DIGITS) if known else None


def median_figures(records: Sequence[Figures]) -> Figures:
    """Return the median of each figure over the iterations that have it."""
    values: dict[str, list[float]] = {}
    for record in records:
        for name, value in record.root.items():
            values.setdefault(name, []).append(value)
    return Figures(
        {name: round(statistics.median(known), _DIGITS) for name, known in values.items()}
    )
