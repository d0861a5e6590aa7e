"""What one value an iteration, or a restart, says of an expression; None is one not measured.

A duration cannot be below zero, nor can its interval; a difference of two can.
"""

from collections.abc import Iterable

from krobench.analysis.statistics.intervals import mean_interval, positive_interval, ratio_interval
from krobench.figures.cel import Estimate


def positive(values: Iterable[float | None]) -> Estimate | None:
    """Return the geometric mean of what cannot be below zero, such as a duration, in its unit."""
    return positive_interval(_measured(values))


def mean(values: Iterable[float | None]) -> Estimate | None:
    """Return the arithmetic mean of differences or counts, in their own unit."""
    return mean_interval(_measured(values))


def ratio(pairs: Iterable[tuple[float, float] | None]) -> Estimate | None:
    """Return the ratio of the first to the second of pairs that were measured together."""
    measured = [pair for pair in pairs if pair is not None]
    return ratio_interval([above for above, _ in measured], [below for _, below in measured])


def _measured(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]
