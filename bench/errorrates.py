"""How often a comparison is wrong: pure, from runs that were measured.

Runs of one kind are compared as users do it: so many of them with the next ones, in the order in
which they were measured. What such a comparison finds is a false alarm; what it finds after a
slow-down was planted in the later runs is what it can see. Runs that are drawn at random would not
show what a drift does: dealt at random, it is the same on both sides.

Comparisons that share runs say much the same, so the interval of a rate counts only as many as
share none.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.pairs import wilson
from krobench.analysis.comparison.compare import Side, compare
from krobench.analysis.comparison.rules import Rules
from krobench.findings.comparison import Comparison, MetricVerdict
from krobench.findings.estimates import RunEstimates

_FOUND = (MetricVerdict.BETTER, MetricVerdict.WORSE)
_LATENCIES = ("p50", "p90", "p99")
_RATE, _CPU = "throughput.instancesPerSecond", "perInstance.kro.cpu.seconds"


@dataclass(frozen=True)
class Rate:
    """A share of comparisons, with its 95 % interval."""

    value: float
    low: float
    high: float
    comparisons: int

    def __str__(self) -> str:
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}]"


def slowdown(factor: float) -> dict[str, float]:
    """Return by how much each metric changes if all of kro's work takes so many times as long."""
    latencies = {f"latency.instanceReady.{name}": factor for name in _LATENCIES}
    return latencies | {_RATE: 1 / factor, _CPU: factor}


def false_alarms(runs: Sequence[RunEstimates], a_side: int) -> Rate:
    """Return how often any primary metric of runs and the next ones is called better or worse."""
    return _rate(runs, a_side, {}, lambda found: any(m.verdict in _FOUND for m in found.primary))


def power(
    runs: Sequence[RunEstimates],
    a_side: int,
    factors: Mapping[str, float],
    metric: str | None = None,
) -> Rate:
    """Return how often a change of several metrics at once is found: in ``metric``, or in any."""

    def found(comparison: Comparison) -> bool:
        return any(
            m.verdict in _FOUND
            for m in comparison.primary
            if (m.metric in factors if metric is None else m.metric == metric)
        )

    return _rate(runs, a_side, factors, found)


def only_primary(run: RunEstimates) -> RunEstimates:
    """Return a run without the metrics that get no verdict, which take most of the time."""
    wanted = Rules()
    return _with_numbers(
        run, lambda numbers: {n: value for n, value in numbers.items() if wanted.is_primary(n)}
    )


def scaled(run: RunEstimates, factors: Mapping[str, float]) -> RunEstimates:
    """Return a run with some metrics of all its iterations multiplied."""
    return _with_numbers(
        run,
        lambda numbers: {
            name: None if value is None else value * factors.get(name, 1.0)
            for name, value in numbers.items()
        },
    )


Numbers = dict[str, float | None]


def _with_numbers(run: RunEstimates, changed: Callable[[Numbers], Numbers]) -> RunEstimates:
    tests = [
        test.model_copy(update={"iterations": [changed(each) for each in test.iterations]})
        for test in run.tests
    ]
    return run.model_copy(update={"tests": tests})


def _rate(
    runs: Sequence[RunEstimates],
    a_side: int,
    factors: Mapping[str, float],
    found: Callable[[Comparison], bool],
) -> Rate:
    if len(runs) < 2 * a_side:
        raise ValueError(f"{a_side} runs a side need {2 * a_side} runs, and there are {len(runs)}")
    said = []
    for old, new in neighbours(runs, a_side):
        planted = Side("new", [scaled(run, factors) for run in new])
        said.append(found(compare(Side("old", old), planted, Rules())))
    apart = len(runs) // (2 * a_side)
    share = sum(said) / len(said)
    low, high = wilson(share * apart, apart)
    return Rate(share, low, high, len(said))


def neighbours(
    runs: Sequence[RunEstimates], a_side: int
) -> Iterator[tuple[Sequence[RunEstimates], Sequence[RunEstimates]]]:
    """Yield runs and the next ones, by their start, from each run on that has enough after it."""
    ordered = sorted(runs, key=lambda run: run.start_time)
    for start in range(len(ordered) - 2 * a_side + 1):
        middle = start + a_side
        yield ordered[start:middle], ordered[middle : middle + a_side]
