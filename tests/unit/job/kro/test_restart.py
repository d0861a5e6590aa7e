"""kro is restarted by the deletion of its pod, and what follows is waited for."""

from dataclasses import replace
from typing import Any

import pytest
from doubles.cluster import MemoryApi

from krobench.api.specs.kro import Target
from krobench.job.errors import AbortedError
from krobench.job.kro.restart import check_restartable, restart_kro
from krobench.job.kro.rollout import NotStartedError
from krobench.kube.client import JsonObject
from krobench.kube.kro import find_kro
from krobench.kube.timing import Timing

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


async def test_the_next_kro_is_let_in_once_the_deleted_one_is_gone() -> None:
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


async def test_a_pod_of_no_deployment_is_not_deleted() -> None:
    cluster = PodCluster()
    del cluster.kro["metadata"]["ownerReferences"]
    with pytest.raises(AbortedError, match="pod kro-system/kro-a has no controller"):
        await check_restartable(cluster, Target())


async def test_nothing_is_restarted_if_the_leader_cannot_be_known() -> None:
    cluster = PodCluster(hostNetwork=True)
    with pytest.raises(AbortedError, match="node's network") as raised:
        await check_restartable(cluster, Target())
    assert raised.value.info.reason == "LeaderUnknown"
