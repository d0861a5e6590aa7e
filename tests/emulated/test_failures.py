"""A run that ends by an error that nobody had thought of says so in its results."""

from collections.abc import Mapping
from typing import Any

import pytest
from emulated.memory import MemoryCluster
from emulated.test_load import FakePod, quick, run_suite

from krobench.api.status import Verdict
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
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

    monkeypatch.setattr("krobench.job.preflight.find_kro", find_kro)
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


async def test_a_fault_in_the_evaluation_does_not_leave_the_run_as_if_it_went_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def faulty(*_: object) -> None:
        raise ZeroDivisionError("in the slopes")

    monkeypatch.setattr("krobench.job.suite.measure_slopes", faulty)
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
    """Its API server is started anew before each request that it has not yet seen, and refuses it
    once."""

    backoff = KubeClient.backoff

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[str] = set()

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, accept: str = ""
    ) -> JsonObject:
        self._refuse_once("get", path)
        return await super().get(path, params, accept)

    async def list(self, path: str, label_selector: str | None = None) -> list[JsonObject]:
        self._refuse_once("list", path)
        return await super().list(path, label_selector)

    async def create(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        self._refuse_once("create", path)
        return await super().create(path, body)

    async def replace(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        self._refuse_once("update", path)
        return await super().replace(path, body)

    async def delete(self, path: str, propagation: str | None = None) -> None:
        self._refuse_once("delete", path)
        await super().delete(path, propagation)

    def _refuse_once(self, verb: str, path: str) -> None:
        if f"{verb} {path}" not in self.refused:
            self.refused.add(f"{verb} {path}")
            error = ApiError(403, "Forbidden", f'User "load" cannot {verb} {path}')
            error.starting = True
            raise error


async def test_no_refusal_of_a_server_that_has_just_started_ends_a_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("krobench.kube.client._FIRST_BACKOFF_SECONDS", 0.0)
    cluster = RestartedCluster()
    await run_suite(cluster, TESTS)
    record = stored(cluster)
    assert (record.state, record.verdict) == (RunState.COMPLETED, Verdict.PASSED)
    assert record.warnings == []
    assert record.orphans is not None
    assert record.orphans.count == 0
    refused = {request.partition(" ")[0] for request in cluster.refused}
    assert refused == {"get", "list", "create", "update", "delete"}
