"""Intervals of a mean over few iterations, by Student's t."""

import math
import statistics
from collections.abc import Sequence

from krobench.model.celresults import Estimate

# Two-sided 95 % quantiles for 1, 2, … degrees of freedom.
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip
_T_MANY = 2.086


def mean_interval(values: Sequence[float]) -> Estimate | None:
    """Return the mean of one value an iteration, with its interval; None without any."""
    if not values:
        return None
    centre = statistics.fmean(values)
    if len(values) < 2:
        return Estimate(value=centre, n=1)
    half = _t(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return Estimate(value=centre, low=centre - half, high=centre + half, n=len(values))


def ratio_interval(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate | None:
    """Return the ratio of what was measured in the same iterations: the geometric mean, whose
    interval is symmetrical for both ways of asking; None without a pair that is positive."""
    pairs = zip(numerators, denominators, strict=False)
    logs = [math.log(above / below) for above, below in pairs if above > 0 and below > 0]
    estimate = mean_interval(logs)
    if estimate is None:
        return None
    return Estimate(
        value=math.exp(estimate.value),
        low=None if estimate.low is None else math.exp(estimate.low),
        high=None if estimate.high is None else math.exp(estimate.high),
        n=estimate.n,
    )


def _t(degrees: int) -> float:
    return _T[degrees - 1] if degrees <= len(_T) else _T_MANY
