"""How likely a difference is by chance, and how large it may be: rank test and small samples.

- :func:`mann_whitney`: the exact two-sided test, with ties. Under the null hypothesis every way of
  dealing the pooled values to the two sides is equally likely. The distribution of the rank sum
  over all of them is counted by the recurrence of Mann and Whitney (1947), carried over to
  midranks, so ties need no correction.
- :func:`rank_interval` and :func:`shift_interval` invert that test: they hold each change that the
  test would not reject (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 2014,
  section 4.3). A run has one value, the median of its iterations: their scatter is in it already,
  and a bootstrap that draws iterations too would count it twice.
- :func:`compare_by_spread`: a few runs against several. A rank test of one run against five cannot
  go below p = 1/3, but the five show how much runs differ when nothing has changed. Student's t on
  logarithms answers whether the one is further off than that. One run has no spread, so that of the
  several counts (Crawford and Howell, Comparing an Individual's Test Score Against Norms Derived
  from Small Samples, The Clinical Neuropsychologist 12, 1998). Two or three runs have a spread of
  their own, so both sides count by Welch's test, with an error no smaller than that of the several
  alone. The test assumes that drift is about log-normal, which ranks don't.
- :func:`holm`: p-values corrected for many tests, whatever they have to do with each other (1979).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean, median, stdev

from krobench.analysis.statistics.intervals import (
    CONFIDENCE,
    FEWEST_FOR_INTERVAL,
    StandardError,
    difference_error,
    t_quantile,
    two_sided_p,
)

Runs = Sequence[Sequence[float]]
"""The values of one side: of each run, one value for each iteration."""

_FEWEST = 4
"""With fewer values a side, the rank test cannot go below 0.05, and rejects no change."""
# Beyond, the normal approximation differs from the exact p in the third digit only.
_MAX_EXACT = 40


@dataclass(frozen=True)
class Interval:
    """A ratio, new over old, and what it may be just as well."""

    ratio: float
    low: float
    high: float


def estimate(runs: Runs) -> float:
    """Return the value of a side: the median of its runs' medians."""
    return median(median(run) for run in runs)


def mann_whitney(old: Sequence[float], new: Sequence[float]) -> float:
    """Return the two-sided p-value: how likely a rank sum at least this far from its mean is.

    Raises:
        ValueError: if a side has no values.
    """
    if not old or not new:
        raise ValueError("a rank test needs values on both sides")
    # Equal values share the mean of their ranks, doubled to stay whole.
    order = sorted([*old, *new])
    first = {value: index for index, value in reversed(list(enumerate(order)))}
    last = {value: index for index, value in enumerate(order)}
    ranks = [first[value] + last[value] + 2 for value in (*old, *new)]
    rank_sum = sum(ranks[: len(old)])
    if len(ranks) > _MAX_EXACT:
        return _approximate(ranks, rank_sum, len(old))
    ways = _ways(tuple(sorted(ranks)), len(old))
    # The mean is that of doubled ranks, too: no rounding anywhere.
    mean = len(old) * (len(ranks) + 1)
    distance = abs(rank_sum - mean)
    far = sum(number for total, number in ways.items() if abs(total - mean) >= distance)
    return far / math.comb(len(ranks), len(old))


@lru_cache(maxsize=256)
def _ways(ranks: tuple[int, ...], count: int) -> dict[int, int]:
    """Return in how many ways ``count`` of the ranks have each sum."""
    by_size: list[dict[int, int]] = [{0: 1}, *({} for _ in range(count))]
    for rank in ranks:
        for size in range(count, 0, -1):
            bigger = by_size[size]
            for total, number in by_size[size - 1].items():
                bigger[total + rank] = bigger.get(total + rank, 0) + number
    return by_size[count]


def _approximate(ranks: Sequence[int], rank_sum: int, count: int) -> float:
    total, other = len(ranks), len(ranks) - count
    tied = sum(ranks.count(rank) ** 3 - ranks.count(rank) for rank in set(ranks))
    variance = count * other / 12 * (total + 1 - tied / (total * (total - 1)))
    if variance == 0:
        return 1.0
    distance = abs(rank_sum - count * (total + 1)) / 2
    z = max(0.0, distance - 0.5) / math.sqrt(variance)
    return min(1.0, 2 * NormalDist().cdf(-z))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values: a share q of all comparisons has any below q by chance, at most."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, largest = [1.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - place)))
        adjusted[index] = largest
    return adjusted


def rank_interval(old: Runs, new: Runs) -> Interval | None:
    """Return new over old with its interval at 95 %, from one value a run.

    A side that is a single run counts by its iterations. None if some value is not above zero, or
    a side has fewer than four values.
    """
    before, after = _values(old), _values(new)
    if any(value <= 0 for value in (*before, *after)):
        return None
    logarithms = [[math.log(value) for value in side] for side in (before, after)]
    ends = _shift_ends(*logarithms)
    if ends is None:
        return None
    ratio = estimate(new) / estimate(old)
    return Interval(ratio, min(ratio, math.exp(ends[0])), max(ratio, math.exp(ends[1])))


def shift_interval(old: Runs, new: Runs) -> Interval | None:
    """Return the same of new minus old: its ``ratio`` is the difference."""
    ends = _shift_ends(_values(old), _values(new))
    if ends is None:
        return None
    change = estimate(new) - estimate(old)
    return Interval(change, min(change, ends[0]), max(change, ends[1]))


def _values(side: Runs) -> Sequence[float]:
    return side[0] if len(side) == 1 else [estimate([run]) for run in side]


def _shift_ends(old: Sequence[float], new: Sequence[float]) -> tuple[float, float] | None:
    if min(len(old), len(new)) < _FEWEST:
        return None
    shifts = sorted(after - before for after in new for before in old)
    rejected = _rejected(len(old), len(new))
    return shifts[rejected], shifts[-1 - rejected]


@lru_cache(maxsize=64)
def _rejected(old: int, new: int) -> int:
    """Return the largest number of pairs in the wrong order at which the test rejects at 5 %."""
    tail = (1 - CONFIDENCE) / 2
    if old + new > _MAX_EXACT:
        spread = math.sqrt(old * new * (old + new + 1) / 12)
        return max(0, math.floor(old * new / 2 + NormalDist().inv_cdf(tail) * spread))
    ways = _ways(tuple(range(1, old + new + 1)), old)
    least = old * (old + 1) // 2
    wrong, within = -1, 0
    while (within + ways.get(least + wrong + 1, 0)) / math.comb(old + new, old) <= tail:
        wrong += 1
        within += ways.get(least + wrong, 0)
    return wrong


_LEAST_P = 1e-9
"""Few values without any spread, such as counts, prove nothing with certainty."""


@dataclass(frozen=True)
class Comparison:
    """What a few runs say against several."""

    p: float
    interval: Interval


def compare_by_spread(old: Runs, new: Runs, further: float = 0.0) -> Comparison | None:
    """Return p and the interval of new over old, by the spread of the sides that show one.

    ``further`` is what a side's only value may be off by beyond what the other side's spread says,
    as the standard deviation of its logarithm. None if some value is not above zero, or if
    neither side has three runs.
    """
    if any(value <= 0 for run in (*old, *new) for value in run):
        return None
    before, after = _logarithms(old), _logarithms(new)
    if max(len(before), len(after)) < FEWEST_FOR_INTERVAL:
        return None
    error = _error(before, after)
    error = StandardError(math.hypot(error.value, further), error.degrees)
    change = fmean(after) - fmean(before)
    ratio = estimate(new) / estimate(old)
    width = math.exp(t_quantile(CONFIDENCE, error.degrees) * error.value)
    if error.value > 0:
        p = max(_LEAST_P, two_sided_p(change / error.value, error.degrees))
    else:
        p = 1.0 if change == 0 else _LEAST_P
    return Comparison(p=p, interval=Interval(ratio, ratio / width, ratio * width))


def _error(before: Sequence[float], after: Sequence[float]) -> StandardError:
    several = max(before, after, key=len)
    alone = stdev(several) * math.sqrt(1 / len(before) + 1 / len(after))
    if min(len(before), len(after)) < 2:
        return StandardError(alone, len(several) - 1)
    error = difference_error(before, after)
    # Two runs are close together by chance now and then, which makes them no better known.
    return StandardError(max(error.value, alone), error.degrees)


def _logarithms(runs: Runs) -> Sequence[float]:
    return [math.log(estimate([run])) for run in runs]
