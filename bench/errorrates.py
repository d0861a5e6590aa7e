"""How often a comparison is wrong: pure, from runs that were measured.

Sides are drawn at random from runs of one kind. What a comparison then finds is a false alarm;
what it finds after one side's numbers were multiplied is what it can see. The rates are
U-statistics (means over sub-samples that share runs), so that their error comes from the
jackknife over runs, and not from the number of draws [Arvesen 1969].
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from krobench.analysis.comparison.compare import Side, compare
from krobench.analysis.comparison.rules import Rules
from krobench.findings.comparison import Comparison, MetricVerdict, RunEstimates

_Z95 = 1.96
_FOUND = (MetricVerdict.BETTER, MetricVerdict.WORSE)


@dataclass(frozen=True)
class Rate:
    """A share of comparisons, with its 95 % interval."""

    value: float
    low: float
    high: float
    draws: int

    def __str__(self) -> str:
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}]"


@dataclass(frozen=True)
class Draw:
    """Which runs were drawn, and whether the comparison found what was asked for."""

    members: frozenset[int]
    found: bool


def false_alarms(runs: Sequence[RunEstimates], a_side: int, draws: int, seed: int = 1) -> Rate:
    """Return how often any primary metric of two like sides is called better or worse."""
    return _rate(runs, a_side, draws, seed, lambda run: run, _any_found)


def power(
    runs: Sequence[RunEstimates],
    a_side: int,
    draws: int,
    metric: str,
    factor: float,
    seed: int = 1,
) -> Rate:
    """Return how often a change of ``metric`` by ``factor`` is found on one side."""

    def found(comparison: Comparison) -> bool:
        return any(m.metric == metric and m.verdict in _FOUND for m in comparison.metrics)

    return _rate(runs, a_side, draws, seed, lambda run: scaled(run, metric, factor), found)


def only_primary(run: RunEstimates) -> RunEstimates:
    """Return a run without the metrics that get no verdict, which take most of the time."""
    wanted = Rules()
    tests = [
        test.model_copy(
            update={
                "iterations": [
                    {name: value for name, value in each.items() if wanted.is_primary(name)}
                    for each in test.iterations
                ]
            }
        )
        for test in run.tests
    ]
    return run.model_copy(update={"tests": tests})


def scaled(run: RunEstimates, metric: str, factor: float) -> RunEstimates:
    """Return a run with one metric of all its iterations multiplied."""
    tests = []
    for test in run.tests:
        iterations = [
            {name: _times(value, factor) if name == metric else value for name, value in i.items()}
            for i in test.iterations
        ]
        tests.append(test.model_copy(update={"iterations": iterations}))
    return run.model_copy(update={"tests": tests})


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _any_found(comparison: Comparison) -> bool:
    return any(m.verdict in _FOUND for m in comparison.primary)


def _rate(
    runs: Sequence[RunEstimates],
    a_side: int,
    draws: int,
    seed: int,
    planted: Callable[[RunEstimates], RunEstimates],
    found: Callable[[Comparison], bool],
) -> Rate:
    if len(runs) < 2 * a_side:
        raise ValueError(f"{a_side} runs a side need {2 * a_side} runs, and there are {len(runs)}")
    rng = random.Random(seed)  # noqa: S311 - to be repeatable
    made = []
    for _ in range(draws):
        drawn = rng.sample(range(len(runs)), 2 * a_side)
        old = Side("old", [runs[index] for index in drawn[:a_side]])
        new = Side("new", [planted(runs[index]) for index in drawn[a_side:]])
        made.append(Draw(frozenset(drawn), found(compare(old, new, Rules()))))
    return interval_of(made, len(runs))


def interval_of(draws: Sequence[Draw], runs: int) -> Rate:
    """Return the rate of the draws; its error is that of leaving out each run in turn.

    Where every draw says the same, that error is zero and means nothing: the rule of three then
    bounds the rate, by as many comparisons as share no run.
    """
    rate = sum(draw.found for draw in draws) / len(draws)
    if rate in (0.0, 1.0):
        size = len(draws[0].members)
        bound = min(1.0, 3.0 / max(1, runs // size))
        low, high = (0.0, bound) if rate == 0.0 else (1.0 - bound, 1.0)
        return Rate(rate, low, high, len(draws))
    without = []
    for run in range(runs):
        left = [draw.found for draw in draws if run not in draw.members]
        if left:
            without.append(sum(left) / len(left))
    count = len(without)
    mean = sum(without) / count
    error = math.sqrt((count - 1) / count * sum((value - mean) ** 2 for value in without))
    return Rate(rate, max(0.0, rate - _Z95 * error), min(1.0, rate + _Z95 * error), len(draws))
