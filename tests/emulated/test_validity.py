"""What happens around a load, from end to end against an API server in memory."""

from copy import deepcopy
from typing import Any

import pytest
from doubles.cluster import MemoryCluster
from emulated.test_load import quick, run_suite

from krobench.api.status import Verdict
from krobench.findings.validity import ContainerRestarted, KroReconfigured
from krobench.kube.client import JsonObject
from krobench.record.run import RunRecord

__all__ = ["quick"]

POD_PATH = "/api/v1/namespaces/kro-system/pods/kro-1"
POD: JsonObject = {
    "metadata": {
        "name": "kro-1",
        "uid": "1",
        "namespace": "kro-system",
        "labels": {"app.kubernetes.io/name": "kro"},
    },
    "spec": {
        "nodeName": "node-1",
        "containers": [
            {"name": "kro", "image": "kro:1", "resources": {"limits": {"memory": "256Mi"}}}
        ],
    },
    "status": {"phase": "Running", "containerStatuses": [{"name": "kro", "restartCount": 4}]},
}


class ClusterWithKro(MemoryCluster):
    """Has a kro pod, which is changed when an instance of this test and iteration is created."""

    def __init__(self, changed: JsonObject, during: str) -> None:
        super().__init__()
        self.objects[POD_PATH] = deepcopy(POD)
        self._changed = changed
        self._during = during

    def prepare(self, path: str, item: JsonObject) -> None:
        super().prepare(path, item)
        if "/load.bench.kro.run/" in path and f"-{self._during}-" in path:
            self.objects[POD_PATH] = deepcopy(self._changed)


def oom_killed() -> JsonObject:
    pod = deepcopy(POD)
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    pod["status"]["containerStatuses"] = [{"name": "kro", "restartCount": 5, "lastState": ended}]
    return pod


def replaced_by_another_version() -> JsonObject:
    pod = deepcopy(POD)
    pod["metadata"] |= {"uid": "2", "name": "kro-2"}
    pod["spec"]["containers"][0]["image"] = "kro:2"
    return pod


async def suite(changed: JsonObject, during: str, **spec: Any) -> RunRecord:
    workload = {"scenario": "single", "instances": 2}
    tests = [{"name": name, "workload": workload} for name in ("first", "second")]
    defaults = {"iterations": 2, "warmup": 1}
    return await run_suite(ClusterWithKro(changed, during), tests, defaults=defaults, **spec)


def reasons(record: RunRecord) -> list[list[str]]:
    return [[cause.reason for cause in test.validity.causes] for test in record.tests]


async def test_a_kro_that_is_killed_under_load_makes_the_run_invalid() -> None:
    record = await suite(oom_killed(), during="0-1")
    assert record.verdict is Verdict.INVALID
    assert all(test.success for test in record.tests)
    assert reasons(record) == [["KroOOMKilled"], []]
    assert record.validity is not None
    [cause] = record.validity.causes
    assert isinstance(cause, ContainerRestarted)
    assert (cause.test, cause.iteration, cause.pod) == ("first", 2, "kro-1")
    assert (cause.restarts_before, cause.restarts_after) == (4, 5)
    assert cause.memory_limit == "256Mi"


async def test_what_happens_in_warm_up_does_not_count() -> None:
    record = await suite(oom_killed(), during="0-0")
    assert record.verdict is Verdict.PASSED


@pytest.mark.parametrize(("order", "iterations_after"), [("Sequential", 2), ("Interleaved", 1)])
async def test_another_kro_than_the_run_began_with_is_found_in_all_that_follows(
    order: str, iterations_after: int
) -> None:
    record = await suite(replaced_by_another_version(), during="0-2", order=order)
    assert record.verdict is Verdict.INVALID
    assert record.validity is not None
    assert record.validity.causes[0].reason == "KroReconfigured"
    [first, *_] = record.validity.causes
    assert isinstance(first, KroReconfigured)
    assert {c.name: (c.before, c.after) for c in first.changes} == {
        "image": (["kro:1"], ["kro:2"]),
        "version": (["1"], ["2"]),
    }
    assert reasons(record)[0] == ["KroReconfigured", "KroRestarted"]
    assert reasons(record)[1] == ["KroReconfigured"] * iterations_after


async def test_a_cause_that_is_accepted_is_a_warning() -> None:
    record = await suite(oom_killed(), during="0-1", validity={"ignore": ["KroOOMKilled"]})
    assert record.verdict is Verdict.PASSED
    assert any("KroOOMKilled ignored" in text for text in record.warnings)
