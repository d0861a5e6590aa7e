"""What the machine must offer, checked before anything is started.

Each check raises SetupError with one sentence that says what is missing.
"""

import os
import platform
import re
import shutil
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from testbed import network, shell, versions
from testbed.build import Program
from testbed.errors import SetupError
from testbed.paths import CONTAINERD_SOCKET, Cache
from testbed.settings import Ports

_COLD_BUILD_GIGABYTES = 15
_WARM_GIGABYTES = 4
_GIGABYTE = 10**9
_SOCKET_PATH_LIMIT = 40
_LISTEN = "0A"


def check_user() -> None:
    """Mounts, network devices and control groups need root."""
    if os.geteuid() != 0:
        raise SetupError("the test bed needs root: run the same command with sudo")


def check_machine(cache: Cache, state_dir: Path, programs: Iterable[Program]) -> None:
    """Everything that can be known before packages are installed."""
    _check_kernel(platform.system(), platform.release())
    _check_state_dir(state_dir)
    missing = [program for program in programs if not program.is_built(cache)]
    if missing:
        _check_go()
    _check_disk(cache.root, _COLD_BUILD_GIGABYTES if missing else _WARM_GIGABYTES)


def check_kernel_features() -> None:
    """Overlay mounts and bridges; needs the packages of the node."""
    for module in ("overlay", "br_netfilter"):
        shell.succeeds(["modprobe", module], timeout_seconds=10)
    if "overlay" not in Path("/proc/filesystems").read_text().split():
        raise SetupError("this kernel has no overlay file system (module overlay)")
    network.check_bridges_work()
    network.check_addresses_are_free()


def check_ports(ports: Ports) -> None:
    """Raise SetupError where a port is taken, naming its holder."""
    for name, port in asdict(ports).items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                option = f"--{name.replace('_', '-')}-port"
                raise SetupError(
                    f"port {port} is taken by {_describe(port_holder(port))}: "
                    f"free it or choose another with {option}"
                ) from None


def check_containerd_socket() -> None:
    """Raise SetupError where someone else's containerd answers at the socket we need."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(CONTAINERD_SOCKET))
        except OSError:
            return
    raise SetupError(
        f"another containerd runs at {CONTAINERD_SOCKET}, where the test bed needs its own: stop it"
    )


def check_go_version(output: str) -> None:
    """Raise SetupError where ``go version`` printed one too old."""
    found = re.search(r"go(\d+)\.(\d+)", output)
    if not found or tuple(map(int, found.groups())) < versions.MINIMUM_GO:
        needed = ".".join(map(str, versions.MINIMUM_GO))
        raise SetupError(f"Go {needed} or newer is needed, and this is {output.strip()}")


def port_holder(port: int) -> int | None:
    """The process that listens on a TCP port, as far as /proc tells."""
    inodes = {
        inode
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for inode in listening_inodes(Path(table).read_text(), port)
    }
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if descriptor.readlink().name in {f"socket:[{inode}]" for inode in inodes}:
                return int(descriptor.parts[2])
    return None


def listening_inodes(table: str, port: int) -> list[str]:
    """The sockets that listen on a port, in the text of /proc/net/tcp."""
    rows = (line.split() for line in table.splitlines()[1:])
    return [
        row[9] for row in rows if row[3] == _LISTEN and int(row[1].rpartition(":")[2], 16) == port
    ]


def _describe(pid: int | None) -> str:
    if pid is None:
        return "another process"
    name = Path(f"/proc/{pid}/comm")
    return f"process {pid} ({name.read_text().strip() if name.exists() else 'ended'})"


def _check_kernel(system: str, release: str) -> None:
    if system != "Linux":
        raise SetupError(f"the test bed requires Linux, and this is {system}: use PROVIDER=kind")
    version = tuple(int(part) for part in re.findall(r"\d+", release)[:2])
    if version < versions.MINIMUM_KERNEL:
        needed = ".".join(map(str, versions.MINIMUM_KERNEL))
        raise SetupError(f"Linux {needed} or newer is needed, and this is {release}")


def _check_state_dir(state_dir: Path) -> None:
    if len(str(state_dir)) > _SOCKET_PATH_LIMIT:
        raise SetupError(
            f"the state directory {state_dir} is longer than {_SOCKET_PATH_LIMIT} characters, "
            "too long for the Unix sockets below it: choose a shorter one with --state-dir"
        )


def _check_go() -> None:
    if not shell.is_installed("go"):
        needed = ".".join(map(str, versions.MINIMUM_GO))
        raise SetupError(f"Go {needed} or newer is needed on PATH to build the cluster's programs")
    check_go_version(shell.run(["go", "version"], env={"GOTOOLCHAIN": "local"}))


def _check_disk(directory: Path, gigabytes: int) -> None:
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < gigabytes * _GIGABYTE:
        raise SetupError(
            f"{gigabytes} GB of free disk are needed at {existing}, "
            f"and only {free / _GIGABYTE:.1f} GB are available: free some space"
        )
