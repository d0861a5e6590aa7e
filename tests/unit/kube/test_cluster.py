from typing import Any

from doubles.cluster import MemoryApi

from krobench.kube.client import JsonObject
from krobench.kube.cluster import ControlPlanePod, find_control_plane
from krobench.kube.errors import ApiError


def pod(name: str, node: str = "a", phase: str = "Running") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "kube-system"},
        "spec": {"nodeName": node},
        "status": {"phase": phase},
    }


class Forbidding(MemoryApi):
    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        raise ApiError(403, "Forbidden", path)


def cluster(apiservers: list[dict[str, Any]], etcds: list[dict[str, Any]]) -> MemoryApi:
    api = MemoryApi()
    for component, pods in (("kube-apiserver", apiservers), ("etcd", etcds)):
        for each in pods:
            labels = {"component": component, "tier": "control-plane"}
            path = f"/api/v1/namespaces/kube-system/pods/{each['metadata']['name']}"
            api.put(path, each | {"metadata": each["metadata"] | {"labels": labels}})
    return api


async def test_static_pods_are_found() -> None:
    assert await find_control_plane(
        cluster([pod("kube-apiserver-a")], [pod("etcd-b", node="b")])
    ) == [
        ControlPlanePod("apiserver", "kube-system", "kube-apiserver-a", "a", "kube-apiserver"),
        ControlPlanePod("etcd", "kube-system", "etcd-b", "b", "etcd"),
    ]


async def test_of_several_servers_none_is_chosen() -> None:
    assert (
        await find_control_plane(cluster([pod("x"), pod("y")], [pod("z", phase="Pending")])) == []
    )


async def test_a_forbidden_control_plane_is_not_an_error() -> None:
    assert await find_control_plane(Forbidding()) == []
