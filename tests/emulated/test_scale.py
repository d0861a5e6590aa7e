"""A scale test from end to end, against an API server in memory."""

import pytest
from doubles.cluster import MemoryCluster
from emulated.scaletests import AT_MOST_20, N, run, trials
from emulated.test_load import quick

from krobench.api.status import Verdict
from krobench.findings.scaling import BeyondBudget, LimitState, SizesLeftOut, SloMissed
from krobench.loadjob.errors import AbortedError
from krobench.record.test import TestState

assert quick  # a fixture that is used here too


async def test_sizes_are_tests_and_the_two_around_the_limit_are_repeated() -> None:
    cluster = MemoryCluster()
    record = await run(cluster)
    assert trials(record) == {
        5: [True],
        10: [True],
        20: [True] * 2,
        40: [False] * 2,
        28: [False] * 2,
    }
    assert record.scale is not None
    assert record.scale.stopped is None
    assert [step.refined for step in record.scale.sizes] == [False, False, False, False, True]
    assert {step.size for step in record.scale.sizes if step.decisive} == {20, 28}
    missed = SloMissed(slo=AT_MOST_20, measured={N: 40})
    assert record.scale.sizes[3].iterations[0].breached == [missed]
    assert [test.name for test in record.tests] == [step.test for step in record.scale.sizes]
    first, *_, last = record.tests
    assert (first.name, first.planned_warmup, first.planned_iterations) == ("instances-5", 1, 1)
    assert [done.warmup for done in first.iterations] == [True, False]
    assert (last.instances, last.planned_iterations, last.state) == (28, 2, TestState.SUCCEEDED)
    assert last.thresholds[0].passed is False
    assert record.scale.limit is not None
    assert record.scale.limit.state is LimitState.FOUND
    assert (record.scale.limit.last_met, record.scale.limit.first_breach) == (20, 28)
    assert record.verdict is Verdict.PASSED
    assert record.progress.iterations_done == record.progress.iterations_planned == 9
    assert record.orphans is not None
    assert record.orphans.count == 0
    assert {path.rpartition("/")[2] for path in cluster.objects} == {"far-results", "krobench-load"}
    [results] = [item for path, item in cluster.objects.items() if path.endswith("far-results")]
    assert results["metadata"]["ownerReferences"][0]["kind"] == "KroScaleTest"


async def test_sizes_beyond_the_limits_are_left_out_with_the_reason() -> None:
    budget = {"maxInstances": 15}
    record = await run(MemoryCluster(), budget=budget)
    assert record.scale is not None
    assert record.scale.planned == [5, 10]
    assert isinstance(record.scale.stopped, SizesLeftOut)
    assert record.scale.stopped.sizes == [20, 40, 80]
    assert record.scale.stopped.why == BeyondBudget(instances=20, most=15)
    record = await run(MemoryCluster(), max_objects=25)
    assert record.scale is not None
    assert record.scale.planned == [5, 10]


async def test_a_smallest_size_that_may_not_be_run_is_refused() -> None:
    with pytest.raises(AbortedError, match="smallest size, 5, cannot be run"):
        await run(MemoryCluster(), max_objects=5)


async def test_a_percentile_that_an_iteration_does_not_have_is_refused() -> None:
    with pytest.raises(AbortedError, match="p99 needs 100 observations"):
        await run(MemoryCluster(), slo=["latency.instanceReady.p99 < 5.0"])
