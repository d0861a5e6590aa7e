"""What runs of the cluster, for scripts and for people."""

from dataclasses import dataclass

from testbed import component, containerd, controlplane, kro, node
from testbed.api import ApiClient
from testbed.paths import State
from testbed.settings import NODE_NAME

COMPONENTS = (
    controlplane.ETCD,
    containerd.CONTAINERD,
    controlplane.API_SERVER,
    controlplane.CONTROLLER_MANAGER,
    controlplane.SCHEDULER,
    node.KUBELET,
    node.PROXY,
)


@dataclass(frozen=True)
class ClusterStatus:
    """What runs of the cluster."""

    pids: dict[str, int | None]
    api_server_ready: bool
    node_ready: bool
    kro_version: str | None
    kro_pods: list[kro.KroPod]

    @property
    def cluster_runs(self) -> bool:
        """Whether the cluster, kro apart, can be used."""
        return all(self.pids.values()) and self.api_server_ready and self.node_ready

    @property
    def healthy(self) -> bool:
        """Whether the cluster, and kro where it was installed, can be used."""
        kro_absent = self.kro_version is None and not self.kro_pods
        return self.cluster_runs and (kro_absent or any(pod.ready for pod in self.kro_pods))


def look(state: State) -> ClusterStatus:
    """Look at every part of the cluster."""
    api = ApiClient(state.kubeconfig) if state.kubeconfig.exists() else None
    installed = kro.InstalledKro.load(state.kro)
    return ClusterStatus(
        pids={name: component.running_pid(name, state) for name in COMPONENTS},
        api_server_ready=api is not None and api.is_ready(),
        node_ready=api is not None and node_is_ready(api),
        kro_version=installed.version if installed else None,
        kro_pods=kro.pods(api) if api else [],
    )


def node_is_ready(api: ApiClient) -> bool:
    """Whether the node calls itself ready."""
    answer = api.get(f"/api/v1/nodes/{NODE_NAME}")
    if not answer.ok:
        return False
    conditions = answer.json()["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def describe(status: ClusterStatus) -> str:
    """The status for a person to read."""
    lines = [f"{name:24} {f'pid {pid}' if pid else 'stopped'}" for name, pid in status.pids.items()]
    lines.append(f"{'API server':24} {'ready' if status.api_server_ready else 'not ready'}")
    lines.append(f"{'node ' + NODE_NAME:24} {'Ready' if status.node_ready else 'NotReady'}")
    lines.append(f"{'kro':24} {status.kro_version or 'not installed'}")
    lines.extend(
        f"  {pod.name:40} {pod.phase}, {'ready' if pod.ready else 'not ready'}, "
        f"{pod.restarts} restarts, {pod.address}"
        for pod in status.kro_pods
    )
    return "\n".join([*lines, "healthy" if status.healthy else "not healthy"])
