"""The cluster around kro: its version, its nodes, and the control plane if it runs in pods."""

from dataclasses import dataclass
from typing import Literal

from krobench.figures.environment import NodeFingerprint
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, KubeError

Component = Literal["apiserver", "etcd"]

# The labels and names that kubeadm gives to its static pods; kind and others follow it.
_CONTAINERS: dict[Component, str] = {"apiserver": "kube-apiserver", "etcd": "etcd"}
_NAMESPACE = "kube-system"


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
        try:
            pods = await client.list(
                paths.core("pods", _NAMESPACE), f"component={container},tier=control-plane"
            )
        except KubeError:
            continue
        running = [
            pod
            for pod in pods
            if pod.get("status", {}).get("phase") == "Running" and pod["spec"].get("nodeName")
        ]
        if len(running) == 1:
            metadata, node = running[0]["metadata"], running[0]["spec"]["nodeName"]
            found.append(
                ControlPlanePod(component, metadata["namespace"], metadata["name"], node, container)
            )
    return found
