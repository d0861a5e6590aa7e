import pytest
from doubles.cluster import MemoryApi

from krobench.job import lease as module
from krobench.job.errors import AbortedError
from krobench.job.lease import ClusterLease

PATH = "/apis/coordination.k8s.io/v1/namespaces/kro-system/leases/krobench-load"


def holder(api: MemoryApi) -> str | None:
    return api.objects[PATH]["spec"]["holderIdentity"] if PATH in api.objects else None


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "_RENEW_SECONDS", 0.01)


def untold(activity: str) -> None:
    raise AssertionError(f"nothing was to be waited for: {activity}")


def lease(api: MemoryApi, run: str, wait_seconds: float = 0.1) -> ClusterLease:
    return ClusterLease(api, run, wait_seconds)


async def test_a_second_load_is_told_who_holds_the_lease() -> None:
    api = MemoryApi()
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
    api = MemoryApi()
    first, second = lease(api, "team/one"), lease(api, "team/two", wait_seconds=0.0)
    await first.acquire("kro-system", untold)
    await first.release()
    assert holder(api) is None
    await second.acquire("kro-system", untold)
    assert holder(api) == second.identity
    await second.release()


async def test_a_lease_that_is_not_renewed_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DURATION_SECONDS", 0.05)
    monkeypatch.setattr(module, "_RENEW_SECONDS", 60.0)
    api = MemoryApi()
    dead, second = lease(api, "team/one"), lease(api, "team/two", wait_seconds=5.0)
    await dead.acquire("kro-system", untold)
    told: list[str] = []
    await second.acquire("kro-system", told.append)
    assert all("team/one" in each for each in told)
    assert holder(api) == second.identity
    await second.release()
    await dead.release()


async def test_whoever_lost_the_lease_says_so_and_leaves_it_alone() -> None:
    api = MemoryApi()
    first = lease(api, "team/one")
    await first.acquire("kro-system", untold)
    await api.patch(PATH, {"spec": {"holderIdentity": "team/two"}})
    assert first._renewer is not None
    await first._renewer
    with pytest.raises(AbortedError, match="ClusterLeaseLost"):
        first.check()
    await first.release()
    assert holder(api) == "team/two"
