"""Comparing two sides of runs, and the variants of one run.

Variants are compared with the first one, block by block (:mod:`.blocks`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from krobench.analysis.comparison.blocks import (
    Blocks,
    blocks_of,
    counts,
    judge_blocks,
    pair,
)
from krobench.analysis.comparison.differences import differences, refusal
from krobench.analysis.comparison.metrics import Measured, judge_all, measure
from krobench.analysis.comparison.rules import Rules
from krobench.api.specs.decide import MOST_BLOCKS
from krobench.findings.comparison import Comparison, FewEarlierRuns, MetricVerdict, Replicates
from krobench.findings.estimates import RunEstimates
from krobench.findings.incomparable import (
    AnyOmission,
    AnyRefusal,
    InvalidRun,
    NoCommonTest,
    NoUsableRuns,
    OnBothSides,
    RunUnusable,
    TestMissing,
)
from krobench.record.run import RunRecord


@dataclass(frozen=True)
class Side:
    """Runs that are taken together, and what they are called."""

    label: str
    runs: Sequence[RunEstimates]


def compare(old: Side, new: Side, rules: Rules) -> Comparison:
    """Compare the tests that both sides have, or return why they must not be compared.

    Runs are the replicates. If each side is a single run, iterations are used for what is
    shown, and there are no verdicts.
    """
    left_out: list[AnyOmission] = []
    old_runs, new_runs = (_usable(side, left_out) for side in (old, new))
    sides = [_not_among(new_runs, old_runs, left_out), new_runs]
    tests = _common_tests(sides[0], sides[1], left_out)
    found = differences(sides[0], sides[1], tests, rules.allowed)
    comparison = Comparison(
        old=old.label,
        new=new.label,
        old_runs=[_name(run) for run in sides[0]],
        new_runs=[_name(run) for run in sides[1]],
        minimum_effect=rules.minimum_effect,
        differences=found,
        left_out=left_out,
    )
    refused = _nothing_to_compare((old, new), sides, tests) or refusal(found)
    if refused is not None:
        return comparison.model_copy(update={"refused": refused})
    replicates = Replicates.RUNS if max(map(len, sides)) > 1 else Replicates.ITERATIONS
    measured: list[Measured] = []
    for test in tests:
        iterations = [[_iterations(run, test) for run in side] for side in sides]
        measured += measure(test, iterations[0], iterations[1], rules)
    metrics = judge_all(measured, rules, replicates)
    return comparison.model_copy(
        update={
            "replicates": replicates,
            "metrics": metrics,
            "verdict": overall([m.verdict for m in metrics if m.verdict is not None]),
        }
    )


def of_history(comparison: Comparison, fewest: int) -> Comparison:
    """Return a comparison with earlier runs, without a better or worse if these are few."""
    had = len(comparison.old_runs)
    if had >= fewest:
        return comparison
    undecided = {
        "verdict": MetricVerdict.INCONCLUSIVE,
        "note": FewEarlierRuns(had=had, needed=fewest),
    }
    metrics = [
        metric.model_copy(update=undecided) if metric.verdict in _FOUND else metric
        for metric in comparison.metrics
    ]
    found = [metric.verdict for metric in metrics if metric.verdict is not None]
    verdict = overall(found) if comparison.verdict is not None else None
    return comparison.model_copy(update={"metrics": metrics, "verdict": verdict})


_FOUND = (MetricVerdict.BETTER, MetricVerdict.WORSE)


def overall(verdicts: Sequence[MetricVerdict]) -> MetricVerdict:
    """Return what several verdicts come to."""
    if {MetricVerdict.WORSE, MetricVerdict.BETTER} <= set(verdicts):
        return MetricVerdict.MIXED
    for decisive in (MetricVerdict.WORSE, MetricVerdict.BETTER, MetricVerdict.INCONCLUSIVE):
        if decisive in verdicts:
            return decisive
    if MetricVerdict.NO_SLOWDOWN in verdicts:
        return MetricVerdict.NO_SLOWDOWN
    return MetricVerdict.SAME if verdicts else MetricVerdict.INCONCLUSIVE


def _usable(side: Side, left_out: list[AnyOmission]) -> list[RunEstimates]:
    left_out.extend(
        RunUnusable(run=_name(run), why=run.unusable)
        for run in side.runs
        if run.unusable is not None
    )
    return [run for run in side.runs if run.unusable is None]


def _not_among(
    others: Sequence[RunEstimates], runs: Sequence[RunEstimates], left_out: list[AnyOmission]
) -> list[RunEstimates]:
    """Return the runs that are not among the others too: a run is not compared with itself."""
    known = {run.id for run in others}
    left_out.extend(OnBothSides(run=_name(run)) for run in runs if run.id in known)
    return [run for run in runs if run.id not in known]


def _common_tests(
    old: Sequence[RunEstimates], new: Sequence[RunEstimates], left_out: list[AnyOmission]
) -> list[str]:
    """Return the tests that every run has; the others are added to ``left_out``."""
    runs = [*old, *new]
    names = list(dict.fromkeys(test.name for run in runs for test in run.tests))
    common = []
    for name in names:
        without = [run for run in runs if not _iterations(run, name)]
        if without:
            left_out.append(TestMissing(test=name, runs=[_name(run) for run in without[:3]]))
        else:
            common.append(name)
    return common


def _nothing_to_compare(
    sides: Sequence[Side], usable: Sequence[Sequence[RunEstimates]], tests: Sequence[str]
) -> AnyRefusal | None:
    for side, runs in zip(sides, usable, strict=True):
        if not runs:
            return NoUsableRuns(side=side.label)
    return None if tests else NoCommonTest()


def _iterations(run: RunEstimates, test: str) -> Sequence[Mapping[str, float | None]]:
    return next((item.iterations for item in run.tests if item.name == test), [])


def _name(run: RunEstimates) -> str:
    return f"{run.namespace}/{run.name} ({run.id[:8]})"


Sides = Mapping[str, Mapping[str, Blocks]]
"""The blocks of each test, by the variant; the first is what the others are compared with."""


def compare_variants(run: RunRecord, rules: Rules, *, sequential: bool = False) -> list[Comparison]:
    """Return the comparison of each variant with the first; none for a run without variants.

    ``sequential``: the run ended when it was decided. Only primary metrics are compared: with
    several variants, the others would outgrow the record.
    """
    sides: dict[str, dict[str, Blocks]] = {}
    for test in run.tests:
        if test.variant is not None:
            blocks = blocks_of(test.iterations) if test.success else {}
            sides.setdefault(test.variant, {})[test.spec_name] = blocks
    invalid = run.validity is not None and not run.validity.valid
    return compare_blocks(sides, rules, sequential=sequential, invalid=invalid)


def compare_blocks(
    sides: Sides, rules: Rules, *, sequential: bool, invalid: bool = False
) -> list[Comparison]:
    """Return the comparison of each variant with the first, block by block."""
    first, *others = sides or [""]
    return [
        _compare_variant(sides, first, name, rules, sequential=sequential, invalid=invalid)
        for name in others
    ]


def _compare_variant(
    sides: Sides, first: str, variant: str, rules: Rules, *, sequential: bool, invalid: bool
) -> Comparison:
    old, new = sides[first], sides[variant]
    tests = [test for test in old if old[test] and new.get(test)]
    paired, blocks = pair(
        {test: old[test] for test in tests}, {test: new[test] for test in tests}, rules
    )
    comparison = Comparison(
        old=first,
        new=variant,
        old_runs=[f"{first}/{number + 1}" for number in range(blocks)],
        new_runs=[f"{variant}/{number + 1}" for number in range(blocks)],
        minimum_effect=rules.minimum_effect,
        most_blocks=MOST_BLOCKS if sequential else None,
        no_slowdown_of=rules.excluded,
        left_out=[TestMissing(test=test) for test in old if test not in tests],
    )
    if invalid or not tests:
        refused = InvalidRun() if invalid else NoCommonTest()
        return comparison.model_copy(update={"refused": refused})
    metrics = judge_blocks(paired, blocks, rules, sequential=sequential)
    judged = [each for each in metrics if each.verdict in _FOUND or counts(each, rules)]
    changes = {
        "replicates": Replicates.BLOCKS,
        "metrics": metrics,
        "verdict": overall([each.verdict for each in judged if each.verdict is not None]),
    }
    return comparison.model_copy(update=changes)
