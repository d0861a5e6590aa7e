import random

import pytest
from unit.analysis.comparison.runs import METRICS, environment, run, side
from unit.analysis.records import iteration
from unit.records import some_run, some_test

from krobench.analysis.comparison.compare import Side, compare, compare_variants, of_history
from krobench.analysis.comparison.rules import Rules
from krobench.api.specs.results import DifferenceKind
from krobench.api.specs.validity import Cause
from krobench.findings.comparison import (
    Better,
    Comparison,
    FewEarlierRuns,
    MetricVerdict,
    MoreReplicates,
    NotMeasured,
    OnlyIterations,
    Replicates,
    TooFewBlocks,
    Undecided,
)
from krobench.findings.estimates import DifferenceSubject, TestEstimates
from krobench.findings.incomparable import (
    Invalid,
    NoCommonTest,
    NoUsableRuns,
    OnBothSides,
    RunsDiffer,
    RunUnusable,
    TestMissing,
)
from krobench.findings.validity import QuotedCause, Validity
from krobench.record.run import RunState
from krobench.record.test import IterationRecord, TestRecord

RULES = Rules(primary=dict.fromkeys(METRICS, Better.LOWER))
LATENCY = METRICS[0]


def verdicts(comparison: Comparison) -> dict[str, MetricVerdict | None]:
    return {metric.metric: metric.verdict for metric in comparison.metrics}


# Seeds are fixed, so these are figures of the method, and no draw of lots.
@pytest.mark.parametrize("new_runs", [5, 1])
def test_alike_runs_rarely_give_a_false_alarm(new_runs: int) -> None:
    alarms = sum(
        compare(side("old", 5, seed), side("new", new_runs, seed + 1000), RULES).verdict
        in (MetricVerdict.WORSE, MetricVerdict.BETTER)
        for seed in range(200)
    )
    assert alarms <= 16


@pytest.mark.parametrize(("effect", "least"), [(1.30, 95), (1.12, 50)])
def test_a_planted_effect_is_found(effect: float, least: int) -> None:
    found = sum(
        verdicts(compare(side("old", 6, seed), side("new", 6, seed + 1000, effect), RULES))[LATENCY]
        is MetricVerdict.WORSE
        for seed in range(100)
    )
    assert found >= least


def test_more_throughput_is_better_and_less_latency_too() -> None:
    comparison = compare(side("old", 6, 1), side("new", 6, 2, 0.5), RULES)
    assert verdicts(comparison)[LATENCY] is MetricVerdict.BETTER
    assert Rules().better("throughput.instancesPerSecond") is Better.HIGHER
    assert Rules().better(LATENCY) is Better.LOWER


def test_same_needs_the_interval_within_the_minimum_effect() -> None:
    quiet = compare(side("old", 8, 1, drift=0.005), side("new", 8, 2, drift=0.005), RULES)
    assert set(verdicts(quiet).values()) == {MetricVerdict.SAME}
    assert quiet.verdict is MetricVerdict.SAME
    noisy = compare(side("old", 8, 1, drift=0.2), side("new", 8, 2, drift=0.2), RULES)
    assert verdicts(noisy)[LATENCY] is MetricVerdict.INCONCLUSIVE


def test_three_runs_a_side_are_inconclusive_because_no_verdict_is_possible() -> None:
    comparison = compare(side("old", 3, 1), side("new", 3, 2, 3.0), RULES)
    [latency] = [metric for metric in comparison.metrics if metric.metric == LATENCY]
    assert latency.verdict is MetricVerdict.INCONCLUSIVE
    assert latency.note == MoreReplicates(more=1, of=Replicates.RUNS, side="either", fewest=3)


@pytest.mark.parametrize("runs", [4, 5])
def test_a_large_change_of_one_metric_is_found_whatever_else_is_watched(runs: int) -> None:
    """Of 3 metrics, p-values that are corrected one by one could not be small enough."""
    found = [
        compare(side("old", runs, seed), side("new", runs, seed + 50, 10.0), RULES)
        for seed in range(20)
    ]
    assert {verdicts(each)[LATENCY] for each in found} == {MetricVerdict.WORSE}


def test_what_is_not_decided_says_what_would_have_been_found_and_asks_for_no_more_runs() -> None:
    comparison = compare(side("old", 5, 3, drift=0.1), side("new", 5, 4, 1.1, drift=0.1), RULES)
    [latency] = [metric for metric in comparison.metrics if metric.metric == LATENCY]
    assert isinstance(latency.note, Undecided)
    assert latency.more_needed is None
    assert latency.note.detectable is not None
    assert 0.1 < latency.note.detectable < 0.5
    found = sum(
        verdicts(
            compare(
                side("old", 5, seed, drift=0.1),
                side("new", 5, seed + 1000, 1 + latency.note.detectable, drift=0.1),
                RULES,
            )
        )[LATENCY]
        is MetricVerdict.WORSE
        for seed in range(60)
    )
    assert found >= 42


def errors(counts: list[list[float]], name: str) -> Side:
    return Side(
        name, [run(f"{name}-{n}", [{ERRORS: x} for x in each]) for n, each in enumerate(counts)]
    )


ERRORS = "errors.total"


def test_from_no_errors_to_thirty_in_every_run_is_worse() -> None:
    rules = Rules(primary={ERRORS: Better.LOWER} | RULES.primary)
    old, new = (
        errors([[0, 0]] * 5, "old"),
        errors([[30, 31], [29, 30], [33, 28], [30, 30], [31, 35]], "new"),
    )
    comparison = compare(old, new, rules)
    [metric] = [each for each in comparison.metrics if each.metric == ERRORS]
    assert (metric.verdict, metric.ratio) == (MetricVerdict.WORSE, None)
    assert metric.difference == 30.5
    assert metric.difference_low is not None
    assert metric.difference_low >= 29
    assert compare(new, old, rules).metrics[0].verdict is MetricVerdict.BETTER


def test_no_errors_on_both_sides_are_the_same_and_one_in_a_single_run_is_nothing() -> None:
    rules = Rules(primary={ERRORS: Better.LOWER})
    none, one = errors([[0]] * 5, "none"), errors([[0], [0], [1], [0], [0]], "one")
    assert compare(none, errors([[0]] * 5, "other"), rules).verdict is MetricVerdict.SAME
    assert compare(none, one, rules).verdict not in (MetricVerdict.WORSE, MetricVerdict.BETTER)


def test_a_few_earlier_runs_give_no_better_or_worse() -> None:
    comparison = compare(side("old", 6, 1), side("new", 1, 2, 1.5), RULES)
    assert comparison.verdict is MetricVerdict.WORSE
    few = of_history(comparison, 20)
    assert few.verdict is MetricVerdict.INCONCLUSIVE
    notes = {metric.metric: metric.note for metric in few.metrics}
    assert notes[LATENCY] == FewEarlierRuns(had=6, needed=20)
    assert of_history(comparison, 6) == comparison


def test_some_better_and_some_worse_is_mixed_and_counts_as_worse() -> None:
    old, new = side("old", 6, 1), side("new", 6, 2, 0.5)
    for each in new.runs:
        for numbers in each.tests[0].iterations:
            numbers[METRICS[2]] = 2 * (numbers[METRICS[2]] or 0)
    comparison = compare(old, new, RULES)
    assert comparison.verdict is MetricVerdict.MIXED
    assert comparison.worse
    assert comparison.model_copy(update={"fails_run": True}).failed


def test_iterations_are_used_instead_of_single_runs() -> None:
    many = compare(side("old", 2, 1), side("new", 2, 2), RULES)
    one = compare(side("old", 1, 1, iterations=6), side("new", 1, 2, iterations=5), RULES)
    assert (many.replicates, one.replicates) == (Replicates.RUNS, Replicates.ITERATIONS)
    latency = one.metrics[0]
    assert (latency.old_replicates, latency.new_replicates) == (6, 5)
    assert latency.ratio is not None
    assert latency.verdict is MetricVerdict.INCONCLUSIVE
    assert latency.note == OnlyIterations(runs=4)


@pytest.mark.parametrize("runs", [1, 2, 3])
def test_with_few_on_both_sides_p_is_of_ranks_and_there_is_no_interval(runs: int) -> None:
    old, new = side("old", 3, 1), side("new", runs, 2, 1.5)
    one, other = (compare(*sides, RULES).metrics[0] for sides in ((old, new), (new, old)))
    assert one.p == other.p == pytest.approx({1: 0.5, 2: 0.2, 3: 0.1}[runs])
    assert one.ratio == pytest.approx(1 / (other.ratio or 0), rel=1e-4)
    assert (one.ratio_low, one.ratio_high) == (None, None)


def test_one_run_is_judged_by_the_spread_of_several() -> None:
    far = compare(side("old", 6, 1), side("new", 1, 2, 1.5), RULES)
    assert far.replicates is Replicates.RUNS
    assert verdicts(far)[LATENCY] is MetricVerdict.WORSE
    drifting = compare(side("old", 6, 1, drift=0.2), side("new", 1, 4, 1.2, drift=0.2), RULES)
    [latency] = [metric for metric in drifting.metrics if metric.metric == LATENCY]
    assert latency.verdict is MetricVerdict.INCONCLUSIVE
    assert isinstance(latency.note, Undecided)


def test_what_is_not_primary_has_no_verdict() -> None:
    comparison = compare(
        side("old", 5, 1), side("new", 5, 2), Rules(primary={LATENCY: Better.LOWER})
    )
    assert [metric.primary for metric in comparison.metrics] == [True, False, False]
    assert comparison.metrics[1].verdict is None
    assert comparison.metrics[1].adjusted_p is None


def test_default_metrics_that_were_not_measured_are_named_but_for_rare_percentiles() -> None:
    comparison = compare(side("old", 4, 1), side("new", 4, 2), Rules())
    missing = {m.metric for m in comparison.primary if isinstance(m.note, NotMeasured)}
    assert missing == {
        "perInstance.kro.cpu.seconds",
        "perInstance.kro.requests.total",
    }


def test_other_workloads_are_refused() -> None:
    new = side("new", 2, 2)
    for item in new.runs:
        item.tests[0].workload["workload.instances"] = "100"
    comparison = compare(side("old", 2, 1), new, RULES)
    assert comparison.refused == RunsDiffer(kinds=[DifferenceKind.WORKLOAD], in_spec=True)
    [difference] = comparison.differences
    assert (difference.test, difference.name) == ("web", "workload.instances")
    assert (difference.old, difference.new) == (["50"], ["100"])
    assert comparison.metrics == []
    allowed = Rules(frozenset({DifferenceKind.WORKLOAD}), primary=RULES.primary)
    again = compare(side("old", 2, 1), new, allowed)
    assert again.refused is None
    assert [difference.allowed for difference in again.differences] == [True]


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"version": "0.9.3"}, DifferenceKind.KRO_VERSION),
        ({"args": ["--dynamic-controller-concurrent-reconciles=8"]}, DifferenceKind.KRO_FLAGS),
        ({"env": {"GOGC": "50"}}, DifferenceKind.KRO_ENV),
        ({"limits": {"cpu": "2"}}, DifferenceKind.KRO_RESOURCES),
        ({"replicas": 2}, DifferenceKind.KRO_RESOURCES),
    ],
)
def test_another_kro_is_refused_unless_it_is_what_is_compared(
    changed: dict[str, object], kind: DifferenceKind
) -> None:
    old = Side("old", [run("a", [{LATENCY: 1.0}])])
    new = Side("new", [run("b", [{LATENCY: 1.0}], environment=environment(**changed))])  # type: ignore[arg-type]
    refused = compare(old, new, RULES).refused
    assert refused == RunsDiffer(kinds=[kind], in_spec=True)
    assert compare(old, new, Rules(frozenset({kind}))).refused is None


def test_the_values_of_a_flag_are_compared_in_both_of_its_forms() -> None:
    def with_args(name: str, *args: str) -> Side:
        return Side(name, [run(name, [{LATENCY: 1.0}], environment=environment(args=[*args]))])

    workers, other = "--dynamic-controller-concurrent-reconciles", "--log-level"
    old = with_args("old", workers, "1", other, "5", "--leader-elect")
    changed = compare(old, with_args("new", workers, "5", other, "5", "--leader-elect"), RULES)
    assert [(d.subject, d.name, d.old, d.new) for d in changed.differences] == [
        (DifferenceSubject.KRO_FLAG, workers.removeprefix("--"), ["1"], ["5"])
    ]
    alike = compare(old, with_args("new", "-leader-elect", f"{workers}=1", f"{other}=5"), RULES)
    assert alike.differences == []


def test_runs_of_one_side_must_be_alike_too() -> None:
    mixed = Side("old", [run("a", [{LATENCY: 1.0}]),
                         run("b", [{LATENCY: 1.0}], environment=environment("0.9.3"))])  # fmt: skip
    found = compare(mixed, Side("new", [run("c", [{LATENCY: 1.0}])]), RULES)
    assert isinstance(found.refused, RunsDiffer)
    versions = [
        each.old for each in found.differences if each.subject is DifferenceSubject.KRO_VERSION
    ]
    assert versions == [["0.9.3", "0.9.4"]]


def test_a_node_of_another_name_is_no_difference() -> None:
    other = environment()
    other.nodes[0].name = "another"
    other.nodes[0].memory = "8000128Ki"
    new = Side("new", [run("b", [{LATENCY: 1.0}], environment=other)])
    assert compare(Side("old", [run("a", [{LATENCY: 1.0}])]), new, RULES).differences == []


def test_an_invalid_run_is_left_out() -> None:
    invalid = Invalid(causes=["GeneratorLate"])
    old = side("old", 2, 1)
    bad = run("bad", [{LATENCY: 1.0}], unusable=invalid)
    comparison = compare(Side("old", [*old.runs, bad]), side("new", 2, 2), RULES)
    assert len(comparison.old_runs) == 2
    assert [each.why for each in comparison.left_out if isinstance(each, RunUnusable)] == [invalid]
    nothing = compare(Side("all bad", [bad]), side("new", 2, 2), RULES)
    assert nothing.refused == NoUsableRuns(side="all bad")
    assert [each.code for each in nothing.left_out] == ["RunUnusable"]


def test_a_run_on_both_sides_counts_for_the_new_one_alone() -> None:
    old, new = side("old", 4, 1), side("new", 1, 2)
    comparison = compare(Side("old", [*old.runs, *new.runs]), new, RULES)
    assert (len(comparison.old_runs), len(comparison.new_runs)) == (4, 1)
    assert any(
        isinstance(each, OnBothSides) and each.run.endswith("new-0 (new-0-ui)")
        for each in comparison.left_out
    )
    assert comparison.metrics == compare(old, new, RULES).metrics
    again = compare(new, new, RULES)
    assert isinstance(again.refused, NoUsableRuns)
    assert [each.code for each in again.left_out] == ["OnBothSides"]


def test_tests_are_matched_by_name() -> None:
    new = side("new", 2, 2)
    for item in new.runs:
        item.tests.append(TestEstimates(name="extra", workload={}, iterations=[{LATENCY: 1.0}]))
    comparison = compare(side("old", 2, 1), new, RULES)
    assert {metric.test for metric in comparison.metrics} == {"web"}
    missing = [each for each in comparison.left_out if isinstance(each, TestMissing)]
    assert [(each.test, len(each.runs)) for each in missing] == [("extra", 2)]
    for item in new.runs:
        item.tests = item.tests[1:]
    refused = compare(side("old", 2, 1), new, RULES).refused
    assert refused == NoCommonTest()


P50 = "latency.instanceReady.p50"


def measured(blocks: int, seed: int, level: float) -> list[IterationRecord]:
    """Return a warm-up that is far off, and a measured iteration, of each block."""
    rng, drift = random.Random(seed), random.Random(0)
    made: list[IterationRecord] = []
    for block in range(blocks):
        common = drift.lognormvariate(0, 0.3)
        for warmup in (True, False):
            median = 99.0 if warmup else level * common * rng.lognormvariate(0, 0.01)
            one = iteration(median, index=len(made), warmup=warmup)
            made.append(one.model_copy(update={"visit": block}))
    return made


def of_variant(
    variant: str, iterations: list[IterationRecord], *, success: bool = True
) -> TestRecord:
    return some_test(
        name=f"web.{variant}",
        variant=variant,
        planned_iterations=3,
        planned_warmup=1,
        instances=3,
        success=success,
        iterations=iterations,
    )


def compared(*tests: TestRecord, validity: Validity | None = None) -> list[Comparison]:
    run = some_run(*tests, state=RunState.COMPLETED, validity=validity)
    return compare_variants(run, Rules())


def test_each_variant_is_compared_with_the_first_block_by_block() -> None:
    """Blocks differ by 30 %, which is on both sides of a pair."""
    slower, alike = compared(
        of_variant("one", measured(8, 1, level=1.0)),
        of_variant("slow", measured(8, 2, level=1.1)),
        of_variant("alike", measured(8, 3, level=1.0)),
    )
    assert (slower.old, slower.new, slower.replicates) == ("one", "slow", Replicates.BLOCKS)
    metric = next(item for item in slower.metrics if item.metric == P50)
    assert (metric.test, metric.old_replicates, metric.new_replicates) == ("web", 8, 8)
    assert metric.verdict is MetricVerdict.WORSE
    assert 1.05 < (metric.ratio or 0) < 1.15, "warm-up iterations are not compared"
    metric = next(item for item in alike.metrics if item.metric == P50)
    assert metric.verdict is MetricVerdict.SAME


def test_few_blocks_say_how_many_a_verdict_takes() -> None:
    [comparison] = compared(
        of_variant("one", measured(3, 1, level=1.0)), of_variant("slow", measured(3, 2, level=2.0))
    )
    metric = next(item for item in comparison.metrics if item.metric == P50)
    assert metric.note == TooFewBlocks(had=3, needed=6)


def test_a_test_that_failed_under_a_variant_is_named() -> None:
    [comparison] = compared(
        of_variant("one", measured(2, 1, level=1.0)),
        of_variant("two", measured(2, 2, level=1.0), success=False),
    )
    assert comparison.left_out == [TestMissing(test="web")]
    assert comparison.refused is not None


def test_an_invalid_run_compares_nothing() -> None:
    [comparison] = compared(
        of_variant("one", measured(2, 1, level=1.0)),
        of_variant("two", measured(2, 2, level=1.0)),
        validity=Validity.of([QuotedCause(reason=Cause.SHARD_LOST, text="it was lost")]),
    )
    assert comparison.refused is not None
    assert comparison.metrics == []


def test_a_run_without_variants_has_no_comparison() -> None:
    assert compared(of_variant("one", []).model_copy(update={"variant": None})) == []
