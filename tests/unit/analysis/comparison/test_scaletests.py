from typing import Any

import pytest
from unit.report.scales import scale_run

from krobench.analysis.comparison.estimates import slim
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.comparison.scaletests import ScaleSide, compare_scale_tests
from krobench.api.specs.results import DifferenceKind
from krobench.api.specs.scaletest import Axis
from krobench.api.specs.validity import Cause
from krobench.findings.comparison import MetricVerdict, OnlyIterations, Replicates
from krobench.findings.incomparable import (
    AnyRefusal,
    AxesDiffer,
    NoFigures,
    NothingJudged,
    NotRepeated,
    NoUsableRuns,
    OnBothSides,
    RunsDiffer,
    RunUnusable,
    SameRun,
)
from krobench.findings.scale_comparison import ScaleComparison
from krobench.findings.scaling import LimitState
from krobench.findings.validity import QuotedCause, Validity
from krobench.record.run import FULL_RUN_KEY, RunRecord, RunState
from krobench.report.words.comparison import difference_line

OLD = scale_run()
LARGER = scale_run(1500, {100: 1, 400: 1, 800: 1, 950: 3, 1050: 2, 1400: 3, 1600: 3})


def compared(old: RunRecord = OLD, new: RunRecord = LARGER, **rules: Any) -> ScaleComparison:
    if new.id == OLD.id:
        new = new.model_copy(update={"id": "another"})
    return compare_scale_tests(
        ScaleSide("old.json", [old]), ScaleSide("new.json", [new]), Rules(**rules)
    )


def changed(**spec: Any) -> RunRecord:
    return LARGER.model_copy(update={"spec": LARGER.spec | spec, "id": "another"})


def refusal(comparison: ScaleComparison) -> AnyRefusal:
    assert comparison.refused is not None
    assert comparison.verdict is None
    assert comparison.ratio is None
    return comparison.refused


def test_a_slim_record_has_all_that_is_compared() -> None:
    assert compared(slim(OLD), slim(LARGER)) == compared()
    assert len(slim(OLD).model_dump_json()) < 0.8 * len(OLD.model_dump_json())


def test_one_run_a_side_has_a_ratio_with_an_interval_and_no_verdict() -> None:
    found = compared()
    assert found.verdict is MetricVerdict.INCONCLUSIVE
    assert found.notes == [OnlyIterations(runs=4)]
    assert not found.worse
    assert found.ratio == pytest.approx(1.5, rel=0.02)
    assert found.ratio_low is not None
    assert found.ratio_high is not None
    assert 1.4 < found.ratio_low < 1.5 < found.ratio_high < 1.6
    assert found.old_limits == [OLD.scale.limit if OLD.scale else None]
    assert (found.replicates, found.p) == (Replicates.ITERATIONS, None)
    assert compared(LARGER, OLD).verdict is MetricVerdict.INCONCLUSIVE


def test_sizes_that_both_repeated_have_ratios_of_key_figures_without_verdicts() -> None:
    found = compared()
    assert list(dict.fromkeys(m.test for m in found.metrics)) == ["instances-950", "instances-1050"]
    by_name = {m.metric: m for m in found.metrics if m.test == "instances-1050"}
    assert {"throughput.instancesPerSecond", "latency.instanceReady.p99"} <= by_name.keys()
    p99 = by_name["latency.instanceReady.p99"]
    assert (p99.old_replicates, p99.new_replicates, p99.verdict) == (3, 2, None)
    assert p99.ratio == pytest.approx(2 / 3, rel=0.02)
    assert p99.ratio_low is not None
    assert p99.ratio_high is not None
    assert p99.ratio_low < 2 / 3 < p99.ratio_high < 1
    sizes = [f"instances-{size}" for size in (100, 400, 800, 1600)]
    assert found.left_out == [NotRepeated(tests=sizes)]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"slo": ["latency.instanceReady.p99 < 3.0"]}, "slo is latency.instanceReady.p99 < 2.0"),
        ({"workload": {"scenario": "web-app"}}, "workload.scenario is single"),
        ({"load": {"arrival": "poisson", "rate": 5}}, "load.arrival is closed"),
        ({"concurrency": 20}, "concurrency is 10 on the old side and 20 on the new"),
        ({"timeout": "5m"}, "timeout is 10m on the old side and 5m on the new"),
        ({"sizes": {"from": 1, "to": 2, "soak": "30s"}}, "sizes.soak is 0s on the old side"),
        (
            {"sizes": {"from": 1, "to": 2, "soak": "30s", "soakUntil": "Steady"}},
            "sizes.soakUntil is Time on the old side and Steady on the new",
        ),
    ],
)
def test_what_was_done_must_be_alike_unless_allowed(spec: dict[str, Any], words: str) -> None:
    found = compared(new=changed(**spec))
    assert refusal(found) == RunsDiffer(kinds=[DifferenceKind.WORKLOAD])
    assert any(words in difference_line(each) for each in found.differences)
    allowed = compared(new=changed(**spec), allowed=frozenset({DifferenceKind.WORKLOAD}))
    assert allowed.refused is None
    assert allowed.differences


def test_how_it_was_searched_may_differ() -> None:
    spec = {"sizes": {"values": [1, 2]}, "iterations": 5, "search": {"refine": False}, "warmup": 0}
    assert compared(new=changed(**spec)).refused is None


def test_the_environment_must_be_alike_unless_allowed() -> None:
    environment = LARGER.environment.model_copy(update={"kubernetes": "v9", "krobench": "9"})
    other = LARGER.model_copy(update={"environment": environment})
    kinds = [DifferenceKind.KROBENCH, DifferenceKind.KUBERNETES]
    assert refusal(compared(new=other)) == RunsDiffer(kinds=kinds)
    allowed = frozenset({DifferenceKind.KUBERNETES, DifferenceKind.KROBENCH})
    assert compared(new=other, allowed=allowed).ratio == pytest.approx(1.5, rel=0.02)


def test_limits_along_two_axes_are_never_compared() -> None:
    assert LARGER.scale is not None
    scale = LARGER.scale.model_copy(update={"axis": Axis.RGDS})
    refused = refusal(
        compared(new=LARGER.model_copy(update={"scale": scale}), allowed=frozenset(DifferenceKind))
    )
    assert refused == AxesDiffer(old=["instances"], new=["rgds"])


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        ({"state": RunState.ABORTED}, "NotCompleted"),
        (
            {"validity": Validity.of([QuotedCause(reason=Cause.NODE_BUSY, text="busy")])},
            "Invalid",
        ),
        ({"scale": None}, "NoSizes"),
    ],
)
def test_an_unusable_run_is_refused_by_its_name(update: Any, reason: str) -> None:
    refused = refusal(compared(new=LARGER.model_copy(update=update)))
    assert isinstance(refused, RunUnusable)
    assert (refused.run, refused.why.code) == ("bench/how-far (another)", reason)


def test_a_run_is_not_compared_with_itself() -> None:
    side = ScaleSide("a", [OLD])
    assert isinstance(refusal(compare_scale_tests(side, side, Rules())), SameRun)


def test_without_its_iterations_a_record_still_has_its_limit() -> None:
    tests = [test.model_copy(update={"iterations": []}) for test in LARGER.tests]
    parts = {FULL_RUN_KEY: ["results-1"]}
    found = compared(new=LARGER.model_copy(update={"tests": tests, "parts": parts}))
    assert (found.ratio, found.metrics) == (pytest.approx(1.5, rel=0.02), [])
    assert found.left_out == [NoFigures()]


def test_a_limit_that_was_not_reached_has_no_ratio_but_what_it_is_at_least() -> None:
    found = compared(new=scale_run(20_000, {100: 1, 800: 1, 1600: 1}))
    assert [limit.state for limit in found.new_limits] == [LimitState.NOT_REACHED]
    assert (found.ratio, found.ratio_high) == (None, None)
    assert 1.5 < (found.ratio_low or 0) <= 1.6


def several(ids: str, *limits: float, **update: Any) -> list[RunRecord]:
    """Return runs with these limits, whose ids are the letters of ``ids``."""
    sizes = {100: 1, 950: 3, 1050: 3, 1400: 3, 1600: 3}
    runs = [scale_run(limit, sizes) for limit in limits]
    return [
        run.model_copy(update={"id": id_, **update}) for id_, run in zip(ids, runs, strict=True)
    ]


BEFORE = several("abcd", 980, 1000, 1010, 1030)
AFTER = several("efgh", 1470, 1480, 1500, 1550)


def of_runs(old: list[RunRecord], new: list[RunRecord], **rules: Any) -> ScaleComparison:
    return compare_scale_tests(
        ScaleSide("old-1,old-2", old), ScaleSide("new-1,new-2", new), Rules(**rules)
    )


def test_of_several_runs_a_side_the_runs_are_the_replicates() -> None:
    found = of_runs(BEFORE, AFTER)
    assert found.verdict is MetricVerdict.BETTER
    assert found.replicates is Replicates.RUNS
    assert found.ratio == pytest.approx(1.48, rel=0.01)
    assert found.p == pytest.approx(0.0286, abs=1e-4)
    assert [len(limits) for limits in (found.old_limits, found.new_limits)] == [4, 4]
    assert of_runs(AFTER, BEFORE).verdict is MetricVerdict.WORSE


def test_what_iterations_would_call_better_is_inconclusive_if_runs_drift() -> None:
    old, new = several("abcd", 960, 1000, 1100, 1300), several("efgh", 1250, 980, 1020, 1120)
    assert (compared(old[0], new[0]).ratio_low or 0) > 1
    found = of_runs(old, new)
    assert found.verdict is MetricVerdict.INCONCLUSIVE
    assert [note.code for note in found.notes] == ["Undecided"]


def test_one_run_that_met_all_sizes_is_held_against_several_that_did_not() -> None:
    [beyond] = several("e", 20_000)
    found = of_runs(BEFORE, [beyond])
    assert (found.verdict, found.ratio, found.ratio_high) == (MetricVerdict.BETTER, None, None)
    assert 1.4 < (found.ratio_low or 0) < 1.6
    assert of_runs([beyond], BEFORE).verdict is MetricVerdict.WORSE


def test_figures_of_several_runs_are_at_the_sizes_of_all_with_a_value_for_each_run() -> None:
    old = [*BEFORE[:3], scale_run(1030, {100: 1, 950: 3, 1100: 3}).model_copy(update={"id": "d"})]
    found = of_runs(old, AFTER)
    assert list(dict.fromkeys(m.test for m in found.metrics)) == ["instances-100", "instances-950"]
    p99 = next(m for m in found.metrics if m.metric == "latency.instanceReady.p99")
    assert (p99.old_replicates, p99.new_replicates, p99.verdict) == (4, 4, None)
    assert p99.ratio == pytest.approx(1005 / 1490, rel=0.01)
    assert p99.ratio_low is not None
    assert found.left_out == []


def test_runs_of_one_side_must_be_alike_too() -> None:
    other = several("d", 1030, spec=OLD.spec | {"timeout": "5m"})
    found = of_runs([*BEFORE[:3], *other], AFTER)
    assert isinstance(refusal(found), RunsDiffer)
    [difference] = found.differences
    assert (difference.name, difference.old, difference.new) == (
        "timeout",
        ["10m", "5m"],
        ["10m"],
    )


def test_unusable_runs_and_runs_on_both_sides_are_left_out_and_named() -> None:
    aborted = several("z", 1000, state=RunState.ABORTED)
    empty = OLD.scale.model_copy(update={"sizes": []}) if OLD.scale else None
    silent = several("y", 1000, scale=empty)
    found = of_runs([*BEFORE, *aborted, *silent, AFTER[0]], AFTER)
    assert found.verdict is MetricVerdict.BETTER
    assert len(found.old_runs) == 4
    [unusable, nothing, both] = found.left_out
    assert isinstance(unusable, RunUnusable)
    assert (unusable.run, unusable.why.code) == ("bench/how-far (z)", "NotCompleted")
    assert nothing == NothingJudged(run="bench/how-far (y)")
    assert both == OnBothSides(run="bench/how-far (e)")
    again = of_runs(AFTER, AFTER)
    assert refusal(again) == NoUsableRuns(side="old-1,old-2")
    assert {each.code for each in again.left_out} == {"OnBothSides"}


def test_if_one_run_a_side_is_left_its_iterations_are_compared() -> None:
    found = of_runs([BEFORE[0], *several("z", 1000, state=RunState.ABORTED)], AFTER[:1])
    assert found.replicates is Replicates.ITERATIONS
    assert found.verdict is MetricVerdict.INCONCLUSIVE
    unusable = found.left_out[0]
    assert isinstance(unusable, RunUnusable)
    assert unusable.run == "bench/how-far (z)"
