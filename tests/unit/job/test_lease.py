from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

import pytest

from krobench.job import lease as module
from krobench.job.errors import AbortedError
from krobench.job.lease import ClusterLease
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError

PATH = "/apis/coordination.k8s.io/v1/namespaces/kro-system/leases/krobench-load"


class OneLease:
    """An API server that guards its only object by its version."""

    patiently = KubeClient.patiently
    backoff = KubeClient.backoff

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0

    async def get(self, path: str) -> dict[str, Any]:
        assert path == PATH
        if self.lease is None:
            raise ApiError(404, "NotFound", path)
        return deepcopy(self.lease)

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if self.lease is not None:
            raise ApiError(409, "AlreadyExists", path)
        return self._store(body)

    async def replace(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if body["metadata"]["resourceVersion"] != str(self.version):
            raise ApiError(409, "Conflict", path)
        return self._store(body)

    def _store(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self.version += 1
        self.lease = deepcopy(dict(body))
        self.lease["metadata"]["resourceVersion"] = str(self.version)
        return self.lease

    @property
    def holder(self) -> str | None:
        return None if self.lease is None else self.lease["spec"]["holderIdentity"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "_RENEW_SECONDS", 0.01)


def untold(activity: str) -> None:
    raise AssertionError(f"nothing was to be waited for: {activity}")


def lease(api: OneLease, run: str, wait_seconds: float = 0.1) -> ClusterLease:
    return ClusterLease(cast("KubeClient", api), run, wait_seconds)


async def test_a_second_load_is_told_who_holds_the_lease() -> None:
    api = OneLease()
    first = lease(api, "team/one")
    await first.acquire("kro-system", untold)
    told: list[str] = []
    with pytest.raises(AbortedError) as raised:
        await lease(api, "team/two").acquire("kro-system", told.append)
    assert told[0].startswith("waits for the cluster's lease, which team/one in ")
    assert raised.value.info.reason == "ClusterBusy"
    assert "kro-system/krobench-load is held by team/one in " in raised.value.info.message
    first.check()
    await first.release()


async def test_a_lease_that_was_released_is_free_at_once() -> None:
    api = OneLease()
    first, second = lease(api, "team/one"), lease(api, "team/two", wait_seconds=0.0)
    await first.acquire("kro-system", untold)
    await first.release()
    assert api.holder is None
    await second.acquire("kro-system", untold)
    assert api.holder == second.identity
    await second.release()


async def test_a_lease_that_is_not_renewed_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DURATION_SECONDS", 0.05)
    monkeypatch.setattr(module, "_RENEW_SECONDS", 60.0)
    api = OneLease()
    dead, second = lease(api, "team/one"), lease(api, "team/two", wait_seconds=5.0)
    await dead.acquire("kro-system", untold)
    told: list[str] = []
    await second.acquire("kro-system", told.append)
    assert all("team/one" in each for each in told)
    assert api.holder == second.identity
    await second.release()
    await dead.release()


async def test_whoever_lost_the_lease_says_so_and_leaves_it_alone() -> None:
    api = OneLease()
    first = lease(api, "team/one")
    await first.acquire("kro-system", untold)
    assert api.lease is not None
    spec = api.lease["spec"] | {"holderIdentity": "team/two"}
    api._store(api.lease | {"spec": spec})
    assert first._renewer is not None
    await first._renewer
    with pytest.raises(AbortedError, match="ClusterLeaseLost"):
        first.check()
    await first.release()
    assert api.holder == "team/two"
