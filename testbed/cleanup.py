"""Removal of everything the cluster is made of, whatever state it is in.

What is removed is known to be ours by a process record, by the control group, by a path below
the state directory, or by the name of a device. It works equally for a running cluster, for
one whose processes were killed, and for what a restart of the machine has left.
"""

import shutil

from testbed import (
    cgroups,
    component,
    containerd,
    controlplane,
    host,
    iptables,
    mounts,
    network,
    node,
)
from testbed.errors import SetupError
from testbed.paths import State
from testbed.status import COMPONENTS
from testbed.steps import step

_GRACE_SECONDS = 3.0
_COMPONENTS_IN_STOP_ORDER = (
    # An API server without its etcd hangs on for a long time: etcd goes after it.
    node.PROXY,
    controlplane.SCHEDULER,
    controlplane.CONTROLLER_MANAGER,
    controlplane.API_SERVER,
    controlplane.ETCD,
)


def clean(state: State) -> None:
    """Stop the cluster and remove every trace of it but its logs."""
    if not _is_anything_left(state):
        return
    with step("stop the cluster and clean up", cold_seconds=2):
        _stop_processes(state)
        _remove_traces(state)
    rest = describe_rest(state)
    if rest:
        raise SetupError(f"some of the cluster could not be removed: {rest}")


def _stop_processes(state: State) -> None:
    sockets = containerd.shim_sockets(state)
    # The kubelet goes before the pods, or it would start them again.
    component.stop(node.KUBELET, state, _GRACE_SECONDS)
    cgroups.kill_processes(timeout_seconds=10)
    for name in _COMPONENTS_IN_STOP_ORDER:
        component.stop(name, state, _GRACE_SECONDS)
    component.stop(containerd.CONTAINERD, state, _GRACE_SECONDS)
    containerd.kill_shims(state, timeout_seconds=5)
    containerd.remove_sockets(sockets)


def _remove_traces(state: State) -> None:
    mounts.unmount_below(state.root)
    network.remove_devices()
    network.remove_cni_results()
    node.remove_shared_files(state)
    iptables.remove_rules()
    cgroups.remove(timeout_seconds=5)
    host.restore(state.host_baseline)
    if mounts.below(state.root):
        raise SetupError(f"mounts below {state.root} can't be removed: unmount them first")
    for path in state.disposable():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _is_anything_left(state: State) -> bool:
    files = (*state.disposable(), state.host_baseline)
    return any(path.exists() for path in files) or bool(describe_rest(state))


def describe_rest(state: State) -> str:
    """What of the cluster is there now, files apart; empty where nothing is."""
    rest = {
        "processes": [name for name in COMPONENTS if component.running_pid(name, state)],
        "shims": containerd.shims(state),
        "containers": cgroups.pids(),
        "mounts": mounts.below(state.root),
        "network devices": network.devices_left(),
        "packet filter rules": iptables.rules_left(),
        "control groups": cgroups.exists(),
    }
    return ", ".join(what for what, found in rest.items() if found)
