"""Runs whose children are simulated cloud resources."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from doubles.cluster import QUICK, READY, MemoryCluster
from emulated.test_load import quick, run_suite

from krobench.api.specs.validity import Cause
from krobench.findings.validity import ResourcesNotReady, ResourcesReadyLate
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.loadjob.errors import AbortedError
from krobench.record.run import RunRecord
from krobench.record.test import IterationRecord

__all__ = ["quick"]  # a fixture that all tests here use

GROUP = "/apis/cloud.bench.kro.run/v1"


class Cluster(MemoryCluster):
    """Its kro makes a resource for each instance, which is ready when the resource is."""

    served = True

    def prepare(self, path: str, item: JsonObject) -> None:
        super().prepare(path, item)
        if "/load.bench.kro.run/" in path:
            item.pop("status")

    def react(self, verb: str, path: str) -> None:
        super().react(verb, path)
        item = self.objects.get(path, {})
        if verb == "create" and path.endswith(".cloud.bench.kro.run") and self.served:
            schemas: JsonObject = {f"run.kro.bench.cloud.v1.{item['spec']['names']['kind']}": {}}
            self.objects[f"/openapi/v3{GROUP}"] = {"components": {"schemas": schemas}}
        elif verb == "create" and "/load.bench.kro.run/" in path:
            [crd] = [each for each in self.objects if each.endswith(".cloud.bench.kro.run")]
            plural = crd.rpartition("/")[2].partition(".")[0]
            about = {"name": item["metadata"]["name"], "namespace": item["metadata"]["namespace"]}
            about |= {"uid": f"uid-of-{about['name']}", "generation": 1, "of": path}
            collection = f"{GROUP}/namespaces/{about['namespace']}/{plural}"
            self.put(f"{collection}/{about['name']}", {"metadata": about})
        elif verb == "update" and path.startswith(GROUP):
            of = item["metadata"]["of"]
            [condition] = item["status"]["conditions"]
            if of in self.objects and condition["observedGeneration"] == 1:
                self.put(of, self.objects[of] | {"status": READY})


async def run(cluster: Cluster, instances: int = 3, **test: Any) -> RunRecord:
    settings = {"readyAfter": "200ms", "resources": 1, "bytes": 2000} | test.pop("cloud", {})
    workload = {"scenario": "cloud", "instances": instances, "cloud": settings}
    return await run_suite(cluster, [{"name": "a", "workload": workload} | test])


def iteration(record: RunRecord) -> IterationRecord:
    return record.tests[0].iterations[-1]


async def test_resources_are_ready_after_their_time_and_their_kind_goes_with_the_run() -> None:
    sizes: list[int] = []

    class Measuring(Cluster):
        async def admit(self, verb: str, path: str, body: JsonObject) -> None:
            await super().admit(verb, path, body)
            if path.endswith("/status") and path.startswith(GROUP):
                sizes.append(len(str(body["status"]["details"])))

    cluster = Measuring()
    record = await run(cluster)
    [test] = record.tests
    assert test.success, test.error
    done = iteration(record)
    assert done.cloud is not None
    assert (done.cloud.delay_seconds, done.cloud.writes, done.cloud.failed) == (0.2, 3, 0)
    assert done.cloud.lag_max_seconds is not None
    ready = done.latency.instance_ready
    assert ready is not None
    assert (ready.p50_seconds or 0.0) >= 0.2
    assert all(1800 < size < 2500 for size in sizes)
    assert not any(path.endswith(".cloud.bench.kro.run") for path in cluster.objects)
    assert record.orphans is not None
    assert record.orphans.count == 0


async def test_other_workloads_have_no_simulated_cloud() -> None:
    record = await run_suite(MemoryCluster(), [{"name": "a", "workload": {"scenario": "single"}}])
    assert iteration(record).cloud is None


async def test_a_simulator_that_falls_behind_makes_the_run_invalid() -> None:
    class Slow(Cluster):
        async def admit(self, verb: str, path: str, body: JsonObject) -> None:
            await super().admit(verb, path, body)
            if path.endswith("/status") and path.startswith(GROUP):
                await asyncio.sleep(0.2)

    record = await run(Slow(), 80, concurrency=80)
    [cause] = [each for each in iteration(record).validity.causes if "Ready" in each.code]
    assert isinstance(cause, ResourcesReadyLate)
    assert cause.reason is Cause.GENERATOR_LATE
    assert cause.p99_seconds > cause.allowed_seconds


async def test_resources_that_cannot_be_made_ready_are_a_cause_too() -> None:
    class Refusing(Cluster):
        async def admit(self, verb: str, path: str, body: JsonObject) -> None:
            await super().admit(verb, path, body)
            if path.endswith("/status") and path.startswith(GROUP):
                raise ApiError(403, "Forbidden", "no")

    record = await run(Refusing(), timeout="1s")
    done = iteration(record)
    assert done.timed_out
    [cause] = [each for each in done.validity.causes if "Ready" in each.code]
    assert isinstance(cause, ResourcesNotReady)
    assert cause.failed == 3


async def test_a_kind_that_is_not_served_ends_its_test() -> None:
    cluster = Cluster()
    cluster.served = False
    workload = {"scenario": "cloud", "cloud": {"readyAfter": "100ms"}}
    timing = replace(QUICK, kind_appears=0.1, kind_poll=0.05)
    record = await run_suite(cluster, [{"name": "a", "workload": workload}], timing=timing)
    assert record.tests[0].error is not None
    assert record.tests[0].error.reason == "CloudNotServed"
    assert not any(path.endswith(".cloud.bench.kro.run") for path in cluster.objects)


async def test_a_delay_beyond_the_timeout_is_refused() -> None:
    workload = {"scenario": "cloud", "cloud": {"readyAfter": "5s", "resources": 2}}
    with pytest.raises(AbortedError) as refused:
        await run_suite(Cluster(), [{"name": "a", "workload": workload, "timeout": "10s"}])
    assert refused.value.info.reason == "InvalidSpec"
    assert "tests[0].workload.cloud" in str(refused.value)
