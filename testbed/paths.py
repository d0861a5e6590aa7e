"""Where things are kept: a cache that outlives clusters, and the state of the one cluster.

Neither lies in the work tree: the cache holds gigabytes worth keeping over clones, and the
paths of Unix sockets below the state directory must stay short.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SOURCE_DIR = Path(__file__).resolve().parent

CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")
"""cAdvisor looks for containerd nowhere else, and without it reports no container labels."""

CNI_PLUGIN_DIR = Path("/usr/lib/cni")


def default_cache_dir() -> Path:
    """``KROBENCH_CACHE``, or the usual place below the home directory."""
    return Path(os.environ.get("KROBENCH_CACHE") or Path.home() / ".cache" / "krobench")


def default_state_dir() -> Path:
    """``KROBENCH_STATE``, or the usual place of the system's, or of a user's, state."""
    usual = Path("/var/lib") if os.geteuid() == 0 else Path.home() / ".local" / "state"
    return Path(os.environ.get("KROBENCH_STATE") or usual / "krobench")


def remove_if_empty(*directories: Path) -> None:
    """Remove shared directories that nobody has anything in, the innermost first."""
    for directory in directories:
        with suppress(OSError):
            directory.rmdir()


@dataclass(frozen=True)
class Cache:
    """Built programs and image layers, each in a directory keyed by version or content."""

    root: Path

    @property
    def programs(self) -> Path:
        """One directory for each built component."""
        return self.root / "bin"

    @property
    def images(self) -> Path:
        """Image layers and the root file system of the operator's image."""
        return self.root / "images"

    @property
    def locks(self) -> Path:
        """One lock file for each entry under construction."""
        return self.root / "locks"


@dataclass(frozen=True)
class State:
    """All files of the running cluster. ``down`` empties it except for the logs."""

    root: Path

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, self-contained."""
        return self.root / "kubeconfig"

    @property
    def settings(self) -> Path:
        """The settings the cluster runs with; written once it is complete."""
        return self.root / "settings.json"

    @property
    def kro(self) -> Path:
        """What was last installed of kro; written once it is ready."""
        return self.root / "kro.json"

    @property
    def host_baseline(self) -> Path:
        """The machine's kernel settings from before the cluster."""
        return self.root / "host-baseline.json"

    @property
    def pki(self) -> Path:
        """Keys, certificates and the components' kubeconfigs."""
        return self.root / "pki"

    @property
    def config(self) -> Path:
        """Rendered configuration files."""
        return self.root / "config"

    @property
    def log(self) -> Path:
        """One log for each component."""
        return self.root / "log"

    @property
    def pids(self) -> Path:
        """One process record for each component."""
        return self.root / "pids"

    @property
    def etcd(self) -> Path:
        """etcd's data."""
        return self.root / "etcd"

    @property
    def kubelet(self) -> Path:
        """The kubelet's root directory."""
        return self.root / "kubelet"

    @property
    def pod_logs(self) -> Path:
        """The containers' logs."""
        return self.root / "pod-logs"

    @property
    def containerd(self) -> Path:
        """containerd's persistent root: images and snapshots."""
        return self.root / "containerd"

    @property
    def containerd_run(self) -> Path:
        """containerd's volatile state: bundles, root mounts and network namespaces."""
        return self.root / "run"

    @property
    def cni(self) -> Path:
        """The address allocations of the CNI plugins."""
        return self.root / "cni"

    def prepare(self) -> None:
        """Create the directories that components expect, and drop an earlier cluster's logs."""
        shutil.rmtree(self.log, ignore_errors=True)
        for directory in (self.pki, self.config, self.log, self.pids, self.pod_logs):
            directory.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o755)

    def disposable(self) -> tuple[Path, ...]:
        """Everything that belongs to one cluster's life, in the order of its removal.

        The process records and the host's baseline are not among them: the code that stops the
        processes and restores the host removes them.
        """
        return (
            self.settings,
            self.kro,
            self.kubeconfig,
            self.pki,
            self.config,
            self.etcd,
            self.kubelet,
            self.pod_logs,
            self.containerd_run,
            self.containerd,
            self.cni,
        )
