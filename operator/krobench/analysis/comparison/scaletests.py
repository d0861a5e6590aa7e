"""Comparing runs of scale tests: their limits, and figures at the sizes they have in common."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from krobench.analysis.comparison.differences import differences_of, refusal
from krobench.analysis.comparison.estimates import (
    SCALE_FIGURES,
    numbers_of,
    scale_settings,
    why_not_comparable,
)
from krobench.analysis.comparison.limitruns import compare_limit_runs
from krobench.analysis.comparison.limits import compare_limits, measure_limit
from krobench.analysis.comparison.metrics import (
    Iterations,
    Measured,
    explore,
    explore_runs,
    rounded,
)
from krobench.analysis.comparison.rules import MIN_REPLICATES, Rules
from krobench.analysis.comparison.scalegrowth import compare_growth
from krobench.analysis.comparison.spans import span_of
from krobench.analysis.scaling.curves import counted_iterations
from krobench.analysis.scaling.limit import limit_and_crossing
from krobench.analysis.scaling.slos import decided
from krobench.findings.comparison import (
    FewEarlierRuns,
    MetricComparison,
    MetricVerdict,
    OnlyIterations,
    Replicates,
)
from krobench.findings.incomparable import (
    AnyOmission,
    AnyRefusal,
    AxesDiffer,
    NoFigures,
    NothingJudged,
    NotRepeated,
    NoUsableRuns,
    OnBothSides,
    RunUnusable,
    SameRun,
)
from krobench.findings.scale_comparison import ScaleComparison
from krobench.findings.scaling import ScaleRecord
from krobench.record.run import RunRecord

_FEWEST = 2
"""Iterations of a size that single runs need on both sides."""

Sizes = dict[str, Iterations]
"""The iterations of a run by the test of their size, sizes ascending."""


def compare_figures(
    old: Sequence[RunRecord], new: Sequence[RunRecord], rules: Rules
) -> tuple[list[MetricComparison], list[AnyOmission]]:
    """Return figures without verdicts, and which sizes have none.

    Replicates are runs, by the medians of their iterations; if each side is a single run,
    they are the iterations.
    """
    if any(run.shortened for run in (*old, *new)):
        return [], [NoFigures()]
    before, after = ([dict(_sizes(run)) for run in side] for side in (old, new))
    common = [test for test in before[0] if all(test in run for run in (*before, *after))]
    if len(old) > 1 or len(new) > 1:
        of_runs = []
        for test, metric in product(common, SCALE_FIGURES):
            sides = [[_values(run[test], metric) for run in side] for side in (before, after)]
            known = [[run for run in side if run] for side in sides]
            measured = Measured(test, metric, known[0], known[1])
            if measured.available:
                of_runs.append(explore_runs(measured, rules))
        return of_runs, []
    return _of_iterations(common, before[0], after[0], rules)


def _of_iterations(
    common: Sequence[str], old: Sizes, new: Sizes, rules: Rules
) -> tuple[list[MetricComparison], list[AnyOmission]]:
    repeated = [test for test in common if min(len(old[test]), len(new[test])) >= _FEWEST]
    metrics = []
    for test, metric in product(repeated, SCALE_FIGURES):
        sides = [[[value] for value in _values(side[test], metric)] for side in (old, new)]
        if min(map(len, sides)) >= _FEWEST:
            explored = explore(Measured(test, metric, sides[0], sides[1]), rules)
            metrics += [explored] if explored is not None else []
    single = [test for test in common if test not in repeated]
    return metrics, [NotRepeated(tests=single)] if single else []


def _sizes(run: RunRecord) -> Iterator[tuple[str, Iterations]]:
    """Yield the test of each size, ascending, with the numbers of its iterations."""
    tests = {test.name: test for test in run.tests}
    sizes = run.scale.sizes if run.scale is not None else []
    for size in sorted(sizes, key=lambda size: size.size):
        counted = counted_iterations(size, tests.get(size.test))
        yield size.test, [numbers_of(each) for each in counted]


def _values(iterations: Iterations, metric: str) -> list[float]:
    return [value for each in iterations if (value := each.get(metric)) is not None]


@dataclass(frozen=True)
class ScaleSide:
    """Runs of scale tests that are taken together, and what they are called."""

    label: str
    runs: Sequence[RunRecord]


def compare_scale_tests(old: ScaleSide, new: ScaleSide, rules: Rules) -> ScaleComparison:
    """Compare the limits of scale tests, or return why they must not be compared.

    Runs are the replicates. If each side is a single run, its iterations give a ratio with an
    interval, and no verdict: they cannot show a drift between the two runs.
    """
    left_out: list[AnyOmission] = []
    refused = _unfit(old, new)
    if refused is None and len(old.runs) + len(new.runs) > 2:
        newer = _usable(new, (), left_out)
        old, new = _usable(old, {run.id for run in newer.runs}, left_out), newer
        empty = (NoUsableRuns(side=side.label) for side in (old, new) if not side.runs)
        refused = next(empty, None)
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
    refused = refusal(found)
    if refused is not None:
        return comparison.model_copy(update=known | {"refused": refused})
    return comparison.model_copy(update=known | _judged(old, new, rules, left_out))


def of_earlier_limits(comparison: ScaleComparison, fewest: int) -> ScaleComparison:
    """Return a comparison with earlier runs, without a better or worse if these are few."""
    had = len(comparison.old_runs)
    if had >= fewest or comparison.verdict not in (MetricVerdict.BETTER, MetricVerdict.WORSE):
        return comparison
    notes = [FewEarlierRuns(had=had, needed=fewest)]
    return comparison.model_copy(update={"verdict": MetricVerdict.INCONCLUSIVE, "notes": notes})


def _unfit(old: ScaleSide, new: ScaleSide) -> AnyRefusal | None:
    """Return why a side that is a single run cannot be compared with the other side."""
    for side in (old, new):
        why = why_not_comparable(side.runs[0]) if len(side.runs) == 1 else None
        if why is not None:
            return RunUnusable(run=_name(side.runs[0]), why=why)
    if [run.id for run in old.runs] == [run.id for run in new.runs] and len(old.runs) == 1:
        return SameRun(run=_name(old.runs[0]))
    return None


def _usable(side: ScaleSide, others: Collection[str], left_out: list[AnyOmission]) -> ScaleSide:
    """Return a side without unusable runs, and without the ``others`` (by id)."""
    runs = []
    for run in side.runs:
        why = why_not_comparable(run)
        if run.id in others:
            left_out.append(OnBothSides(run=_name(run)))
        elif why is not None:
            left_out.append(RunUnusable(run=_name(run), why=why))
        elif not decided(_scale(run).sizes):
            left_out.append(NothingJudged(run=_name(run)))
        else:
            runs.append(run)
    return replace(side, runs=runs)


def _axes_differ(old: ScaleSide, new: ScaleSide) -> AxesDiffer | None:
    before, after = (sorted({_scale(run).axis.value for run in side.runs}) for side in (old, new))
    return AxesDiffer(old=before, new=after) if len({*before, *after}) > 1 else None


def _judged(
    old: ScaleSide, new: ScaleSide, rules: Rules, left_out: Sequence[AnyOmission]
) -> dict[str, object]:
    single = len(old.runs) == len(new.runs) == 1
    if single:
        before = measure_limit("old", _scale(old.runs[0]), old.runs[0].spec["slo"])
        after = measure_limit("new", _scale(new.runs[0]), new.runs[0].spec["slo"])
        limits = [[before.limit], [after.limit]]
        found = compare_limits(before, after, rules.minimum_effect)
        notes = (*found.notes, OnlyIterations(runs=MIN_REPLICATES))
        ratio = replace(found, verdict=MetricVerdict.INCONCLUSIVE, notes=notes)
    else:
        sides = [
            [
                limit_and_crossing(_scale(run).sizes, run.spec["slo"], _scale(run).stopped)
                for run in side.runs
            ]
            for side in (old, new)
        ]
        limits = [[limit for limit, _ in side] for side in sides]
        spans = [[span for found in side if (span := span_of(*found))] for side in sides]
        ratio = compare_limit_runs(spans[0], spans[1], rules.minimum_effect)
    metrics, without = compare_figures(old.runs, new.runs, rules)
    return {
        "replicates": Replicates.ITERATIONS if single else Replicates.RUNS,
        "old_limits": limits[0],
        "new_limits": limits[1],
        **{name: rounded(value) for name, value in ratio.numbers.items()},
        "verdict": ratio.verdict,
        "notes": list(ratio.notes),
        "metrics": metrics,
        "growth": compare_growth(list(map(_scale, old.runs)), list(map(_scale, new.runs))),
        "left_out": [*left_out, *without],
    }


def _scale(run: RunRecord) -> ScaleRecord:
    """Return what a run found that was begun."""
    assert run.scale is not None
    return run.scale


def _name(run: RunRecord) -> str:
    return f"{run.namespace}/{run.name} ({run.id[:8]})"
