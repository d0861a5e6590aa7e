"""How sure a ratio of two medians is: a hierarchical bootstrap over runs, then iterations.

Single observations are not drawn anew: their scatter stands in their iteration's estimate
already, and to draw it once more would count it twice (Davison and Hinkley, Bootstrap Methods
and their Application, 1997, section 3.8).

The percentile interval of a median is wide enough from four runs a side on, as the tests of this
module show. Where one side is a single run, its drift is borrowed from the other side's runs, and
t takes the place of the normal quantile, as in Hesterberg (What Teachers Should Know About the
Bootstrap, The American Statistician 69, 2015).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

from krobench.analysis.statistics.student import t_quantile

Runs = Sequence[Sequence[float]]
"""The values of one side: of each run, one value for each iteration."""

CONFIDENCE = 0.95
_RESAMPLES = 2000
_DRAWS_OF_A_RUN = 100
_SEED = 20_240_607  # equal input gives equal output, wherever it is run again


@dataclass(frozen=True)
class Interval:
    """A ratio, new over old, and what it may be just as well."""

    ratio: float
    low: float
    high: float


def estimate(runs: Runs) -> float:
    """Return the value that stands for a side: the median of its runs' medians."""
    return median(median(run) for run in runs)


def ratio_interval(old: Runs, new: Runs) -> Interval | None:
    """Return new over old with its interval at 95 %.

    Where one side is a single run and the other is not, the spread between runs is taken from
    the other side: the single run shows none, and has it all the same.

    None where the ratio says nothing, as some value is not above zero, or where no side has
    two values.
    """
    if any(value <= 0 for run in (*old, *new) for value in run):
        return None
    if max(len(old), len(new), *map(len, (*old, *new))) < 2:
        return None
    rng = random.Random(_SEED)  # noqa: S311 - nothing secret
    old_draws = _Draws(old, rng, _spread(new) if len(old) == 1 else ())
    new_draws = _Draws(new, rng, _spread(old) if len(new) == 1 else ())
    ratios = sorted(new_draws.next() / old_draws.next() for _ in range(_RESAMPLES))
    tail = _tail(len(old), len(new))
    return Interval(
        ratio=estimate(new) / estimate(old),
        low=_quantile(ratios, tail),
        high=_quantile(ratios, 1 - tail),
    )


class _Draws:
    """Estimates of one side, each from runs and iterations drawn with replacement."""

    def __init__(self, runs: Runs, rng: random.Random, borrowed: Sequence[float]) -> None:
        self._rng = rng
        self._borrowed = borrowed
        # What iterations may make of a run is drawn beforehand: a draw is one choice then.
        self._runs = [
            [median(rng.choices(run, k=len(run))) for _ in range(_DRAWS_OF_A_RUN)] for run in runs
        ]

    def next(self) -> float:
        rng = self._rng
        drawn = [rng.choice(rng.choice(self._runs)) for _ in self._runs]
        factor = rng.choice(self._borrowed) if self._borrowed else 1.0
        return median(drawn) * factor


def _spread(runs: Runs) -> Sequence[float]:
    """Return the factors by which runs differ from their median; none of a single run."""
    if len(runs) < 2:
        return ()
    middle = estimate(runs)
    return [median(run) / middle for run in runs]


def _tail(old: int, new: int) -> float:
    """Return the share of resamples to leave out at either end, given the runs of each side."""
    if min(old, new) > 1 or max(old, new) == 1:
        return (1 - CONFIDENCE) / 2
    return NormalDist().cdf(-t_quantile(CONFIDENCE, max(old, new) - 1))


def _quantile(values: Sequence[float], q: float) -> float:
    position = q * (len(values) - 1)
    low = math.floor(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (position - low)
