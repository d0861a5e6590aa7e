"""Comparing two runs of scale tests: their limits, and figures at the sizes that both have."""

from collections.abc import Iterator
from dataclasses import dataclass

from krobench.analysis.comparison.estimates import numbers_of, scale_settings, unusable
from krobench.analysis.comparison.fingerprints import differences_of, refusal
from krobench.analysis.comparison.limits import compare_limits, measure_limit
from krobench.analysis.comparison.metrics import Iterations, Measured, explore, rounded
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.scaling.figures import repetitions
from krobench.model.common import ErrorInfo
from krobench.model.comparison import MetricComparison
from krobench.model.record import RunRecord
from krobench.model.scalecomparison import ScaleComparison
from krobench.model.scaling import ScaleRecord

_FIGURES = (
    "throughput.instancesPerSecond",
    "latency.instanceReady.p50",
    "latency.instanceReady.p99",
    "metrics.kro_cpu_seconds_per_instance",
    "memory.residentMaxBytes",
)
_FEWEST = 2
"""Repetitions of a size on each side, for a spread of both."""


@dataclass(frozen=True)
class ScaleSide:
    """A run of a scale test, and what it is called."""

    label: str
    run: RunRecord

    @property
    def scale(self) -> ScaleRecord:
        """What it found; a run that was never begun has none."""
        assert self.run.scale is not None
        return self.run.scale

    @property
    def name(self) -> str:
        """The run, as namespace/name (UID)."""
        return f"{self.run.namespace}/{self.run.name} ({self.run.id[:8]})"


def compare_scale_tests(old: ScaleSide, new: ScaleSide, rules: Rules) -> ScaleComparison:
    """Compare the limits of two scale tests, or say why that may not be done.

    Repetitions within each run are the replicates: a drift between the two runs they do not tell.
    """
    comparison = ScaleComparison(
        old=old.label,
        new=new.label,
        old_run=old.name,
        new_run=new.name,
        minimum_effect=rules.minimum_effect,
    )
    refused = _unfit(old, new)
    if refused is not None:
        return comparison.model_copy(update={"refused": refused})
    found = differences_of(
        (old.run.environment, scale_settings(old.run)),
        (new.run.environment, scale_settings(new.run)),
        rules.allowed,
    )
    known = {"axis": old.scale.axis, "differences": found}
    refused = refusal(found, in_spec=False)
    if refused is not None:
        return comparison.model_copy(update=known | {"refused": refused})
    return comparison.model_copy(update=known | _judged(old, new, rules))


def _unfit(old: ScaleSide, new: ScaleSide) -> ErrorInfo | None:
    for side in (old, new):
        why = unusable(side.run)
        if why is None and side.run.scale is None:
            why = ErrorInfo(reason="NoSteps", message="it has measured no size")
        if why is not None:
            return ErrorInfo(reason=why.reason, message=f"run {side.name}: {why.message}")
    if old.run.id == new.run.id:
        message = f"both sides are the run {old.name}: against itself, it tells nothing"
        return ErrorInfo(reason="SameRun", message=message)
    if old.scale.axis is not new.scale.axis:
        message = (
            f"spec.axis is {old.scale.axis} on the old side and {new.scale.axis} on the new: "
            "limits along two axes have no ratio"
        )
        return ErrorInfo(reason="AxisDiffers", message=message)
    return None


def _judged(old: ScaleSide, new: ScaleSide, rules: Rules) -> dict[str, object]:
    before, after = (
        measure_limit(name, side.scale, side.run.spec["slo"])
        for name, side in (("old", old), ("new", new))
    )
    ratio = compare_limits(before, after, rules.minimum_effect)
    metrics, left_out = _figures(old, new, rules)
    return {
        "old_limit": before.limit,
        "new_limit": after.limit,
        **{name: rounded(value) for name, value in ratio.numbers.items()},
        "verdict": ratio.verdict,
        "note": ratio.note,
        "metrics": metrics,
        "left_out": left_out,
    }


def _figures(
    old: ScaleSide, new: ScaleSide, rules: Rules
) -> tuple[list[MetricComparison], list[str]]:
    """Return key figures at the sizes that both sides repeated, and what is said of the others."""
    if old.run.shortened or new.run.shortened:
        return [], ["figures of the sizes: a run.json without its iterations does not have them"]
    before, after = dict(_sizes(old)), dict(_sizes(new))
    common = [test for test in before if test in after]
    repeated = [test for test in common if min(len(before[test]), len(after[test])) >= _FEWEST]
    metrics = [
        explored
        for test in repeated
        for metric in _FIGURES
        if (explored := _explored(test, metric, before[test], after[test], rules)) is not None
    ]
    single = [test for test in common if test not in repeated]
    left_out = [f"figures at {', '.join(single)}: not repeated on both sides"] if single else []
    return metrics, left_out


def _sizes(side: ScaleSide) -> Iterator[tuple[str, Iterations]]:
    """Yield the test of each size, ascending, with the numbers of its repetitions."""
    tests = {test.name: test for test in side.run.tests}
    for step in sorted(side.scale.steps, key=lambda step: step.size):
        yield step.test, [numbers_of(each) for each in repetitions(step, tests.get(step.test))]


def _explored(
    test: str, metric: str, old: Iterations, new: Iterations, rules: Rules
) -> MetricComparison | None:
    sides = [
        [[value] for each in side if (value := each.get(metric)) is not None] for side in (old, new)
    ]
    if min(map(len, sides)) < _FEWEST:
        return None
    return explore(Measured(test, metric, sides[0], sides[1]), rules)
