"""A run that ends by an error that nobody had thought of says so in its results."""

from dataclasses import replace

import pytest
from doubles.cluster import QUICK, MemoryCluster
from emulated.test_load import FakePod, quick, run_suite

from krobench.api.status import Verdict
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.loadjob.errors import AbortedError
from krobench.record.run import RunRecord, RunState
from krobench.record.test import TestState

__all__ = ["quick"]  # a fixture that all tests here use

TESTS = [{"name": name, "workload": {"scenario": "single", "instances": 2}} for name in ("a", "b")]


def stored(cluster: MemoryCluster) -> RunRecord:
    kept = cluster.objects["/api/v1/namespaces/default/configmaps/bench-results"]
    return RunRecord.model_validate_json(kept["data"]["run.json"])


async def test_a_refusal_between_tests_ends_the_run_with_a_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0

    async def find_kro(*_: object) -> object:
        nonlocal asked
        asked += 1
        if asked == 3:  # once before all tests, and once before each
            raise ApiError(403, "Forbidden", "pods may not be listed")
        return FakePod()

    monkeypatch.setattr("krobench.loadjob.preflight.find_kro", find_kro)
    cluster = MemoryCluster()
    with pytest.raises(ApiError):
        await run_suite(cluster, TESTS)
    record = stored(cluster)
    assert (record.state, record.verdict) == (RunState.ABORTED, Verdict.ERROR)
    assert record.error is not None
    assert record.error.reason == "Forbidden"
    assert [test.state for test in record.tests] == [TestState.SUCCEEDED, TestState.SKIPPED]
    [lease] = [item for path, item in cluster.objects.items() if "/leases/" in path]
    assert lease["spec"]["holderIdentity"] is None


async def test_a_run_gives_way_to_a_load_that_keeps_the_lease_and_names_it() -> None:
    cluster, timing = MemoryCluster(), replace(QUICK, lease_wait=0.1, lease_poll=0.02)
    spec = {"holderIdentity": "other/load in a pod", "leaseDurationSeconds": 3600}
    path = "/apis/coordination.k8s.io/v1/namespaces/kro-system/leases"
    await cluster.create(path, {"metadata": {"name": "krobench-load"}, "spec": spec})
    with pytest.raises(AbortedError):
        await run_suite(cluster, TESTS, timing=timing)
    record = stored(cluster)
    assert (record.state, record.verdict) == (RunState.ABORTED, Verdict.ERROR)
    assert record.error is not None
    assert record.error.reason == "ClusterBusy"
    assert "other/load in a pod" in record.error.message
    assert cluster.objects[f"{path}/krobench-load"]["spec"] == spec
    assert not any("resourcegraphdefinitions" in each for each in cluster.objects)


async def test_a_fault_in_the_evaluation_does_not_leave_the_run_as_if_it_went_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def faulty(*_: object) -> None:
        raise ZeroDivisionError("in the slopes")

    monkeypatch.setattr("krobench.loadjob.benchmark.measure_slopes", faulty)
    cluster = MemoryCluster()
    with pytest.raises(ZeroDivisionError):
        await run_suite(cluster, TESTS)
    record = stored(cluster)
    assert (record.state, record.verdict) == (RunState.ABORTED, Verdict.ERROR)
    assert record.error is not None
    assert record.error.reason == "KrobenchFailed"
    assert "ZeroDivisionError: in the slopes" in record.error.message
    assert all(test.summary is not None for test in record.tests)


class RestartedCluster(MemoryCluster):
    """Its API server restarts before each request that it has not seen yet, and refuses it once."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[tuple[str, str]] = set()

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        if (verb, path) not in self.refused:
            self.refused.add((verb, path))
            error = ApiError(403, "Forbidden", f'User "load" cannot {verb} {path}')
            error.starting = True
            raise error
        await super().admit(verb, path, body)


async def test_no_refusal_of_a_server_that_has_just_started_ends_a_run() -> None:
    cluster = RestartedCluster()
    await run_suite(cluster, TESTS)
    record = stored(cluster)
    assert (record.state, record.verdict) == (RunState.COMPLETED, Verdict.PASSED)
    assert record.warnings == []
    assert record.orphans is not None
    assert record.orphans.count == 0
    refused = {verb for verb, _ in cluster.refused}
    assert refused >= {"get", "list", "watch", "create", "update", "delete"}
