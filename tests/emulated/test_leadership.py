"""Of several operators, one acts."""

import threading
from collections.abc import AsyncIterator

import pytest
from emulated.conftest import Api, Emulator, RunningOperator
from emulated.test_operator import job_of, store_results

from krobench.api.common import API_GROUP, API_VERSION
from krobench.kube import paths
from krobench.kube.timing import Timing
from krobench.record.run import RunState

_QUICK = Timing(leader_duration=3.0, leader_deadline=2.0, leader_renewal=0.2, leader_retry=0.1)
_LEASE = paths.group("coordination.k8s.io", "v1", "leases", "kube-system", "krobench-operator")


@pytest.fixture
async def pair(
    api: Api, emulator: Emulator, server: str
) -> AsyncIterator[tuple[RunningOperator, RunningOperator]]:
    """Two pods of one installation, of which the first acts and the second watches the Lease."""
    first, second = (RunningOperator(server, pod=name) for name in ("pod-1", "pod-2"))
    for each in (first, second):
        each.timing = _QUICK
        await each.start()
        await until_leader(api, first)

    async def stands_by() -> bool:
        # It lists Leases, then watches them.
        return emulator.seen.count(f"GET {_LEASE.rpartition('/')[0]}") >= 2

    await api.until(stands_by, "the second stands by")
    yield first, second
    for each in (second, first):
        await each.stop()


def leads(operator: RunningOperator) -> bool:
    assert operator.operator is not None
    return operator.operator.leadership.leads


async def until_leader(api: Api, operator: RunningOperator) -> None:
    async def question() -> bool:
        return leads(operator)

    await api.until(question, "it acts")


async def test_one_acts_and_the_other_takes_over_when_it_stops(
    api: Api, emulator: Emulator, pair: tuple[RunningOperator, RunningOperator]
) -> None:
    first, second = pair
    assert second.operator is not None
    assert second.operator.ready
    await api.create("one")
    await api.until_phase("one", "Running")
    await store_results(api, "one", RunState.RUNNING)
    assert "pod-1" in emulator.writers
    assert "pod-2" not in emulator.writers
    await first.stop()
    await until_leader(api, second)
    assert (await api.client.get(_LEASE))["spec"]["holderIdentity"] == "krobench-system/pod-2"
    await store_results(api, "one", RunState.COMPLETED)
    assert (await api.until_phase("one", "Completed"))["verdict"] == "Passed"
    assert len(await api.jobs()) == 1


async def test_one_that_stands_still_is_replaced_and_changes_nothing_when_it_goes_on(
    api: Api, emulator: Emulator, pair: tuple[RunningOperator, RunningOperator]
) -> None:
    first, second = pair
    await api.create("one")
    await api.until_phase("one", "Running")
    goes_on = threading.Event()
    assert first.loop is not None
    first.loop.call_soon_threadsafe(goes_on.wait)
    try:
        await store_results(api, "one", RunState.RUNNING)
        await until_leader(api, second)
        before = emulator.writers.count("pod-1")
        goes_on.set()
        await store_results(api, "one", RunState.COMPLETED)
        assert (await api.until_phase("one", "Completed"))["verdict"] == "Passed"
        assert not leads(first)
        assert emulator.writers.count("pod-1") == before
    finally:
        goes_on.set()


async def test_a_lease_that_somebody_deletes_stays_that_of_its_holder(
    api: Api, pair: tuple[RunningOperator, RunningOperator]
) -> None:
    first, second = pair
    await api.client.delete(_LEASE)

    async def is_back() -> bool:
        assert not leads(second)
        return (await api.client.find(_LEASE)) is not None

    await api.until(is_back, "the Lease is there again")
    assert (await api.client.get(_LEASE))["spec"]["holderIdentity"] == "krobench-system/pod-1"
    assert leads(first)
    assert not leads(second)


async def test_one_that_cannot_renew_stands_by_and_acts_again(
    api: Api, emulator: Emulator, server: str
) -> None:
    operator = RunningOperator(server)
    operator.timing = _QUICK
    await operator.start()
    try:
        await until_leader(api, operator)
        await api.create("one")
        await api.until_phase("one", "Running")
        emulator.away = "/leases"

        async def stands_by() -> bool:
            return not leads(operator)

        await api.until(stands_by, "it stands by")
        assert operator.operator is not None
        assert operator.operator.trouble() is None
        await store_results(api, "one", RunState.COMPLETED)
        emulator.away = ""
        assert (await api.until_phase("one", "Completed"))["verdict"] == "Passed"
    finally:
        emulator.away = ""
        await operator.stop()


async def test_runs_in_namespaces_that_are_not_watched_are_left_alone(
    api: Api, emulator: Emulator, server: str
) -> None:
    operator = RunningOperator(server, watch_namespaces=("default",))
    await operator.start()
    try:
        elsewhere = {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": api.kind.value,
            "metadata": {"name": "elsewhere", "namespace": "team"},
            "spec": {},
        }
        path = paths.group(API_GROUP, API_VERSION, api.kind.plural, "team")
        await api.client.create(path, elsewhere)
        await api.create("here")
        await job_of(api, "here")
        assert "status" not in await api.client.get(f"{path}/elsewhere")
        cluster_wide = paths.group(API_GROUP, API_VERSION, api.kind.plural)
        assert f"GET {cluster_wide}" not in emulator.seen
    finally:
        await operator.stop()
