"""Bootstraps: shared random numbers and quantiles, and the interval of a ratio of two medians.

Equal input gives equal output on every machine: each bootstrap starts from the same seed.

The ratio's bootstrap is hierarchical: it draws runs, then iterations. It does not draw single
observations, because their scatter is already in their iteration's estimate and would count twice
(Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8). The percentile
interval of a median is wide enough from four values a side, as the tests of this module show; with
fewer there is no interval.
"""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist, median

from krobench.analysis.statistics.intervals import CONFIDENCE, t_quantile

_SEED = 20_240_607


def seeded(stream: int = 0) -> random.Random:
    """Return the random numbers of a bootstrap, from their beginning.

    A bootstrap that draws from the draws of another needs another ``stream``, or both correlate.
    """
    return random.Random(_SEED + stream)  # noqa: S311 - nothing secret


def percentile_ends(
    drawn: Iterable[float], tail: float = (1 - CONFIDENCE) / 2
) -> tuple[float, float]:
    """Return the ends of a percentile interval, each of which leaves out this share of the draws,
    of which there is at least one."""
    values = sorted(drawn)
    return _quantile(values, tail), _quantile(values, 1 - tail)


def expanded_ends(drawn: Iterable[float], degrees: int) -> tuple[float, float]:
    """Return the ends of an interval of draws that rest on few values.

    They make a bootstrap too narrow, which is made up for by the expanded percentiles of Hesterberg
    (What Teachers Should Know About the Bootstrap, The American Statistician 69, 2015).
    """
    return percentile_ends(drawn, NormalDist().cdf(-t_quantile(CONFIDENCE, degrees)))


def _quantile(values: Sequence[float], q: float) -> float:
    """Return the q-quantile of ascending values, by linear interpolation."""
    position = q * (len(values) - 1)
    low = math.floor(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (position - low)


Runs = Sequence[Sequence[float]]
"""The values of one side: of each run, one value for each iteration."""

_FEWEST = 4
_RESAMPLES = 2000
_DRAWS_OF_A_RUN = 100


@dataclass(frozen=True)
class Interval:
    """A ratio, new over old, and what it may be just as well."""

    ratio: float
    low: float
    high: float


def estimate(runs: Runs) -> float:
    """Return the value of a side: the median of its runs' medians."""
    return median(median(run) for run in runs)


def ratio_interval(old: Runs, new: Runs) -> Interval | None:
    """Return new over old with its interval at 95 %.

    None if some value is not above zero, or a side has fewer than four values: runs, or
    iterations if it is a single run.
    """
    if any(value <= 0 for run in (*old, *new) for value in run):
        return None
    if min(len(side) if len(side) > 1 else len(side[0]) for side in (old, new)) < _FEWEST:
        return None
    rng = seeded()
    old_draws, new_draws = _Draws(old, rng), _Draws(new, rng)
    low, high = percentile_ends(new_draws.next() / old_draws.next() for _ in range(_RESAMPLES))
    return Interval(estimate(new) / estimate(old), low, high)


class _Draws:
    """Estimates of one side, each from runs and iterations drawn with replacement."""

    def __init__(self, runs: Runs, rng: random.Random) -> None:
        self._below = partial(_below, rng.getrandbits)
        # What iterations may make of a run is drawn beforehand: a draw is one choice then.
        self._runs = [
            [median(rng.choices(run, k=len(run))) for _ in range(_DRAWS_OF_A_RUN)] for run in runs
        ]

    def next(self) -> float:
        below, runs = self._below, self._runs
        count = len(runs)
        return median([runs[below(count)][below(_DRAWS_OF_A_RUN)] for _ in runs])


def _below(bits: Callable[[int], int], limit: int) -> int:
    """Return what ``random.choice`` draws, at half its cost: a comparison draws millions."""
    width = limit.bit_length()
    drawn = bits(width)
    while drawn >= limit:
        drawn = bits(width)
    return drawn
