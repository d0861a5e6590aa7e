"""How sure a ratio of two medians is: a hierarchical bootstrap over runs, then iterations.

Single observations are not drawn anew: their scatter stands in their iteration's estimate
already, and to draw it once more would count it twice (Davison and Hinkley, Bootstrap Methods
and their Application, 1997, section 3.8).

The percentile interval of a median is wide enough from four values a side on, as the tests of this
module show; of fewer there is none.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from krobench.analysis.statistics.resampling import percentile_ends, seeded

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
    """Return the value that stands for a side: the median of its runs' medians."""
    return median(median(run) for run in runs)


def ratio_interval(old: Runs, new: Runs) -> Interval | None:
    """Return new over old with its interval at 95 %.

    None where the ratio says nothing, as some value is not above zero, or where a side has fewer
    than four values: runs, or iterations where it is a single run.
    """
    if any(value <= 0 for run in (*old, *new) for value in run):
        return None
    if min(map(_values, (old, new))) < _FEWEST:
        return None
    rng = seeded()
    old_draws, new_draws = _Draws(old, rng), _Draws(new, rng)
    low, high = percentile_ends(new_draws.next() / old_draws.next() for _ in range(_RESAMPLES))
    return Interval(estimate(new) / estimate(old), low, high)


def _values(side: Runs) -> int:
    return len(side) if len(side) > 1 else len(side[0])


class _Draws:
    """Estimates of one side, each from runs and iterations drawn with replacement."""

    def __init__(self, runs: Runs, rng: random.Random) -> None:
        self._rng = rng
        # What iterations may make of a run is drawn beforehand: a draw is one choice then.
        self._runs = [
            [median(rng.choices(run, k=len(run))) for _ in range(_DRAWS_OF_A_RUN)] for run in runs
        ]

    def next(self) -> float:
        rng = self._rng
        return median(rng.choice(rng.choice(self._runs)) for _ in self._runs)
