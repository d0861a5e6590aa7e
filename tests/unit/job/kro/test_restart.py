"""kro is restarted by the deletion of its pod, and what follows is waited for."""

from typing import Any, cast

import pytest

from krobench.api.specs.kro import Target
from krobench.job.errors import AbortedError
from krobench.job.kro import restart
from krobench.job.kro.restart import check_restartable, restart_kro
from krobench.job.kro.rollout import NotStartedError
from krobench.kube.client import KubeClient
from krobench.kube.kro import find_kro

OWNER = [{"kind": "ReplicaSet", "name": "kro-1", "controller": True}]


def pod(name: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "kro", "image": "kro:0.9.4", "args": ["--leader-elect"]}
    metadata = {
        "name": name,
        "uid": f"uid-of-{name}",
        "namespace": "kro-system",
        "ownerReferences": OWNER,
    }
    return {
        "metadata": metadata,
        "spec": {"containers": [container], "nodeName": "node"} | spec,
        "status": {"phase": "Running", "podIP": "10.0.0.1"},
    }


class PodCluster:
    """kro's pods and its Lease, with a Deployment that makes another pod for one that is gone."""

    def __init__(self) -> None:
        self.pods = [pod("kro-a")]
        self.holder = "kro-a_1"
        self.looks_until_gone = 2
        self.makes_another = True
        self.released = 0
        self._looks = -1

    async def patiently(self, work: Any) -> Any:
        return await work()

    async def list(self, path: str, _: str | None = None) -> list[dict[str, Any]]:
        assert path.endswith("/pods")
        if self._looks >= 0:
            self._looks += 1
            if self._looks > self.looks_until_gone:
                self.pods = [pod("kro-b")] if self.makes_another else []
                if not self.holder and self.makes_another:
                    self.holder = "kro-b_2"
        return self.pods

    async def get(self, path: str) -> dict[str, Any]:
        if "/leases/" in path:
            return {"spec": {"holderIdentity": self.holder}}
        return self.pods[0]

    async def replace(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        assert "/leases/" in path
        assert self.pods[0]["metadata"]["name"] != "kro-a", "it was still there, and led"
        self.released += 1
        self.holder = body["spec"]["holderIdentity"]
        return body

    async def delete(self, path: str) -> None:
        assert path.endswith("/kro-a")
        self.pods[0]["metadata"]["deletionTimestamp"] = "2026-11-28T04:00:00Z"
        self._looks = 0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "_POLL_SECONDS", 0.0)


async def test_the_next_kro_is_let_in_once_the_deleted_one_is_gone() -> None:
    cluster = PodCluster()
    client = cast("KubeClient", cluster)
    kro = await find_kro(client, Target())
    found = await restart_kro(client, Target(), kro)
    assert found.name == "kro-b"
    assert cluster.released == 1


async def test_a_kro_that_nobody_starts_again_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "_TIMEOUT_SECONDS", 0.05)
    cluster = PodCluster()
    cluster.makes_another = False
    client = cast("KubeClient", cluster)
    kro = await find_kro(client, Target())
    with pytest.raises(NotStartedError, match="deletion of pod kro-system/kro-a"):
        await restart_kro(client, Target(), kro)


async def test_a_pod_of_no_deployment_is_not_deleted() -> None:
    cluster = PodCluster()
    del cluster.pods[0]["metadata"]["ownerReferences"]
    with pytest.raises(AbortedError, match="pod kro-system/kro-a is of no Deployment"):
        await check_restartable(cast("KubeClient", cluster), Target())


async def test_nothing_is_restarted_where_nobody_can_tell_who_leads() -> None:
    cluster = PodCluster()
    cluster.pods = [pod("kro-a", hostNetwork=True)]
    with pytest.raises(AbortedError, match="node's network") as raised:
        await check_restartable(cast("KubeClient", cluster), Target())
    assert raised.value.info.reason == "LeaderUnknown"
