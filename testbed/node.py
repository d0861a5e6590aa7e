"""The kubelet and kube-proxy of the one node.

Nothing here lets the kubelet throw away images: they were imported, and can't be pulled
again. Pods get no DNS: in-cluster clients reach the API server by its address.
"""

import json
from pathlib import Path

from testbed import cgroups, pki
from testbed.component import Component
from testbed.paths import CONTAINERD_SOCKET, State, remove_if_empty
from testbed.settings import NODE_ADDRESS, NODE_NAME, POD_CIDR, Ports

KUBELET = "kubelet"
PROXY = "kube-proxy"

_CONTAINER_LOGS = Path("/var/log/containers")
_DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")


def kubelet(programs: Path, state: State) -> Component:
    """The kubelet."""
    argv = (
        str(programs / KUBELET),
        f"--config={kubelet_config_path(state)}",
        f"--kubeconfig={pki.kubeconfig_path(state, pki.KUBELET)}",
        f"--root-dir={state.kubelet}",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={NODE_ADDRESS}",
    )
    return Component(KUBELET, argv)


def proxy(programs: Path, state: State) -> Component:
    """kube-proxy. Its conntrack limits stay the kernel's, which containers may not change."""
    argv = (
        str(programs / PROXY),
        f"--kubeconfig={pki.kubeconfig_path(state, pki.PROXY)}",
        "--proxy-mode=iptables",
        f"--hostname-override={NODE_NAME}",
        f"--cluster-cidr={POD_CIDR}",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
        "--healthz-bind-address=",
        "--metrics-bind-address=",
    )
    return Component(PROXY, argv)


def remove_shared_files(state: State) -> None:
    """Remove what the kubelet writes outside of its root directory."""
    for link in _CONTAINER_LOGS.glob("*.log"):
        if link.is_symlink() and state.pod_logs in link.readlink().parents:
            link.unlink()
    # Only one kubelet fits on a machine's ports: with ours gone, the socket is no one's.
    (_DEVICE_PLUGINS / "kubelet.sock").unlink(missing_ok=True)
    remove_if_empty(_CONTAINER_LOGS, _DEVICE_PLUGINS, _DEVICE_PLUGINS.parent)


def kubelet_config_path(state: State) -> Path:
    """The kubelet's configuration file."""
    return state.config / "kubelet.json"


def kubelet_config(state: State, ports: Ports) -> str:
    """The kubelet's configuration."""
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "port": ports.kubelet,
        "healthzPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(state.pki / f"{pki.CA}.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(state.pki / f"{pki.KUBELET.name}.crt"),
        "tlsPrivateKeyFile": str(state.pki / f"{pki.KUBELET.name}.key"),
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroups.NAME,
        # Since 1.35 the kubelet refuses control groups of version 1 unless told not to.
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        # A chain of the kubelet's own, of no use here, would outlive it.
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(state.pod_logs),
        "volumePluginDir": str(state.kubelet / "volume-plugins"),
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1Gi"},
    }
    return json.dumps(config, indent=1)
