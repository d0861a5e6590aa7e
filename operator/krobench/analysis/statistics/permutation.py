"""Exact tests by re-randomisation, for many metrics at once.

If nothing has changed, each way of dealing the runs to the two sides was as likely as the one that
happened. All metrics are dealt together, so how they depend on each other counts as it is: a metric
that follows another one costs nothing, and what else is watched hides no large change.

- :func:`step_down` turns statistics and those of the re-randomisations into p-values that are
  corrected for all metrics (Westfall and Young, Resampling-Based Multiple Testing, 1993; Romano and
  Wolf, Exact and Approximate Stepdown Methods for Multiple Hypothesis Testing, Journal of the
  American Statistical Association 100, 2005): at most 5 % of comparisons in which nothing changed
  have any p of at most 0.05.
- :func:`dealt` has the statistics of two sides of runs: Student's t of each metric. A rank
  statistic would not do: with 5 runs a side it has its largest value in 2 of 252 deals for *each*
  metric, so that seven metrics would hide a change however large.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from krobench.analysis.statistics.bootstrap import seeded

_MOST = 4000
"""Ways of dealing that are counted one by one; of more, so many are drawn."""
_ROUNDING = 1e-9
_STREAM = 2


def step_down(observed: Sequence[float], drawn: Sequence[Sequence[float]]) -> list[float]:
    """Return the corrected p-value of each statistic; a larger one is stronger evidence.

    ``drawn`` has the statistics of each re-randomisation, that of what happened among them.
    """
    order = sorted(range(len(observed)), key=lambda index: observed[index])
    # Statistics that are alike but for the order of their sums are as large.
    bounds = [value * (1 - _ROUNDING) if math.isfinite(value) else value for value in observed]
    as_large = [0] * len(observed)
    for statistics in drawn:
        largest = -math.inf
        for index in order:
            largest = max(largest, statistics[index])
            as_large[index] += largest >= bounds[index]
    adjusted, least = [1.0] * len(observed), 0.0
    for index in reversed(order):
        least = max(least, as_large[index] / len(drawn))
        adjusted[index] = least
    return adjusted


Values = Mapping[int, float]
"""The values of a metric, by the number of the run."""


def dealt(metrics: Sequence[Values], old: int, new: int) -> list[float]:
    """Return the corrected p-value of each metric's difference between two sides of runs.

    Runs 0 to ``old`` - 1 are the old side, the ``new`` others follow. A metric may be missing in
    some runs.
    """
    prepared = [_Centred(values) for values in metrics]
    happened = frozenset(range(old, old + new))
    observed = [metric.statistic(happened) for metric in prepared]
    drawn = [[metric.statistic(side) for metric in prepared] for side in _deals(old, new)]
    return step_down(observed, drawn)


def _deals(old: int, new: int) -> Iterator[frozenset[int]]:
    """Yield new sides, the one that happened among them."""
    runs = range(old + new)
    if math.comb(len(runs), new) <= _MOST:
        yield from map(frozenset, combinations(runs, new))
        return
    yield frozenset(range(old, old + new))
    rng = seeded(_STREAM)
    for _ in range(_MOST - 1):
        yield frozenset(rng.sample(runs, new))


class _Centred:
    """A metric's values minus their mean."""

    def __init__(self, values: Values) -> None:
        logarithms = all(value > 0 for value in values.values())
        scaled = {run: math.log(v) if logarithms else v for run, v in values.items()}
        mean = math.fsum(scaled.values()) / len(scaled)
        self._values = {run: value - mean for run, value in scaled.items()}
        self._squares = math.fsum(value**2 for value in self._values.values())

    def statistic(self, side: frozenset[int]) -> float:
        """Return the square of Student's t between a side and the other runs, without its factor.

        Infinite if the sides differ, and no run of a side differs from another of it.
        """
        own = [value for run in side if (value := self._values.get(run)) is not None]
        others = len(self._values) - len(own)
        if not own or not others:
            return 0.0
        between = sum(own) ** 2 * (1 / len(own) + 1 / others)
        within = self._squares - between
        if between <= _ROUNDING * self._squares:
            return 0.0
        return between / within if within > _ROUNDING * self._squares else math.inf
