from typing import Any

from doubles.cluster import MemoryApi

from krobench.kube.client import JsonObject
from krobench.kube.cluster import ControlPlanePod, find_control_plane, find_etcd_metrics
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


def etcd_pod(name: str, address: str, *flags: str) -> dict[str, Any]:
    made = pod(name)
    made["spec"]["containers"] = [{"command": ["etcd", "--name=a", *flags]}]
    made["status"]["podIP"] = address
    return made


async def test_etcd_is_found_by_its_flags_if_pods_can_reach_it() -> None:
    pods = [
        etcd_pod(
            "a", "10.0.0.1", "--listen-metrics-urls=http://127.0.0.1:2381,http://10.0.0.9:2381"
        ),
        etcd_pod("b", "10.0.0.2", "--listen-metrics-urls=http://0.0.0.0:2382"),
        etcd_pod("c", "fd00::1", "--listen-metrics-urls=http://[::]:2381"),
        etcd_pod("d", "10.0.0.4", "--listen-metrics-urls=http://localhost:2381"),
        etcd_pod("e", "10.0.0.5", "--listen-metrics-urls=https://10.0.0.5:2381"),
        etcd_pod("f", "10.0.0.6", "--listen-client-urls=http://10.0.0.6:2379"),
    ]
    assert await find_etcd_metrics(cluster([], pods)) == [
        "http://10.0.0.2:2382/metrics",
        "http://10.0.0.9:2381/metrics",
        "http://[fd00::1]:2381/metrics",
    ]


async def test_etcd_outside_of_pods_is_found_by_its_endpoints() -> None:
    api = MemoryApi()
    for name, labels, port, ready in (
        ("etcd", {"jobLabel": "kube-etcd"}, "http-metrics", True),
        ("mirrored", {"k8s-app": "etcd-server"}, "metrics", None),
        ("client", {"jobLabel": "kube-etcd"}, "client", True),
        ("down", {"jobLabel": "kube-etcd"}, "http-metrics", False),
        ("other", {"jobLabel": "kube-proxy"}, "http-metrics", True),
    ):
        address = f"10.0.0.{len(api.objects) + 1}"
        item = {
            "metadata": {"name": name, "namespace": "kube-system", "labels": labels},
            "ports": [{"name": port, "port": 2381}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}],
        }
        path = f"/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/{name}"
        api.put(path, item)
    assert await find_etcd_metrics(api) == [
        "http://10.0.0.1:2381/metrics",
        "http://10.0.0.2:2381/metrics",
    ]


async def test_a_cluster_that_says_nothing_of_its_etcd_has_none() -> None:
    assert await find_etcd_metrics(MemoryApi()) == []
    assert await find_etcd_metrics(Forbidding()) == []
