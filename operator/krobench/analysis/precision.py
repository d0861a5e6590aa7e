"""How well a test's headline figure is known, and whether it has been repeated enough.

The replicates are iterations, and not instances: instances of one iteration share its caches,
its neighbours and its place in time, so that their number says little about the next run.
Looking after each iteration makes the interval at the stop a little narrower than its 95%
promise [Chow & Robbins 1965]; the least number of iterations, and that t is taken for the few
there are, keep that small.
"""

from collections.abc import Iterable, Sequence

from krobench.analysis.statistics.intervals import nonnegative_interval
from krobench.api.specs.suite import Precision
from krobench.figures.precision import Headline, Stop
from krobench.record.test import IterationRecord

_DIGITS = 6


def headline_values(iterations: Iterable[IterationRecord]) -> list[float]:
    """Return the median time until ready of each measured iteration that has one, in seconds."""
    ready = [record.latency.instance_ready for record in iterations if not record.warmup]
    medians = [summary.p50_seconds for summary in ready if summary is not None]
    return [median for median in medians if median is not None]


def headline(iterations: Iterable[IterationRecord]) -> Headline | None:
    """Return the headline figure; None if no measured iteration has one."""
    values = headline_values(iterations)
    mean = nonnegative_interval(values)
    if mean is None:
        return None
    found = Headline(iterations=mean.n, mean_seconds=round(mean.value, _DIGITS))
    if mean.low is None or mean.high is None or mean.value <= 0:
        return found
    found.low_seconds = round(mean.low, _DIGITS)
    found.high_seconds = round(mean.high, _DIGITS)
    found.half_width_ratio = round((mean.high - mean.value) / mean.value, _DIGITS)
    return found


def enough(precision: Precision, least: int, iterations: Sequence[IterationRecord]) -> Stop | None:
    """Return why a test need not be repeated further; None if it continues."""
    measured = sum(not record.warmup for record in iterations)
    if measured < least:
        return None
    figure = headline(iterations)
    ratio = figure.half_width_ratio if figure is not None else None
    enough_known = ratio is not None and ratio <= precision.target_ratio
    if not enough_known and measured < precision.max_iterations:
        return None
    return Stop(
        reason="PrecisionReached" if enough_known else "MaxIterations",
        iterations=measured,
        half_width_ratio=ratio,
        target_ratio=precision.target_ratio,
    )
