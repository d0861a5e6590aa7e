"""A few runs against several: is that just the drift that the several show among themselves?

A rank test of one run against five cannot go below p = 1/3. But the five tell how much runs
differ when nothing has changed, so the question becomes whether the one is further off than
that. It is answered by Student's t on logarithms. Of one run, nothing is known but its value, and
the spread is that of the several alone, as Crawford and Howell (Comparing an Individual's Test
Score Against Norms Derived from Small Samples, The Clinical Neuropsychologist 12, 1998) take it
for a single case. Two or three have a spread of their own, which may be another than that of the
several: both count then, by Welch's test, with an error that is not below that from the several
alone. It rests on drift being about log-normal, which ranks
need not assume.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from krobench.analysis.statistics.bootstrap import Interval, Runs, estimate
from krobench.analysis.statistics.resampling import CONFIDENCE
from krobench.analysis.statistics.student import t_quantile, two_sided_p
from krobench.analysis.statistics.welch import StandardError, difference_error

_LEAST_P = 1e-9
"""Few values without any spread, as of something that is counted, prove nothing for certain."""


@dataclass(frozen=True)
class Comparison:
    """What a few runs say against several."""

    p: float
    interval: Interval


def compare_few(old: Runs, new: Runs, further: float = 0.0) -> Comparison | None:
    """Return p and the interval of new over old, by the spread of the sides that show one.

    ``further`` is what a side's only value may be off by beyond what the other side's spread says,
    as the standard deviation of its logarithm. None where some value is not above zero, or where
    neither side has two runs.
    """
    if any(value <= 0 for run in (*old, *new) for value in run):
        return None
    before, after = _logarithms(old), _logarithms(new)
    if max(len(before), len(after)) < 2:
        return None
    error = _error(before, after)
    error = StandardError(math.hypot(error.value, further), error.degrees)
    change = fmean(after) - fmean(before)
    ratio = estimate(new) / estimate(old)
    width = math.exp(t_quantile(CONFIDENCE, error.degrees) * error.value)
    return Comparison(p=_p(change, error), interval=Interval(ratio, ratio / width, ratio * width))


def _error(before: Sequence[float], after: Sequence[float]) -> StandardError:
    several = max(before, after, key=len)
    alone = stdev(several) * math.sqrt(1 / len(before) + 1 / len(after))
    if min(len(before), len(after)) < 2:
        return StandardError(alone, len(several) - 1)
    error = difference_error(before, after)
    # Two runs are close together by chance now and then, which makes them no better known.
    return StandardError(max(error.value, alone), error.degrees)


def _p(change: float, error: StandardError) -> float:
    if error.value == 0:
        return 1.0 if change == 0 else _LEAST_P
    return max(_LEAST_P, two_sided_p(change / error.value, error.degrees))


def _logarithms(runs: Runs) -> Sequence[float]:
    return [math.log(estimate([run])) for run in runs]
