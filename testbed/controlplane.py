"""The command lines of etcd, the API server, the controller manager and the scheduler; where etcd's
metrics are, as the cluster says it.

Differences from the defaults: etcd does not wait for the disk (the data need not survive a crash,
and shared disks would distort measurements) and may grow to 8 GB; Events are kept for a day, to
explain the end of a long run. Client and in-flight limits are Kubernetes' own.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from testbed import pki
from testbed.api import ApiClient
from testbed.component import Component
from testbed.errors import SetupError
from testbed.paths import State
from testbed.settings import NODE_ADDRESS, POD_CIDR, SERVICE_CIDR, ClusterSettings, Ports

ETCD = "etcd"
_ETCD_SERVICE = "kube-etcd"
API_SERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"

_AUDIT_MEGABYTES = "512"


def etcd(programs: Path, state: State, ports: Ports) -> Component:
    """The one etcd member."""
    client = f"http://127.0.0.1:{ports.etcd}"
    peer = f"http://127.0.0.1:{ports.etcd_peer}"
    metrics = ",".join(
        f"http://{host}:{ports.etcd_metrics}" for host in ("127.0.0.1", NODE_ADDRESS)
    )
    flags = {
        "data-dir": str(state.etcd),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "listen-metrics-urls": metrics,
        "quota-backend-bytes": str(8 * 2**30),
        "unsafe-no-fsync": "true",
    }
    return Component(ETCD, (str(programs / "etcd"), *_flags(flags)))


def publish_etcd(api: ApiClient, ports: Ports) -> None:
    """Say in the cluster where etcd's metrics are, as kube-prometheus-stack would.

    Prometheus finds them there, and so does krobench: etcd runs in no pod.
    """
    labels = {"jobLabel": "kube-etcd", "k8s-app": "etcd-server"}
    port = {"name": "http-metrics", "port": ports.etcd_metrics, "protocol": "TCP"}
    objects: dict[str, Mapping[str, Any]] = {
        "/api/v1/namespaces/kube-system/services": {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": _ETCD_SERVICE, "labels": labels},
            "spec": {"clusterIP": "None", "ports": [port]},
        },
        "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices": {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": _ETCD_SERVICE,
                "labels": {**labels, "kubernetes.io/service-name": _ETCD_SERVICE},
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [NODE_ADDRESS], "conditions": {"ready": True}}],
            "ports": [port],
        },
    }
    for path, body in objects.items():
        answer = api.post(path, body)
        if not answer.ok and answer.status != HTTPStatus.CONFLICT:
            raise SetupError(f"etcd is not published: {answer.body.decode(errors='replace')}")


def api_server(programs: Path, state: State, settings: ClusterSettings) -> Component:
    """The API server: on loopback for the host, on the node's address for pods."""
    ports, keys = settings.ports, state.pki
    flags = {
        "etcd-servers": f"http://127.0.0.1:{ports.etcd}",
        "secure-port": str(ports.api),
        "advertise-address": NODE_ADDRESS,
        "service-cluster-ip-range": SERVICE_CIDR,
        "tls-cert-file": str(keys / f"{pki.API_SERVER.name}.crt"),
        "tls-private-key-file": str(keys / f"{pki.API_SERVER.name}.key"),
        "client-ca-file": str(keys / f"{pki.CA}.crt"),
        # Without it the controller manager and the scheduler wait for ever.
        "requestheader-client-ca-file": str(keys / f"{pki.FRONT_PROXY_CA}.crt"),
        "service-account-key-file": str(keys / f"{pki.SERVICE_ACCOUNT}.pub"),
        "service-account-signing-key-file": str(keys / f"{pki.SERVICE_ACCOUNT}.key"),
        "service-account-issuer": "https://kubernetes.default.svc",
        "authorization-mode": "Node,RBAC",
        "allow-privileged": "true",
        "kubelet-certificate-authority": str(keys / f"{pki.CA}.crt"),
        "kubelet-client-certificate": str(keys / f"{pki.API_SERVER_KUBELET_CLIENT.name}.crt"),
        "kubelet-client-key": str(keys / f"{pki.API_SERVER_KUBELET_CLIENT.name}.key"),
        "kubelet-preferred-address-types": "InternalIP",
        "event-ttl": "24h",
        "cert-dir": str(keys),
    }
    if settings.audit_log:
        flags |= {
            "audit-policy-file": str(audit_policy_path(state)),
            "audit-log-path": str(audit_log_path(state)),
            "audit-log-maxsize": _AUDIT_MEGABYTES,
        }
    return Component(API_SERVER, (str(programs / API_SERVER), *_flags(flags)))


def controller_manager(programs: Path, state: State, ports: Ports) -> Component:
    """The controller manager, alone and so without a leader election."""
    kubeconfig = str(pki.kubeconfig_path(state, pki.CONTROLLER_MANAGER))
    flags = {
        **_authenticated(kubeconfig, ports.controller_manager, state),
        "service-account-private-key-file": str(state.pki / f"{pki.SERVICE_ACCOUNT}.key"),
        "root-ca-file": str(state.pki / f"{pki.CA}.crt"),
        "cluster-signing-cert-file": str(state.pki / f"{pki.CA}.crt"),
        "cluster-signing-key-file": str(state.pki / f"{pki.CA}.key"),
        "use-service-account-credentials": "true",
        "allocate-node-cidrs": "true",
        "cluster-cidr": POD_CIDR,
        "flex-volume-plugin-dir": str(state.kubelet / "volume-plugins"),
    }
    return Component(CONTROLLER_MANAGER, (str(programs / CONTROLLER_MANAGER), *_flags(flags)))


def scheduler(programs: Path, state: State, ports: Ports) -> Component:
    """The scheduler, alone and so without a leader election."""
    kubeconfig = str(pki.kubeconfig_path(state, pki.SCHEDULER))
    flags = _authenticated(kubeconfig, ports.scheduler, state)
    return Component(SCHEDULER, (str(programs / SCHEDULER), *_flags(flags)))


def audit_policy_path(state: State) -> Path:
    """The audit policy's file."""
    return state.config / "audit-policy.json"


def audit_log_path(state: State) -> Path:
    """The audit log: JSON lines, one for each request."""
    return state.log / "audit.log"


def audit_policy() -> str:
    """Who asked what and when, once for each finished request.

    Bodies are kept only of statuses in the group of the benchmarks' generated kinds: they say
    which request made an instance ready, by the API server's own clock.
    """
    statuses = {"group": "load.bench.kro.run", "resources": ["*/status"]}
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "RequestResponse", "verbs": ["update", "patch"], "resources": [statuses]},
            {"level": "Metadata"},
        ],
    }
    return json.dumps(policy, indent=1)


def _authenticated(kubeconfig: str, port: int, state: State) -> dict[str, str]:
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "secure-port": str(port),
        "cert-dir": str(state.pki),
        "leader-elect": "false",
    }


def _flags(flags: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"--{name}={value}" for name, value in flags.items())
