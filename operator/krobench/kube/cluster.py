"""The cluster around kro: its version, its nodes, its control plane in pods, and its etcd."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from krobench.figures.environment import NodeFingerprint
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError

Component = Literal["apiserver", "etcd"]

# The labels and names that kubeadm gives to its static pods; kind and others follow it.
_CONTAINERS: dict[Component, str] = {"apiserver": "kube-apiserver", "etcd": "etcd"}
_NAMESPACE = "kube-system"
_METRICS_FLAG = "--listen-metrics-urls="
# What kube-prometheus-stack labels a Service or Endpoints of etcd with; their EndpointSlices carry
# the labels on.
_ETCD_LABELS = {("jobLabel", "kube-etcd"), ("k8s-app", "etcd-server")}


async def kubernetes_version(client: KubeClient) -> str | None:
    """Return the API server's version, such as ``v1.36.3``; None if it may not be read."""
    try:
        version: str | None = (await client.get("/version")).get("gitVersion")
    except ApiError:
        return None
    return version


async def list_nodes(client: KubeClient) -> list[NodeFingerprint]:
    """Return what identifies each node; nothing if nodes may not be listed."""
    try:
        nodes = await client.list(paths.core("nodes"))
    except ApiError:
        return []
    return [
        NodeFingerprint(
            name=node["metadata"]["name"],
            cpu=status.get("capacity", {}).get("cpu"),
            memory=status.get("capacity", {}).get("memory"),
            kernel=status.get("nodeInfo", {}).get("kernelVersion"),
            kubelet=status.get("nodeInfo", {}).get("kubeletVersion"),
        )
        for node in nodes
        for status in [node.get("status", {})]
    ]


async def kubelet_authority(client: KubeClient, node: str) -> str | None:
    """Return host and port of a node's kubelet; None if the node does not exist or has no address.

    Raises:
        KubeError: if nodes may not be listed.
    """
    found = await client.get(paths.core("nodes"), {"fieldSelector": f"metadata.name={node}"})
    for item in found.get("items") or []:
        status = item.get("status", {})
        port = status.get("daemonEndpoints", {}).get("kubeletEndpoint", {}).get("Port")
        for address in status.get("addresses") or []:
            if address["type"] == "InternalIP" and port:
                host = address["address"]
                return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return None


@dataclass(frozen=True)
class ControlPlanePod:
    """A pod of the control plane."""

    component: Component
    namespace: str
    name: str
    node: str
    container: str


async def find_control_plane(client: KubeClient) -> list[ControlPlanePod]:
    """Return the API server's pod and etcd's, if there is exactly one of each.

    Of several, the one that serves us is not known; a managed control plane has no pods. Both are
    ordinary, so nothing is raised.
    """
    found = []
    for component, container in _CONTAINERS.items():
        running = await _running_pods(client, container)
        if len(running) == 1:
            metadata, node = running[0]["metadata"], running[0]["spec"]["nodeName"]
            found.append(
                ControlPlanePod(component, metadata["namespace"], metadata["name"], node, container)
            )
    return found


async def find_etcd_metrics(client: KubeClient) -> list[str]:
    """Return the URLs at which etcds may serve their metrics to pods by plain HTTP.

    They come from the namespace kube-system, to which only administrators write: from the flags of
    etcd's static pods, and from EndpointSlices as kube-prometheus-stack has them for an etcd
    outside of pods. kubeadm has etcd listen on the loopback device only, which no pod reaches.
    """
    urls = [url for pod in await _running_pods(client, _CONTAINERS["etcd"]) for url in _urls(pod)]
    try:
        slices = await client.list(
            paths.group("discovery.k8s.io", "v1", "endpointslices", _NAMESPACE)
        )
    except KubeError:
        slices = []
    for item in slices:
        if _ETCD_LABELS & set((item["metadata"].get("labels") or {}).items()):
            urls += _urls_of_slice(item)
    return sorted(set(urls))


async def _running_pods(client: KubeClient, container: str) -> list[JsonObject]:
    try:
        pods = await client.list(
            paths.core("pods", _NAMESPACE), f"component={container},tier=control-plane"
        )
    except KubeError:
        return []
    return [
        pod
        for pod in pods
        if pod.get("status", {}).get("phase") == "Running" and pod["spec"].get("nodeName")
    ]


def _urls(pod: JsonObject) -> Iterator[str]:
    address = pod["status"].get("podIP")
    for container in pod["spec"].get("containers") or []:
        for flag in [*(container.get("command") or []), *(container.get("args") or [])]:
            for url in flag.removeprefix(_METRICS_FLAG).split(",") if address else ():
                if flag.startswith(_METRICS_FLAG) and (found := _reachable(url, address)):
                    yield found


def _reachable(url: str, address: str) -> str | None:
    """Return the URL of the metrics if pods may reach what etcd listens on."""
    parts = urlsplit(url)
    try:
        host, port = ipaddress.ip_address(parts.hostname or ""), parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or port is None or host.is_loopback:
        return None
    return _metrics_url(address if host.is_unspecified else str(host), port)


def _urls_of_slice(item: JsonObject) -> Iterator[str]:
    for port in item.get("ports") or []:
        if "metrics" not in (port.get("name") or "") or not port.get("port"):
            continue
        for endpoint in item.get("endpoints") or []:
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                yield from (_metrics_url(each, port["port"]) for each in endpoint["addresses"])


def _metrics_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/metrics" if ":" in host else f"http://{host}:{port}/metrics"
