"""The exact two-sided Mann-Whitney test, with ties.

Under the null hypothesis every way of dealing the pooled values to the two sides is equally
likely. The rank sum's distribution over all of them is counted, by the recurrence of Mann and
Whitney (1947) carried over to midranks, so that ties need no correction.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

# Beyond, the normal approximation differs from the exact p in the third digit only.
_MAX_EXACT = 40


def mann_whitney(old: Sequence[float], new: Sequence[float]) -> float:
    """Return the two-sided p-value: how likely a rank sum at least this far from its mean is.

    Raises:
        ValueError: if a side has no values.
    """
    if not old or not new:
        raise ValueError("a rank test needs values on both sides")
    ranks = _doubled_midranks([*old, *new])
    rank_sum = sum(ranks[: len(old)])
    if len(ranks) > _MAX_EXACT:
        return _approximate(ranks, rank_sum, len(old))
    return _exact(tuple(sorted(ranks)), rank_sum, len(old))


def smallest_p(old: int, new: int) -> float:
    """Return the smallest p that a test of so many values a side can give."""
    return min(1.0, 2 / math.comb(old + new, old))


def values_for(p: float) -> int:
    """Return how many values a side are needed for a p this small to be possible."""
    count = 1
    while smallest_p(count, count) > p:
        count += 1
    return count


def _doubled_midranks(values: Sequence[float]) -> list[int]:
    """Return the rank of each value; equal ones share their mean, doubled to stay whole."""
    order = sorted(values)
    first = {value: index for index, value in reversed(list(enumerate(order)))}
    last = {value: index for index, value in enumerate(order)}
    return [first[value] + last[value] + 2 for value in values]


def _exact(ranks: tuple[int, ...], rank_sum: int, count: int) -> float:
    ways = _ways(ranks, count)
    # The mean is count * (n + 1), as ranks are doubled: no rounding anywhere.
    mean = count * (len(ranks) + 1)
    distance = abs(rank_sum - mean)
    far = sum(number for total, number in ways.items() if abs(total - mean) >= distance)
    return far / math.comb(len(ranks), count)


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
