import uuid
from dataclasses import replace

import pytest
from doubles.cluster import MemoryApi

from krobench.api.kinds import RunKind, RunRef
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.lease import ClusterLease, release_lease_of

PATH = "/apis/coordination.k8s.io/v1/namespaces/kro-system/leases/krobench-load"


def holder(api: MemoryApi) -> str | None:
    return api.objects[PATH]["spec"]["holderIdentity"] if PATH in api.objects else None


QUICK = Timing(lease_poll=0.01, lease_renewal=0.01, lease_wait=0.1)


def no_wait(activity: str) -> None:
    raise AssertionError(f"this should not wait: {activity}")


def uid_of(run: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, run))


def lease(api: MemoryApi, run: str, timing: Timing = QUICK) -> ClusterLease:
    namespace, name = run.split("/")
    reference = RunRef(RunKind.BENCHMARK, namespace, name, uid_of(run))
    return ClusterLease(api, reference, timing)


async def test_a_second_load_learns_who_holds_the_lease() -> None:
    api = MemoryApi()
    first = lease(api, "team/one")
    await first.acquire("kro-system", no_wait)
    reported: list[str] = []
    with pytest.raises(AbortedError) as raised:
        await lease(api, "team/two").acquire("kro-system", reported.append)
    assert reported[0].startswith("waiting for the cluster's lease, held by team/one in ")
    assert raised.value.info.reason == "ClusterBusy"
    assert "team/one in " in raised.value.info.message
    first.check()
    await first.release()


async def test_a_lease_that_was_released_is_free_at_once() -> None:
    api = MemoryApi()
    first, second = lease(api, "team/one"), lease(api, "team/two", replace(QUICK, lease_wait=0.0))
    await first.acquire("kro-system", no_wait)
    await first.release()
    assert holder(api) is None
    await second.acquire("kro-system", no_wait)
    assert holder(api) == second.identity
    await second.release()


async def test_a_lease_that_is_not_renewed_is_taken_over() -> None:
    dying = Timing(lease_duration=0.05, lease_poll=0.01, lease_renewal=60.0, lease_wait=5.0)
    api = MemoryApi()
    dead, second = lease(api, "team/one", dying), lease(api, "team/two", dying)
    await dead.acquire("kro-system", no_wait)
    reported: list[str] = []
    await second.acquire("kro-system", reported.append)
    assert all("team/one" in each for each in reported)
    assert holder(api) == second.identity
    await second.release()
    await dead.release()


async def test_a_run_that_lost_the_lease_says_so_and_leaves_it_alone() -> None:
    api = MemoryApi()
    first = lease(api, "team/one")
    await first.acquire("kro-system", no_wait)
    await api.patch(PATH, {"spec": {"holderIdentity": "team/two"}})
    assert first._renewer is not None
    await first._renewer
    with pytest.raises(AbortedError, match="ClusterLeaseLost"):
        first.check()
    await first.release()
    assert holder(api) == "team/two"


async def test_the_cleanup_of_a_run_releases_its_lease_and_no_other() -> None:
    api = MemoryApi()
    dead = lease(api, "team/one")
    await dead.acquire("kro-system", no_wait)
    await release_lease_of(api, uid_of("team/two"), "kro-system")
    assert holder(api) == dead.identity
    await release_lease_of(api, uid_of("team/one"), "kro-system")
    assert holder(api) is None
    await dead.release()


async def test_a_cleanup_without_a_lease_has_nothing_to_release() -> None:
    await release_lease_of(MemoryApi(), uid_of("team/one"), "kro-system")
