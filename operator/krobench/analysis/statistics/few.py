"""A few runs against several: is that just the drift that the several show among themselves?

A rank test of one run against five cannot go below p = 1/3. But the five tell how much runs
differ when nothing has changed, so the question becomes whether the one is further off than
that. It is answered by Student's t on logarithms, with the spread of the side of several alone,
as Crawford and Howell (Comparing an Individual's Test Score Against Norms Derived from Small
Samples, The Clinical Neuropsychologist 12, 1998) do for a single case. It rests on drift being
about log-normal, which ranks need not assume.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from krobench.analysis.statistics.bootstrap import CONFIDENCE, Interval, Runs, estimate
from krobench.analysis.statistics.student import t_quantile, two_sided_p


@dataclass(frozen=True)
class Comparison:
    """What a few runs say against several."""

    p: float
    interval: Interval


def compare_few(old: Runs, new: Runs) -> Comparison | None:
    """Return p and the interval of new over old, by the spread of the side with more runs.

    None where some value is not above zero, or where neither side has two runs.
    """
    if any(value <= 0 for run in (*old, *new) for value in run):
        return None
    before, after = _logarithms(old), _logarithms(new)
    several = max(before, after, key=len)
    degrees = len(several) - 1
    if degrees < 1:
        return None
    error = stdev(several) * math.sqrt(1 / len(before) + 1 / len(after))
    change = fmean(after) - fmean(before)
    ratio = estimate(new) / estimate(old)
    width = math.exp(t_quantile(CONFIDENCE, degrees) * error)
    return Comparison(
        p=_p(change, error, degrees), interval=Interval(ratio, ratio / width, ratio * width)
    )


def _p(change: float, error: float, degrees: int) -> float:
    if error == 0:
        return 1.0 if change == 0 else 0.0
    return two_sided_p(change / error, degrees)


def _logarithms(runs: Runs) -> Sequence[float]:
    return [math.log(estimate([run])) for run in runs]
