from dataclasses import replace
from typing import Any

import pytest
from doubles.cluster import MemoryApi
from unit.loadjob.kro.cluster import KroCluster, enter_big, variants_of

from krobench.api.specs.kro import Target
from krobench.kube.client import JsonObject
from krobench.kube.kropods import find_kro
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.kro.rollout import (
    NotStartedError,
    check_restartable,
    elects,
    restart_kro,
    why_leader_unknown,
)


async def test_a_variant_that_does_not_start_is_explained_in_kros_words() -> None:
    cluster = KroCluster()
    before = cluster.settled()
    variants = variants_of(cluster, {"name": "bad", "args": ["--nope=1"]})
    await variants.find()
    with pytest.raises(AbortedError) as raised:
        await variants.enter("bad")
    assert raised.value.info.reason == "VariantNotStarted"
    assert "CrashLoopBackOff: back-off 10s; its log says: flag provided but not defined: -nope" in (
        raised.value.info.message
    )
    assert await variants.leave() == []
    assert cluster.settled() == before


async def test_a_pod_that_was_evicted_does_not_count_as_one_of_kros() -> None:
    cluster = KroCluster()
    evicted = cluster.pods[0] | {
        "metadata": {"name": "kro-0"},
        "status": {"phase": "Failed", "reason": "Evicted"},
    }
    variants = await enter_big(cluster)
    await variants.leave()
    cluster.pods.insert(0, evicted)
    await variants.settle()


async def test_a_busy_api_server_only_delays_a_rollout() -> None:
    cluster = KroCluster()
    variants = await enter_big(cluster)
    cluster.busy_answers = 2
    await variants.check()
    assert await variants.leave() == []
    cluster.busy_answers = 3
    await variants.settle()


def template(*args: str, **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "kro", "args": list(args)}], **spec}}


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], False),
        (["--leader-elect"], True),
        (["-leader-elect=true"], True),
        (["--leader-elect=false"], False),
        (["--leader-elect", "--workers", "4"], True),
    ],
)
def test_whether_kro_elects_a_leader(args: list[str], expected: bool) -> None:
    assert elects(template(*args), "kro") is expected


def test_a_lease_that_does_not_name_the_pod_is_refused() -> None:
    why = why_leader_unknown(template("--leader-elect", hostNetwork=True), "kro", "kro-system")
    assert why is not None
    assert "node's network" in why
    args = ("--leader-elect", "--leader-election-namespace", "leases")
    why = why_leader_unknown(template(*args), "kro", "kro-system")
    assert why is not None
    assert "in namespace leases" in why


def test_the_leader_is_known_if_the_lease_names_the_pod_or_there_is_no_election() -> None:
    args = ("--leader-elect", "--leader-election-namespace=kro-system")
    assert why_leader_unknown(template(*args), "kro", "kro-system") is None
    assert why_leader_unknown(template(hostNetwork=True), "kro", "kro-system") is None


OWNER = [{"kind": "ReplicaSet", "name": "kro-1", "controller": True}]


def pod(name: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "kro", "image": "kro:0.9.4", "args": ["--leader-elect"]}
    metadata = {
        "name": name,
        "uid": f"uid-of-{name}",
        "namespace": "kro-system",
        "labels": {"app.kubernetes.io/name": "kro"},
        "finalizers": ["the/kubelet"],
        "ownerReferences": OWNER,
    }
    return {
        "metadata": metadata,
        "spec": {"containers": [container], "nodeName": "node"} | spec,
        "status": {"phase": "Running", "podIP": "10.0.0.1"},
    }


PODS = "/api/v1/namespaces/kro-system/pods"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kro-system/leases/controller.kro.run"


class PodCluster(MemoryApi):
    """kro's pods and its Lease, with a Deployment that makes another pod for one that is gone."""

    def __init__(self, **spec: Any) -> None:
        lease = {"metadata": {"name": "controller.kro.run"}, "spec": {"holderIdentity": "kro-a_1"}}
        super().__init__({f"{PODS}/kro-a": pod("kro-a", **spec), LEASE: lease})
        self.looks_until_gone = 2
        self.makes_another = True
        self.released = 0

    @property
    def kro(self) -> dict[str, Any]:
        return self.objects[f"{PODS}/kro-a"]

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        old = self.objects.get(f"{PODS}/kro-a")
        if (verb, path) == ("list", PODS) and old and "deletionTimestamp" in old["metadata"]:
            self.looks_until_gone -= 1
            if self.looks_until_gone < 0:
                self._remove(f"{PODS}/kro-a")
                if self.makes_another:
                    self.put(f"{PODS}/kro-b", pod("kro-b"))

    def react(self, verb: str, path: str) -> None:
        if (verb, path) == ("update", LEASE):
            assert f"{PODS}/kro-a" not in self.objects, "it was still there, and led"
            self.released += 1
            lease = self.objects[LEASE]
            self.put(LEASE, lease | {"spec": lease["spec"] | {"holderIdentity": "kro-b_2"}})


QUICK = Timing(restart_poll=0.0)


async def test_the_next_kro_leads_once_the_deleted_pod_is_gone() -> None:
    cluster = PodCluster()
    kro = await find_kro(cluster, Target())
    found = await restart_kro(cluster, Target(), kro, QUICK)
    assert found.name == "kro-b"
    assert cluster.released == 1


async def test_a_kro_that_is_not_started_again_is_an_error() -> None:
    cluster = PodCluster()
    cluster.makes_another = False
    kro = await find_kro(cluster, Target())
    with pytest.raises(NotStartedError, match="after pod kro-system/kro-a was deleted"):
        await restart_kro(cluster, Target(), kro, replace(QUICK, restart_timeout=0.05))


async def test_a_pod_without_a_deployment_is_not_deleted() -> None:
    cluster = PodCluster()
    del cluster.kro["metadata"]["ownerReferences"]
    with pytest.raises(AbortedError, match="pod kro-system/kro-a has no controller"):
        await check_restartable(cluster, Target())


async def test_nothing_is_restarted_if_the_leader_cannot_be_known() -> None:
    cluster = PodCluster(hostNetwork=True)
    with pytest.raises(AbortedError, match="node's network") as raised:
        await check_restartable(cluster, Target())
    assert raised.value.info.reason == "LeaderUnknown"
