"""What a user can choose, as data, and what is fixed on purpose."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from testbed import versions
from testbed.krosource import KroSource, Release

NODE_NAME = "krobench"
NODE_ADDRESS = "10.87.0.1"
POD_CIDR = "10.88.0.0/24"
SERVICE_CIDR = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"

NODE_BRIDGE = "krobench-node"
POD_BRIDGE = "krobench-pods"
CNI_NETWORK = "krobench-pods"

KRO_NAMESPACE = "kro-system"
KRO_RELEASE = "kro"
KRO_REPOSITORY = "registry.local/kro"
PAUSE_IMAGE = f"registry.local/pause:{versions.PAUSE}"


@dataclass(frozen=True)
class Ports:
    """TCP ports on this machine. Each is an option of ``up`` of the same name."""

    api: int = 6443
    etcd: int = 2379
    etcd_peer: int = 2380
    etcd_metrics: int = 2381
    kubelet: int = 10250
    controller_manager: int = 10257
    scheduler: int = 10259


@dataclass(frozen=True)
class ClusterSettings:
    """What the cluster itself depends on: a change means a new cluster."""

    ports: Ports = field(default_factory=Ports)
    audit_log: bool = False
    kubernetes: str = versions.KUBERNETES

    def fingerprint(self) -> str:
        """Tells two settings, or two releases of the test bed's components, apart."""
        release = (versions.ETCD, versions.CONTAINERD, versions.PAUSE)
        return _fingerprint(json.dumps([asdict(self), release], sort_keys=True))


@dataclass(frozen=True)
class KroSettings:
    """Which kro is installed, and with what Helm values. A change means a Helm upgrade."""

    source: KroSource = field(default_factory=Release)
    values_files: tuple[Path, ...] = ()
    value_overrides: tuple[str, ...] = ()
    """``a.b=c``, as Helm's ``--set`` takes them."""

    def fingerprint(self) -> str:
        """Tells two installations apart by what the values files hold, not by their names."""
        contents = [path.read_text() for path in self.values_files]
        return _fingerprint(json.dumps([self.source.version, contents, self.value_overrides]))


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
