"""A load that is shared by several shards, against an API server in memory."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from doubles.cluster import QUICK, MemoryCluster
from emulated.test_load import UID, quick

from krobench.api.status import Verdict
from krobench.figures.rawdata import ObjectRecord
from krobench.findings.validity import ShardLost
from krobench.kube.timing import Timing
from krobench.loadjob.benchmark import BenchmarkTask
from krobench.loadjob.engine import Engine
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.shards.shardworker import Worker
from krobench.record.run import RunRecord
from krobench.record.store import read_objects

__all__ = ["quick"]

TIMING = replace(QUICK, workers_arrive=3.0, coordinator_poll=0.05)


def benchmark(instances: int, shards: int, **test: Any) -> dict[str, Any]:
    load = test.pop("load", {}) | {"shards": shards}
    workload = {"scenario": "single", "instances": instances, "rgds": 2}
    spec = {
        "tests": [{"name": "a", "workload": workload, "load": load} | test],
        "defaults": {"iterations": 2, "warmup": 0, "timeout": "60s"},
    }
    metadata = {"name": "bench", "namespace": "default", "uid": UID, "generation": 1}
    return {"metadata": metadata, "spec": spec}


async def run(
    cluster: MemoryCluster, resource: dict[str, Any], present: list[int]
) -> tuple[RunRecord, list[asyncio.Task[None]]]:
    client = cluster
    workers = [asyncio.create_task(Worker(client, resource, k).run()) for k in present]
    record = await Engine(client, resource, BenchmarkTask(resource), TIMING).run()
    await asyncio.wait_for(asyncio.gather(*workers, return_exceptions=True), 30)
    return record, workers


def stored_lines(cluster: MemoryCluster) -> list[ObjectRecord]:
    return read_objects([cluster.objects["/api/v1/namespaces/default/configmaps/bench-results"]])


@pytest.mark.parametrize(
    "load", [{}, {"arrival": "constant", "rate": 400, "maxSendLag": "1s"}], ids=["closed", "open"]
)
async def test_each_instance_is_sent_once_and_measured_once(load: dict[str, Any]) -> None:
    cluster = MemoryCluster()
    record, workers = await run(cluster, benchmark(20, 3, load=load), [1, 2])
    assert record.verdict is Verdict.PASSED
    assert all(task.exception() is None for task in workers)
    for iteration in record.tests[0].iterations:
        assert (iteration.counts.sent, iteration.counts.ready) == (20, 20)
        assert iteration.figures.root["krobench.shards.count"] == 3
        spread = iteration.figures.root["krobench.shards.startSpreadSeconds"]
        assert spread is not None
        assert 0 <= spread < 1
        assert iteration.latency.instance_gone is not None
        assert iteration.latency.instance_gone.n == 20
    created = [
        line.name
        for line in stored_lines(cluster)
        if line.operation == "create-instance" and line.iteration == 0
    ]
    assert len(created) == len(set(created)) == 20
    left = {path.rpartition("/")[2] for path in cluster.objects}
    assert left == {"bench-results", "krobench-load"}


async def test_an_open_loop_keeps_the_times_of_the_whole_schedule() -> None:
    load = {"arrival": "constant", "rate": 100, "maxSendLag": "1s"}
    cluster = MemoryCluster()
    await run(cluster, benchmark(12, 3, load=load), [1, 2])
    times = sorted(
        line.intended_seconds
        for line in stored_lines(cluster)
        if line.operation == "create-instance"
        and line.iteration == 0
        and line.intended_seconds is not None
    )
    assert [t - times[0] for t in times] == pytest.approx([k / 100 for k in range(12)], abs=5e-3)


async def test_one_of_the_shards_sends_the_background() -> None:
    load = {"arrival": "constant", "rate": 100, "background": {"reads": 50}}
    record, _ = await run(MemoryCluster(), benchmark(40, 2, load=load), [1])
    for iteration in record.tests[0].iterations:
        assert iteration.background is not None
        assert 0 < iteration.background.reads <= 50 * iteration.background.seconds + 1


async def test_a_shard_that_never_comes_is_named() -> None:
    record, _ = await run(MemoryCluster(), benchmark(20, 3), [1])
    assert record.verdict is Verdict.INVALID
    assert record.validity is not None
    [cause, *_] = record.validity.causes
    assert cause.reason == "ShardLost"
    assert isinstance(cause, ShardLost)
    assert (cause.shard, cause.shards) == (2, 3)
    assert cause.error == "its pod did not start within 3s"
    assert record.tests[0].iterations[0].counts.sent == 14


async def test_a_shard_that_ends_in_mid_run_is_named() -> None:
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.2
    resource = benchmark(20, 2, concurrency=2)
    client = cluster
    worker = asyncio.create_task(Worker(client, resource, 1).run())
    suite = Engine(client, resource, BenchmarkTask(resource), TIMING)
    coordinator = asyncio.create_task(suite.run())
    while not any(item.get("status") for key, item in cluster.objects.items() if "/kb" in key):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    worker.cancel()
    record = await coordinator
    assert record.verdict is Verdict.INVALID
    first = record.tests[0].iterations[0]
    assert first.validity.causes[0].reason == "ShardLost"
    assert first.validity.causes[0] == ShardLost(shard=1, shards=2, error="its pod has ended")
    assert first.counts.requested == 20
    assert first.counts.sent == 10


async def test_a_worker_ends_if_the_coordinator_is_silent() -> None:
    timing = Timing(coordinator_silence=0.2, worker_interval=0.05)
    client = MemoryCluster()
    resource = benchmark(20, 2)
    worker = asyncio.create_task(Worker(client, resource, 1, timing).run())
    suite = Engine(client, resource, BenchmarkTask(resource), TIMING)
    assert suite.coordinator is not None
    await suite.coordinator.open()
    with pytest.raises(AbortedError, match="CoordinatorLost"):
        await asyncio.wait_for(worker, 30)
    await suite.coordinator.close()


async def test_a_stopped_run_dismisses_its_workers() -> None:
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.2
    resource = benchmark(20, 2, concurrency=2)
    client = cluster
    worker = asyncio.create_task(Worker(client, resource, 1).run())
    coordinator = asyncio.create_task(
        Engine(client, resource, BenchmarkTask(resource), TIMING).run()
    )
    await asyncio.sleep(1.0)
    coordinator.cancel()
    with pytest.raises(asyncio.CancelledError):
        await coordinator
    await asyncio.wait_for(worker, 30)
    assert not [path for path in cluster.objects if "-shard-" in path]
