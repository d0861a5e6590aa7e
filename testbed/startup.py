"""Starting the cluster, on a machine where nothing of it is left."""

import time
from collections.abc import Callable
from pathlib import Path

from testbed import (
    build,
    cgroups,
    component,
    containerd,
    controlplane,
    host,
    network,
    node,
    packages,
    pki,
    preflight,
)
from testbed.api import ApiClient
from testbed.build import Program
from testbed.errors import SetupError
from testbed.paths import Cache, State
from testbed.settings import ClusterSettings
from testbed.status import COMPONENTS, node_is_ready
from testbed.steps import step

_START_SECONDS = 90.0
_POLL_SECONDS = 0.1
_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_PROXY_BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "testbed-kube-proxy"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "system:node-proxier",
    },
    "subjects": [{"kind": "User", "name": pki.PROXY.common_name}],
}


def start(
    cache: Cache, state: State, settings: ClusterSettings, programs: tuple[Program, ...]
) -> None:
    """Check, build, configure and start everything, and wait until the node is ready."""
    preflight.check_ports(settings.ports)
    preflight.check_containerd_socket()
    packages.install(packages.NODE_PACKAGES)
    preflight.check_kernel_features()
    for program in programs:
        program.ensure(cache)
    state.prepare()
    with step("keys and configuration", cold_seconds=1):
        pki.create(state, settings.ports.api)
        _write_configuration(state, settings)
    with step("network and control groups", cold_seconds=1):
        host.prepare(state.host_baseline)
        network.add_node_address()
        cgroups.create()
    with step(f"start Kubernetes {settings.kubernetes}", cold_seconds=10):
        _start_control_plane(cache, state, settings)
    with step("start the node", cold_seconds=6):
        _start_node(build.kubernetes(settings.kubernetes).directory(cache), state)
    state.settings.write_text(settings.fingerprint())


def _write_configuration(state: State, settings: ClusterSettings) -> None:
    containerd.config_path(state).write_text(containerd.config(state))
    containerd.cni_dir(state).mkdir(exist_ok=True)
    (containerd.cni_dir(state) / "10-pods.conflist").write_text(containerd.cni_config(state))
    node.kubelet_config_path(state).write_text(node.kubelet_config(state, settings.ports))
    controlplane.audit_policy_path(state).write_text(controlplane.audit_policy())


def _start_control_plane(cache: Cache, state: State, settings: ClusterSettings) -> None:
    kubernetes = build.kubernetes(settings.kubernetes).directory(cache)
    etcd = controlplane.etcd(build.ETCD.directory(cache), state, settings.ports)
    component.start(etcd, state)
    # The API server takes a few seconds, enough for containerd and its first image.
    component.start(controlplane.api_server(kubernetes, state, settings), state)
    _start_containerd(cache, state)
    _wait_for(ApiClient(state.kubeconfig).is_ready, controlplane.API_SERVER, state)
    manager = controlplane.controller_manager(kubernetes, state, settings.ports)
    component.start(manager, state)
    component.start(controlplane.scheduler(kubernetes, state, settings.ports), state)


def _start_containerd(cache: Cache, state: State) -> None:
    programs = build.CONTAINERD.directory(cache)
    component.start(containerd.component(programs, state), state)
    containerd.wait_until_ready(programs)
    containerd.import_image(programs, build.PAUSE.directory(cache) / build.IMAGE_ARCHIVE)


def _start_node(kubernetes: Path, state: State) -> None:
    api = ApiClient(state.kubeconfig)
    answer = api.post(_BINDINGS, _PROXY_BINDING)
    if not answer.ok:
        raise SetupError(f"no role for kube-proxy: {answer.body.decode(errors='replace')}")
    component.start(node.kubelet(kubernetes, state), state)
    component.start(node.proxy(kubernetes, state), state)
    _wait_for(lambda: node_is_ready(api), node.KUBELET, state)
    for name in COMPONENTS:
        component.check_alive(name, state)


def _wait_for(is_ready: Callable[[], bool], name: str, state: State) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not is_ready():
        component.check_alive(name, state)
        if time.monotonic() > deadline:
            log = component.log_path(state, name)
            raise SetupError(f"{name} was not ready after {_START_SECONDS:.0f} s: see {log}")
        time.sleep(_POLL_SECONDS)
