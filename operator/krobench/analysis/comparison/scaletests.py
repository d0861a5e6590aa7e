"""Comparing runs of scale tests: their limits, and figures at the sizes they have in common."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from krobench.analysis.comparison.differences import differences_of, refusal
from krobench.analysis.comparison.estimates import numbers_of, scale_settings, unusable
from krobench.analysis.comparison.limitruns import compare_limit_runs
from krobench.analysis.comparison.limits import LimitRatio, compare_limits, measure_limit, span_of
from krobench.analysis.comparison.metrics import (
    Iterations,
    Measured,
    explore,
    explore_runs,
    rounded,
)
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.scaling.curves import repetitions
from krobench.analysis.scaling.limit import Crossing, limit_and_crossing
from krobench.analysis.scaling.slos import decided
from krobench.api.common import ErrorInfo
from krobench.findings.comparison import MetricComparison, Replicates
from krobench.findings.scale_comparison import ScaleComparison
from krobench.findings.scaling import Limit, ScaleRecord
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


Judged = tuple[list[Limit], list[Limit], LimitRatio]
"""The limits of each side's runs, and their ratio."""


@dataclass(frozen=True)
class ScaleSide:
    """Runs of scale tests that are taken together, and what they are called."""

    label: str
    runs: Sequence[RunRecord]


def compare_scale_tests(old: ScaleSide, new: ScaleSide, rules: Rules) -> ScaleComparison:
    """Compare the limits of scale tests, or say why that may not be done.

    Runs are the replicates. Where each side is a single run, its repetitions stand in: a drift
    between the two runs they do not tell.
    """
    left_out: list[str] = []
    refused = _unfit(old, new)
    if refused is None and len(old.runs) + len(new.runs) > 2:
        newer = _usable(new, (), left_out)
        old, new = _usable(old, {run.id for run in newer.runs}, left_out), newer
        refused = _nothing_left(old, new, left_out)
    comparison = ScaleComparison(
        old=old.label,
        new=new.label,
        old_runs=[_name(run) for run in old.runs],
        new_runs=[_name(run) for run in new.runs],
        minimum_effect=rules.minimum_effect,
        left_out=left_out,
    )
    refused = refused or _axes_differ(old, new)
    if refused is not None:
        return comparison.model_copy(update={"refused": refused})
    found = differences_of(
        [(run.environment, scale_settings(run)) for run in old.runs],
        [(run.environment, scale_settings(run)) for run in new.runs],
        rules.allowed,
    )
    known = {"axis": _scale(new.runs[0]).axis, "differences": found}
    refused = refusal(found, in_spec=False)
    if refused is not None:
        return comparison.model_copy(update=known | {"refused": refused})
    return comparison.model_copy(update=known | _judged(old, new, rules, left_out))


def _unfit(old: ScaleSide, new: ScaleSide) -> ErrorInfo | None:
    """Return why a side that is a single run tells nothing, or nothing of the other side."""
    for side in (old, new):
        why = _says_nothing(side.runs[0]) if len(side.runs) == 1 else None
        if why is not None:
            message = f"run {_name(side.runs[0])}: {why.message}"
            return ErrorInfo(reason=why.reason, message=message)
    if [run.id for run in old.runs] == [run.id for run in new.runs] and len(old.runs) == 1:
        message = f"both sides are the run {_name(old.runs[0])}: against itself, it tells nothing"
        return ErrorInfo(reason="SameRun", message=message)
    return None


def _says_nothing(run: RunRecord) -> ErrorInfo | None:
    if run.scale is None:
        nothing = ErrorInfo(reason="NoSteps", message="it has measured no size")
        return unusable(run) or nothing
    return unusable(run)


def _usable(side: ScaleSide, others: Collection[str], left_out: list[str]) -> ScaleSide:
    """Return a side without the runs that say nothing, or are among the ``others`` (by id)."""
    runs = []
    for run in side.runs:
        why = _says_nothing(run)
        if run.id in others:
            left_out.append(f"run {_name(run)}: is on both sides, and counts for the new one alone")
        elif why is not None:
            left_out.append(f"run {_name(run)}: {why.message}")
        elif not decided(_scale(run).steps):
            left_out.append(f"run {_name(run)}: no step says whether kro met the SLOs")
        else:
            runs.append(run)
    return replace(side, runs=runs)


def _nothing_left(old: ScaleSide, new: ScaleSide, left_out: Sequence[str]) -> ErrorInfo | None:
    for side in (old, new):
        if not side.runs:
            message = f"{side.label} has no run that may be compared: {'; '.join(left_out[:3])}"
            return ErrorInfo(reason="NoRuns", message=message)
    return None


def _axes_differ(old: ScaleSide, new: ScaleSide) -> ErrorInfo | None:
    axes = [sorted({_scale(run).axis for run in side.runs}) for side in (old, new)]
    if len({*axes[0], *axes[1]}) <= 1:
        return None
    before, after = map(" and ".join, axes)
    message = (
        f"spec.axis is {before} on the old side and {after} on the new: limits along two axes have "
        "no ratio"
    )
    return ErrorInfo(reason="AxisDiffers", message=message)


def _judged(
    old: ScaleSide, new: ScaleSide, rules: Rules, left_out: Sequence[str]
) -> dict[str, object]:
    single = len(old.runs) == len(new.runs) == 1
    judge = _by_repetitions if single else _by_runs
    before, after, ratio = judge(old.runs, new.runs, rules.minimum_effect)
    metrics, without = compare_figures(old.runs, new.runs, rules)
    return {
        "replicates": Replicates.ITERATIONS if single else Replicates.RUNS,
        "old_limits": before,
        "new_limits": after,
        **{name: rounded(value) for name, value in ratio.numbers.items()},
        "verdict": ratio.verdict,
        "note": ratio.note,
        "metrics": metrics,
        "left_out": [*left_out, *without],
    }


def _by_repetitions(
    old: Sequence[RunRecord], new: Sequence[RunRecord], minimum_effect: float
) -> Judged:
    before, after = (
        measure_limit(name, _scale(run), run.spec["slo"])
        for name, run in (("old", old[0]), ("new", new[0]))
    )
    return [before.limit], [after.limit], compare_limits(before, after, minimum_effect)


def _by_runs(old: Sequence[RunRecord], new: Sequence[RunRecord], minimum_effect: float) -> Judged:
    before, after = list(_limits(old)), list(_limits(new))
    spans = [[span for found in side if (span := span_of(*found))] for side in (before, after)]
    ratio = compare_limit_runs(spans[0], spans[1], minimum_effect)
    return [limit for limit, _ in before], [limit for limit, _ in after], ratio


def _limits(runs: Sequence[RunRecord]) -> Iterator[tuple[Limit, Crossing | None]]:
    for run in runs:
        scale = _scale(run)
        yield limit_and_crossing(scale.steps, run.spec["slo"], scale.axis, scale.stopped)


def _scale(run: RunRecord) -> ScaleRecord:
    """Return what a run found that was begun."""
    assert run.scale is not None
    return run.scale


def _name(run: RunRecord) -> str:
    return f"{run.namespace}/{run.name} ({run.id[:8]})"
