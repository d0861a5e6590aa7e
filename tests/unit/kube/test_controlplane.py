from typing import Any, cast

from krobench.kube.client import KubeClient
from krobench.kube.controlplane import ControlPlanePod, find_control_plane
from krobench.kube.errors import ApiError


def pod(name: str, node: str = "a", phase: str = "Running") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"nodeName": node},
        "status": {"phase": phase},
    }


class Cluster:
    def __init__(self, apiservers: list[dict[str, Any]], etcds: list[dict[str, Any]]) -> None:
        self._pods = {"kube-apiserver": apiservers, "etcd": etcds}

    async def list(self, path: str, selector: str) -> list[dict[str, Any]]:
        return self._pods[selector.removeprefix("component=").partition(",")[0]]


class Forbidding:
    async def list(self, path: str, selector: str) -> list[dict[str, Any]]:
        raise ApiError(403, "Forbidden", path)


async def found(cluster: object) -> list[ControlPlanePod]:
    return await find_control_plane(cast("KubeClient", cluster))


async def test_static_pods_are_found() -> None:
    assert await found(Cluster([pod("kube-apiserver-a")], [pod("etcd-b", node="b")])) == [
        ControlPlanePod("apiserver", "kube-system", "kube-apiserver-a", "a", "kube-apiserver"),
        ControlPlanePod("etcd", "kube-system", "etcd-b", "b", "etcd"),
    ]


async def test_of_several_servers_none_is_taken_for_the_one_that_serves_us() -> None:
    assert await found(Cluster([pod("x"), pod("y")], [pod("z", phase="Pending")])) == []


async def test_a_control_plane_that_cannot_be_seen_is_no_fault() -> None:
    assert await found(Forbidding()) == []
