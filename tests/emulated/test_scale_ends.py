"""Scale tests that end before the limit, and sizes that are not measured."""

import pytest
from doubles.cluster import MemoryCluster
from emulated.scaletests import run, scale_run, trials
from emulated.test_load import quick

from krobench.api.common import TIMEOUT
from krobench.api.specs.validity import Cause
from krobench.api.status import Verdict
from krobench.findings.scaling import (
    BudgetUsedUp,
    InvalidIteration,
    LimitState,
    NotReadyInTime,
    SizeInvalid,
    SizeNotMeasured,
    SizeVerdict,
)
from krobench.kube.errors import ApiError
from krobench.record.run import RunState

assert quick  # a fixture that is used here too


async def test_an_api_server_in_distress_ends_it_with_what_there_is() -> None:
    cluster = MemoryCluster()
    cluster.refuse_instances = ApiError(503, "ServiceUnavailable", "etcd is away")
    record = await run(cluster, warmup=0)
    assert record.state is RunState.COMPLETED
    assert record.scale is not None
    assert [step.verdict for step in record.scale.sizes] == [SizeVerdict.FAILED]
    assert isinstance(record.scale.stopped, SizeNotMeasured)
    assert record.scale.stopped.test == "instances-5"
    assert record.scale.stopped.error is not None
    assert record.scale.stopped.error.reason == "ApiServerInDistress"
    assert record.verdict is Verdict.FAILED


async def test_instances_that_are_not_ready_in_time_breach() -> None:
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.01
    slos = ["errors.total < 1000"]
    record = await run(
        cluster,
        timeout="3s",
        concurrency=1,
        sizes={"values": [5, 400]},
        slo=slos,
        search={"refine": False},
        iterations=1,
        warmup=0,
    )
    assert trials(record) == {5: [True], 400: [False]}
    assert record.scale is not None
    assert record.scale.stopped is None
    [breach] = record.scale.sizes[1].iterations[0].breached
    assert isinstance(breach, NotReadyInTime)
    assert breach.error.reason == TIMEOUT
    assert record.tests[1].error is None


async def test_an_invalid_iteration_is_replaced_and_becomes_warm_up() -> None:
    load = {"arrival": "burst", "burst": {"size": 1, "interval": "1ms"}, "maxSendLag": "1ms"}
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.01
    record = await run(
        cluster, load=load | {"maxInFlight": 1}, sizes={"values": [20, 40]}, warmup=0
    )
    assert trials(record) == {20: [None] * 3}
    assert record.scale is not None
    assert isinstance(record.scale.stopped, SizeInvalid)
    assert isinstance(record.scale.stopped.last, InvalidIteration)
    assert record.scale.stopped.last.causes[0].reason is Cause.GENERATOR_LATE
    assert [done.warmup for done in record.tests[0].iterations] == [True, True, False]
    assert record.verdict is Verdict.INVALID
    assert record.validity is not None
    first = record.validity.causes[0]
    assert (first.test, first.iteration) == ("instances-20", 3)


async def test_the_budget_ends_an_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.05
    made = scale_run(cluster, sizes={"values": [5, 200]}, concurrency=1, warmup=0)
    monkeypatch.setattr("krobench.api.specs.scaletest.Budget.duration_seconds", 3.0)
    record = await made.run()
    assert record.state is RunState.COMPLETED
    assert trials(record) == {5: [True], 200: [None]}
    assert record.scale is not None
    assert record.scale.stopped == BudgetUsedUp(duration="1h")


async def test_a_budget_that_ends_in_the_last_size_leaves_the_limit_beyond_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.1
    steps = {"values": [1, 2]}
    made = scale_run(cluster, sizes=steps, concurrency=1, warmup=0, iterations=20)
    monkeypatch.setattr("krobench.api.specs.scaletest.Budget.duration_seconds", 3.0)
    record = await made.run()
    assert record.scale is not None
    assert record.scale.stopped is None
    assert record.scale.limit is not None
    assert record.scale.limit.state is LimitState.NOT_REACHED
    [warning] = [each for each in record.warnings if "instances-2 ran" in each]
    assert warning.endswith("of 20 times because budget.duration, 1h, was used up"), warning
