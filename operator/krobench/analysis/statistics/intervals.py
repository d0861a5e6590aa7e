"""Intervals of a mean over few iterations, by Student's t."""

import math
import statistics
from collections.abc import Sequence

from krobench.analysis.statistics.resampling import CONFIDENCE
from krobench.analysis.statistics.student import t_quantile
from krobench.figures.cel import Estimate


def mean_interval(values: Sequence[float]) -> Estimate | None:
    """Return the mean of one value an iteration, with its interval; None without any."""
    if not values:
        return None
    centre = statistics.fmean(values)
    if len(values) < 2:
        return Estimate(value=centre, n=1)
    error = statistics.stdev(values) / math.sqrt(len(values))
    half = t_quantile(CONFIDENCE, len(values) - 1) * error
    return Estimate(value=centre, low=centre - half, high=centre + half, n=len(values))


def positive_interval(values: Sequence[float]) -> Estimate | None:
    """Return the geometric mean of one value an iteration, with its interval, which has no end
    below zero; None without a value that is positive."""
    estimate = mean_interval([math.log(value) for value in values if value > 0])
    if estimate is None:
        return None
    return Estimate(
        value=math.exp(estimate.value),
        low=None if estimate.low is None else math.exp(estimate.low),
        high=None if estimate.high is None else math.exp(estimate.high),
        n=estimate.n,
    )


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate | None:
    """Return the ratio of what was measured in the same iterations: the geometric mean, whose
    interval is symmetrical for both ways of asking; None without a pair that is positive."""
    pairs = zip(numerators, denominators, strict=False)
    return positive_interval([above / below for above, below in pairs if above > 0 and below > 0])
