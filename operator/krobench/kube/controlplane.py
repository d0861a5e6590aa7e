"""The control plane, where it runs in pods."""

from dataclasses import dataclass
from typing import Literal

from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import KubeError

Component = Literal["apiserver", "etcd"]

# The labels and names that kubeadm gives to its static pods; kind and others follow it.
_CONTAINERS: dict[Component, str] = {"apiserver": "kube-apiserver", "etcd": "etcd"}
_NAMESPACE = "kube-system"


@dataclass(frozen=True)
class ControlPlanePod:
    """A pod of the control plane."""

    component: Component
    namespace: str
    name: str
    node: str
    container: str


async def find_control_plane(client: KubeClient) -> list[ControlPlanePod]:
    """Return the API server's pod and etcd's, where there is exactly one of each.

    Of several, none is told to be the one that serves us; a managed control plane has none. Both
    are ordinary, so that nothing is raised.
    """
    found = []
    for component, container in _CONTAINERS.items():
        try:
            pods = await client.list(
                paths.core("pods", _NAMESPACE), f"component={container},tier=control-plane"
            )
        except KubeError:
            continue
        running = [pod for pod in pods if _is_running(pod)]
        if len(running) == 1:
            found.append(_control_plane_pod(component, running[0], container))
    return found


def _is_running(pod: JsonObject) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Running" and pod["spec"].get("nodeName"))


def _control_plane_pod(component: Component, pod: JsonObject, container: str) -> ControlPlanePod:
    metadata = pod["metadata"]
    return ControlPlanePod(
        component, metadata["namespace"], metadata["name"], pod["spec"]["nodeName"], container
    )
