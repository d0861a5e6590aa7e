import random

from unit.analysis.records import iteration
from unit.records import some_run, some_test

from krobench.analysis.comparison.rules import Rules
from krobench.analysis.comparison.variants import compare_variants
from krobench.api.common import ErrorInfo
from krobench.findings.comparison import Comparison, MetricVerdict, Replicates
from krobench.findings.validity import Validity
from krobench.record.iteration import IterationRecord
from krobench.record.run import RunState
from krobench.record.test import TestRecord

P50 = "latency.instanceReady.p50"


def measured(visits: int, seed: int, level: float) -> list[IterationRecord]:
    """Return a warm-up that is far off, and two measured iterations, of each visit."""
    rng = random.Random(seed)
    made: list[IterationRecord] = []
    for visit in range(visits):
        for warmup in (True, False, False):
            median = 99.0 if warmup else level * rng.lognormvariate(0, 0.02)
            one = iteration(median, index=len(made), warmup=warmup)
            made.append(one.model_copy(update={"visit": visit}))
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


def test_each_variant_is_compared_with_the_first_by_visits() -> None:
    slower, alike = compared(
        of_variant("one", measured(6, 1, level=1.0)),
        of_variant("slow", measured(6, 2, level=1.3)),
        of_variant("alike", measured(6, 3, level=1.0)),
    )
    assert (slower.old, slower.new, slower.replicates) == ("one", "slow", Replicates.RESTARTS)
    metric = next(item for item in slower.metrics if item.metric == P50)
    assert (metric.test, metric.old_replicates, metric.new_replicates) == ("web", 6, 6)
    assert metric.verdict is MetricVerdict.WORSE
    assert 1.2 < (metric.ratio or 0) < 1.4, "warm-up iterations are not compared"
    metric = next(item for item in alike.metrics if item.metric == P50)
    assert metric.verdict is MetricVerdict.SAME


def test_a_test_that_failed_under_a_variant_is_named() -> None:
    [comparison] = compared(
        of_variant("one", measured(2, 1, level=1.0)),
        of_variant("two", measured(2, 2, level=1.0), success=False),
    )
    assert comparison.left_out == ["test web: has no result of both"]
    assert comparison.refused is not None


def test_an_invalid_run_compares_nothing() -> None:
    [comparison] = compared(
        of_variant("one", measured(2, 1, level=1.0)),
        of_variant("two", measured(2, 2, level=1.0)),
        validity=Validity.of([ErrorInfo(reason="ShardLost", message="it was lost")]),
    )
    assert comparison.refused is not None
    assert comparison.metrics == []


def test_a_run_without_variants_has_no_comparison() -> None:
    assert compared(of_variant("one", []).model_copy(update={"variant": None})) == []
