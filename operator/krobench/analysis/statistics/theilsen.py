"""A slope that a few wild points do not move, and how sure it is.

Theil-Sen estimator: P. K. Sen, Estimates of the Regression Coefficient Based on Kendall's Tau,
Journal of the American Statistical Association 63 (1968). Of two sizes, the interval is that of
Welch's test. Of more it is a percentile bootstrap: values are resampled within each size, because
the sizes were chosen and not found. It is wide enough from five values of each, as the
tests of this module show.
"""

import itertools
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter, mul
from statistics import median
from typing import TypeVar

from krobench.analysis.statistics.bootstrap import percentile_ends, seeded
from krobench.analysis.statistics.intervals import (
    CONFIDENCE,
    FEWEST_FOR_INTERVAL,
    difference_error,
    t_quantile,
)

_FEWEST = 5
_RESAMPLES = 1000
_FEWEST_RESAMPLES = 200
_MOST_PAIRS = 1_000_000
_Size = TypeVar("_Size", int, float)


@dataclass(frozen=True)
class Fit:
    """A slope with its interval at 95 %, if there are enough values for one."""

    slope: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Line:
    """A straight line."""

    intercept: float
    slope: float

    def at(self, x: float) -> float:
        return self.intercept + self.slope * x


def fit_line(values: Mapping[float, Sequence[float]]) -> Line | None:
    """Return the line of the median slope, which leaves as many points above as below it.

    None for fewer than two sizes that have any values.
    """
    known = {size: each for size, each in values.items() if each}
    if len(known) < 2:
        return None
    slope = _slope(known)
    return Line(median(y - slope * x for x, each in known.items() for y in each), slope)


def fit_slope(values: Mapping[int, Sequence[float]]) -> Fit | None:
    """Return how fast values grow with size; None for fewer than two sizes that have any."""
    known = {size: list(each) for size, each in values.items() if each}
    if len(known) < 2:
        return None
    slope = _slope(known)
    fewest = min(map(len, known.values()))
    if len(known) == 2 and fewest >= FEWEST_FOR_INTERVAL:
        (small, of_small), (large, of_large) = known.items()
        error = difference_error(of_small, of_large)
        half = t_quantile(CONFIDENCE, error.degrees) * error.value / abs(large - small)
        return Fit(slope, slope - half, slope + half)
    if fewest < _FEWEST:
        return Fit(slope, None, None)
    low, high = percentile_ends(_resampled(known))
    return Fit(slope, low, high)


def _resampled(values: Mapping[int, Sequence[float]]) -> Iterator[float]:
    """Yield the slopes of values that are drawn within each size.

    The slopes of all pairs are sorted once: each counts as often as its two values were drawn.
    """
    places = itertools.count()
    points = {size: [(value, next(places)) for value in each] for size, each in values.items()}
    slopes, left, right = zip(
        *sorted(
            ((b - a) / (large - small), at_a, at_b)
            for (small, of_small), (large, of_large) in itertools.combinations(points.items(), 2)
            for a, at_a in of_small
            for b, at_b in of_large
        ),
        strict=True,
    )
    count = max(_FEWEST_RESAMPLES, min(_RESAMPLES, _MOST_PAIRS // len(slopes)))
    of_left, of_right = itemgetter(*left), itemgetter(*right)
    for times in _draws(tuple(map(len, values.values())), count):
        seen = list(itertools.accumulate(map(mul, of_left(times), of_right(times))))
        lower, upper = (slopes[bisect_right(seen, at // 2)] for at in (seen[-1] - 1, seen[-1]))
        yield (lower + upper) / 2


@lru_cache(maxsize=2)
def _draws(counts: tuple[int, ...], count: int) -> tuple[tuple[int, ...], ...]:
    """Return how often each value is drawn, so many times, of so many values of each size.

    Each bootstrap has the same random numbers, and the figures of a run have as many values.
    """
    rng = seeded()
    drawn = ([rng.choices(range(number), k=number) for number in counts] for _ in range(count))
    return tuple(
        tuple(
            each.count(at)
            for number, each in zip(counts, draw, strict=True)
            for at in range(number)
        )
        for draw in drawn
    )


def _slope(values: Mapping[_Size, Sequence[float]]) -> float:
    return median(
        [
            (b - a) / (large - small)
            for (small, of_small), (large, of_large) in itertools.combinations(values.items(), 2)
            for a in of_small
            for b in of_large
        ]
    )
