"""Where a series changed: E-divisive by Matteson and James (2014), with one variable.

A split's statistic is the energy distance of the values before and after it; the best split is
a change point where hardly any shuffling of the series has one as good. Then both parts are
searched in turn. See A Nonparametric Approach for Multiple Change Point Analysis of Multivariate
Data, Journal of the American Statistical Association 109.

Shuffling assumes that runs are exchangeable as long as nothing changes. Runs of which each is like
the one before it are not: at a correlation of 0.3 to 0.5 between neighbours, 16 to 28 % of series
without a change have a split as good. :func:`neighbour_correlation` shows that.
"""

import random
from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import fmean

SIGNIFICANCE = 0.01
MIN_SEGMENT = 3
"""Values before and after a change: with fewer, an outlier looks like a change."""
MOST_CORRELATED = 0.2
"""Lag-1 correlation beyond which a change point may be chance."""
MIN_SERIES = 10
"""Shorter series cannot have a p of 0.01: they have too few ways of being shuffled."""

_SHUFFLES = 399
_SEED = 20_140_301  # equal input gives equal output, wherever it is run again


def change_points(values: Sequence[float]) -> list[int]:
    """Return the index of the first value after each change, in order."""
    rng = random.Random(_SEED)  # noqa: S311 - nothing secret
    found: list[int] = []
    parts = [(0, len(values))]
    while parts:
        start, end = parts.pop()
        split = _significant_split(values[start:end], rng)
        if split is not None:
            found.append(start + split)
            parts += [(start, start + split), (start + split, end)]
    return sorted(found)


def neighbour_correlation(values: Sequence[float], changes: Sequence[int]) -> float:
    """Return how much each value is like the one before it, apart from these changes: the lag-1
    correlation of what the values differ from the mean between two changes."""
    left: list[float] = []
    for start, end in pairwise([0, *changes, len(values)]):
        mean = fmean(values[start:end])
        left += [value - mean for value in values[start:end]]
    squares = sum(value**2 for value in left)
    return sum(a * b for a, b in pairwise(left)) / squares if squares else 0.0


def _significant_split(values: Sequence[float], rng: random.Random) -> int | None:
    if len(values) < MIN_SERIES or min(values) == max(values):
        return None
    split, statistic = _best_split(values)
    as_good, allowed = 0, SIGNIFICANCE * (_SHUFFLES + 1) - 1
    for _ in range(_SHUFFLES):
        if _best_split(rng.sample(values, len(values)))[1] >= statistic:
            as_good += 1
            if as_good > allowed:
                return None
    return split


def _best_split(values: Sequence[float]) -> tuple[int, float]:
    """Return the split with the largest energy statistic, and that statistic.

    What comes after a split may end before the series does, as in equation (8): else a change
    that is undone later would hide itself.
    """
    sums = _distance_sums(values)
    best, largest = 0, float("-inf")
    for split in range(MIN_SEGMENT, len(values) - MIN_SEGMENT + 1):
        left, to_split = sums[split][split], sums[split]
        for end in range(split + MIN_SEGMENT, len(values) + 1):
            between = to_split[end] - left
            right = sums[end][end] - left - 2 * between
            # Equation (7); sums of distances within a part count pairs twice.
            after = end - split
            distance = (
                2 * between / (split * after)
                - left / (split * (split - 1))
                - right / (after * (after - 1))
            )
            statistic = distance * split * after / end
            if statistic > largest:
                best, largest = split, statistic
    return best, largest


def _distance_sums(values: Sequence[float]) -> list[list[float]]:
    """Return for each i and j the sum of the distances of the first i to the first j values."""
    rows = [[0.0] * (len(values) + 1)]
    for value in values:
        along = accumulate((abs(value - other) for other in values), initial=0.0)
        rows.append([above + here for above, here in zip(rows[-1], along, strict=True)])
    return rows
