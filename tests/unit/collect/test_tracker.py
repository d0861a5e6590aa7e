from dataclasses import dataclass, replace
from typing import cast

import pytest

from krobench.api.specs.kro import Target
from krobench.collect.tracker import KroTracker
from krobench.figures.environment import KroFingerprint
from krobench.kube.client import KubeClient
from krobench.kube.kro import KroNotFoundError, KroPod

FINGERPRINT = KroFingerprint(namespace="kro-system", pod="a")
POD_A = KroPod("kro-system", "a", "10.0.0.1", "node", "kro", 8078, FINGERPRINT)
POD_B = replace(POD_A, name="b", ip="10.0.0.2")


@dataclass
class World:
    kro: KroPod | None = POD_A
    now: float = 0.0
    looked: int = 0


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()

    async def find_kro(*_: object) -> KroPod:
        world.looked += 1
        if world.kro is None:
            raise KroNotFoundError("none")
        return world.kro

    monkeypatch.setattr("krobench.collect.tracker.find_kro", find_kro)
    return world


def tracker(world: World, pod: KroPod = POD_A) -> KroTracker:
    return KroTracker(cast("KubeClient", None), Target(), pod, lambda: world.now)


async def test_a_container_that_was_restarted_is_marked(world: World) -> None:
    kro = tracker(world)
    await kro.saw_start(100.0)
    await kro.saw_start(100.0)
    world.now = 7.0
    assert not await kro.saw_start(200.0)
    (restart,) = kro.restarts
    assert (restart.seconds, restart.pod, restart.previous_pod) == (7.0, "a", None)


async def test_a_pod_that_was_replaced_is_marked_with_both_names(world: World) -> None:
    kro = tracker(world)
    await kro.saw_start(100.0)
    world.kro = None
    assert not await kro.find_again()
    assert kro.pod is POD_A
    world.kro = POD_B
    assert await kro.find_again()
    await kro.saw_start(200.0)
    (restart,) = kro.restarts
    assert (restart.pod, restart.previous_pod) == ("b", "a")


async def test_a_restarted_replica_that_leads_no_more_gives_way_to_the_leader(
    world: World,
) -> None:
    kro = tracker(world)
    await kro.saw_start(100.0)
    world.kro = POD_B
    assert await kro.saw_start(200.0), "what was read is of a kro that only waits"
    assert not await kro.saw_start(150.0)
    assert [(r.pod, r.previous_pod) for r in kro.restarts] == [("b", "a")]


async def test_with_several_replicas_the_lead_is_asked_for_now_and_then(world: World) -> None:
    several = replace(POD_A, fingerprint=FINGERPRINT.model_copy(update={"replicas": 2}))
    alone, one_of_two = tracker(world), tracker(world, several)
    world.now = 60.0
    await alone.follow_lead()
    assert world.looked == 0
    await one_of_two.follow_lead()
    await one_of_two.follow_lead()
    assert world.looked == 1
