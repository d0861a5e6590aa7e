"""Exact tests of paired blocks by sign flips, for many metrics at once and for several looks.

A block measures both sides once, in the order that a coin has drawn. If nothing has changed, the
other order was as likely, and with it the opposite sign of each difference. So all ways of flipping
whole blocks are equally likely, whatever drifts from block to block and however metrics depend on
each other. The same flips count for all metrics, and those for all of them are corrected together
by step-down maxT (:mod:`.permutation`).

- The statistic is the sum of the differences (Fisher, The Design of Experiments, 1935), relative to
  the root of the sum of their squares, so that metrics of any unit and scatter can be compared.
  Each counts at most twice the median size, so that one bad block does not hide the others.
  Signed ranks would not do: with few blocks, the flips of all signs in any metric reach their
  largest sum, so that among many metrics no change stands out, however large.
- Looking several times raises the chance of a false alarm, so each look spends a part of it in
  proportion to the blocks that it has (Kim and DeMets, Design and Analysis of Group Sequential
  Tests Based on the Type I Error Spending Rate Function, Biometrika 74, 1987). Its bound is found
  among the flips that have not crossed one before.
- A covariate, such as a control that runs beside the load, may explain a part of a difference. Its
  factor is fitted through the origin: flipping a block flips both, so that the factor stays as it
  is and the test stays exact. With an intercept it would not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from krobench.analysis.statistics.bootstrap import seeded
from krobench.analysis.statistics.intervals import CONFIDENCE
from krobench.analysis.statistics.permutation import step_down

ALPHA = 0.05
_MOST_COUNTED = 12
"""Up to so many blocks, all flips are counted; of more, 4,000 are drawn."""
_DRAWN = 4000
_STREAM = 3
_LARGEST = 2
"""Times the median size that a difference counts at most."""
_ROUNDING = 1e-9
_BITS = 8

Differences = Sequence[float | None]
"""The difference of a metric in each block; None if it is missing there."""


@lru_cache(maxsize=4)
def flips(blocks: int) -> Sequence[bytes]:
    """Return ways of flipping so many blocks, a bit for each, that of flipping none first."""
    length = -(-blocks // _BITS)
    if blocks <= _MOST_COUNTED:
        return [way.to_bytes(length, "little") for way in range(2**blocks)]
    rng = seeded(_STREAM)
    drawn = (rng.getrandbits(blocks).to_bytes(length, "little") for _ in range(_DRAWN - 1))
    return [bytes(length), *drawn]


@dataclass(frozen=True)
class Look:
    """How many blocks there are, and what may be spent of the false alarms up to here."""

    blocks: int
    alpha: float


def p_values(metrics: Sequence[Differences], blocks: int) -> list[float]:
    """Return the corrected p-value of each metric, of a single look at all blocks."""
    table = list(zip(*_statistics(metrics, blocks, blocks), strict=True))
    return step_down(table[0], table)


def crossed(metrics: Sequence[Differences], looks: Sequence[Look], most: int) -> list[set[int]]:
    """Return the metrics that have changed, as each look finds them by itself and those before.

    ``most`` is how many blocks there may be: the flips of a look begin those of the next one.
    """
    tables = [_statistics(metrics, look.blocks, most) for look in looks]
    everything = range(len(metrics))
    by_look = []
    for count in range(1, len(looks) + 1):
        found: set[int] = set()
        while left := [index for index in everything if index not in found]:
            bound = _bound(tables[:count], looks, left)
            beyond = {index for index in left if tables[count - 1][index][0] >= bound}
            if not beyond:
                break
            found |= beyond
        by_look.append(found)
    return by_look


def _statistics(
    metrics: Sequence[Differences], blocks: int, most: int
) -> Sequence[Sequence[float]]:
    """Return for each metric its statistic, by the way of flipping."""
    return [_statistic(tuple(metric[:blocks]), most) for metric in metrics]


@lru_cache(maxsize=256)  # each look needs those before it again
def _statistic(differences: tuple[float | None, ...], most: int) -> Sequence[float]:
    parts = _bounded(differences)
    sums = [_partial_sums(parts[at : at + _BITS]) for at in range(0, len(parts), _BITS)]
    spread = math.sqrt(sum(part**2 for part in parts)) or 1.0
    return [abs(sum(map(list.__getitem__, sums, way))) / spread for way in flips(most)]


def _partial_sums(parts: Sequence[float]) -> list[float]:
    """Return the sum of a few differences for each way of flipping them.

    A sum over all blocks is then a few of these: a comparison needs hundreds of thousands.
    """
    sums = [math.fsum(parts)] * (1 << _BITS)
    for way in range(1, 1 << len(parts)):
        lowest = way & -way
        sums[way] = sums[way ^ lowest] - 2 * parts[lowest.bit_length() - 1]
    # Bits of blocks that are not there yet, in a way of flipping more of them, change nothing.
    own = (1 << len(parts)) - 1
    return [sums[way & own] for way in range(1 << _BITS)]


def _bound(
    tables: Sequence[Sequence[Sequence[float]]], looks: Sequence[Look], left: Sequence[int]
) -> float:
    """Return the bound of the last look for the largest statistic of the metrics ``left``."""
    ways = len(tables[0][0])
    remaining: Sequence[int] = range(ways)
    bound = math.inf
    for table, look in zip(tables, looks, strict=False):
        columns = [table[index] for index in left]
        largest = columns[0] if len(columns) == 1 else list(map(max, *columns))
        may_cross = math.floor(look.alpha * ways * (1 + _ROUNDING)) - (ways - len(remaining))
        descending = sorted((largest[way] for way in remaining), reverse=True)
        bound = _smallest_crossed(descending, may_cross)
        remaining = [way for way in remaining if largest[way] < bound]
    return bound


def _smallest_crossed(descending: Sequence[float], count: int) -> float:
    """Return the smallest bound that at most so many statistics reach."""
    if count >= len(descending):
        return 0.0
    beyond = descending[max(0, count)] * (1 + _ROUNDING)
    crossing = [value for value in descending[: max(0, count)] if value > beyond]
    return crossing[-1] * (1 - _ROUNDING) if crossing else math.inf


def _bounded(differences: Differences) -> list[float]:
    """Return each difference, with a bound to its size; zero if there is none."""
    sizes = [abs(d) for d in differences if d]
    largest = _LARGEST * median(sizes) if sizes else 0.0
    return [max(-largest, min(largest, d)) if d else 0.0 for d in differences]


def factor_of(differences: Differences, covariate: Sequence[float]) -> float:
    """Return how much of a covariate's difference a metric's has, through the origin.

    It is the median of the quotients, weighted by the size of the covariate's difference.
    """
    both = zip(differences, covariate, strict=True)
    pairs = [(d / x, abs(x)) for d, x in both if d is not None and x]
    half = sum(weight for _, weight in pairs) / 2
    passed = 0.0
    for quotient, weight in sorted(pairs):
        passed += weight
        if passed >= half:
            return quotient
    return 0.0


def without(differences: Differences, covariate: Sequence[float]) -> list[float | None]:
    """Return the differences without what the covariate explains."""
    factor = factor_of(differences, covariate)
    both = zip(differences, covariate, strict=True)
    return [None if d is None else d - factor * x for d, x in both]


@dataclass(frozen=True)
class Shift:
    """A difference, and what it may be just as well, at 95 %."""

    estimate: float
    low: float | None
    """None if there are too few blocks for an interval."""
    high: float | None


def shift_of(differences: Differences) -> Shift:
    """Return the estimate of Hodges and Lehmann, with the interval of the signed-rank test."""
    known = [d for d in differences if d is not None]
    walsh = sorted((a + b) / 2 for index, a in enumerate(known) for b in known[index:])
    rejected = _rejected(len(known))
    if rejected < 0:
        return Shift(median(walsh), None, None)
    return Shift(median(walsh), walsh[rejected], walsh[-1 - rejected])


@lru_cache(maxsize=64)
def _rejected(blocks: int) -> int:
    """Return the largest sum of ranks at which the signed-rank test rejects at 5 %; -1 if none."""
    ways = {0: 1}
    for rank in range(1, blocks + 1):
        for total, number in sorted(ways.items(), reverse=True):
            ways[total + rank] = ways.get(total + rank, 0) + number
    total, within = -1, 0
    while (within + ways.get(total + 1, 0)) / 2**blocks <= (1 - CONFIDENCE) / 2:
        total += 1
        within += ways.get(total, 0)
    return total
