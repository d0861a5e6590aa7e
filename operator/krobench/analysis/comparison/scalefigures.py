"""Key figures at the sizes that all runs of two sides of scale tests have measured."""

from collections.abc import Iterator, Sequence

from krobench.analysis.comparison.estimates import numbers_of
from krobench.analysis.comparison.metrics import Iterations, Measured, explore, explore_runs
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.scaling.figures import repetitions
from krobench.findings.comparison import MetricComparison
from krobench.record.run import RunRecord

_FIGURES = (
    "throughput.instancesPerSecond",
    "latency.instanceReady.p50",
    "latency.instanceReady.p99",
    "metrics.kro_cpu_seconds_per_instance",
    "memory.residentMaxBytes",
)
_FEWEST = 2
"""Repetitions of a size where each side is a single run, for a spread of both."""

Sizes = dict[str, Iterations]
"""The repetitions of a run by the test of their size, sizes ascending."""


def compare_figures(
    old: Sequence[RunRecord], new: Sequence[RunRecord], rules: Rules
) -> tuple[list[MetricComparison], list[str]]:
    """Return figures without verdicts, and what is said of sizes that have none.

    Replicates are runs, by the medians of their repetitions; where each side is a single run,
    they are the repetitions.
    """
    if any(run.shortened for run in (*old, *new)):
        return [], ["figures of the sizes: a run.json without its iterations does not have them"]
    before, after = ([dict(_sizes(run)) for run in side] for side in (old, new))
    common = [test for test in before[0] if all(test in run for run in (*before, *after))]
    if len(old) > 1 or len(new) > 1:
        of_runs = [
            explore_runs(measured, rules)
            for test in common
            for metric in _FIGURES
            if (measured := _of_runs(test, metric, before, after)).available
        ]
        return of_runs, []
    return _of_repetitions(common, before[0], after[0], rules)


def _of_runs(test: str, metric: str, old: Sequence[Sizes], new: Sequence[Sizes]) -> Measured:
    sides = [[_values(run[test], metric) for run in side] for side in (old, new)]
    return Measured(test, metric, *([run for run in side if run] for side in sides))


def _of_repetitions(
    common: Sequence[str], old: Sizes, new: Sizes, rules: Rules
) -> tuple[list[MetricComparison], list[str]]:
    repeated = [test for test in common if min(len(old[test]), len(new[test])) >= _FEWEST]
    metrics = [
        explored
        for test in repeated
        for metric in _FIGURES
        if (explored := _explored(test, metric, old[test], new[test], rules)) is not None
    ]
    single = [test for test in common if test not in repeated]
    left_out = [f"figures at {', '.join(single)}: not repeated on both sides"] if single else []
    return metrics, left_out


def _sizes(run: RunRecord) -> Iterator[tuple[str, Iterations]]:
    """Yield the test of each size, ascending, with the numbers of its repetitions."""
    tests = {test.name: test for test in run.tests}
    steps = run.scale.steps if run.scale is not None else []
    for step in sorted(steps, key=lambda step: step.size):
        yield step.test, [numbers_of(each) for each in repetitions(step, tests.get(step.test))]


def _explored(
    test: str, metric: str, old: Iterations, new: Iterations, rules: Rules
) -> MetricComparison | None:
    sides = [[[value] for value in _values(side, metric)] for side in (old, new)]
    if min(map(len, sides)) < _FEWEST:
        return None
    return explore(Measured(test, metric, sides[0], sides[1]), rules)


def _values(iterations: Iterations, metric: str) -> list[float]:
    return [value for each in iterations if (value := each.get(metric)) is not None]
