"""containerd: its configuration, its images, and what it leaves behind when it is killed.

Pods outlive containerd: each has a shim that goes on alone. A shim of ours is one that works
in a bundle below our state directory.
"""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from testbed import process, shell
from testbed.component import Component
from testbed.errors import SetupError
from testbed.paths import CNI_PLUGIN_DIR, CONTAINERD_SOCKET, State, remove_if_empty
from testbed.process import ProcessRecord
from testbed.settings import CNI_NETWORK, PAUSE_IMAGE, POD_BRIDGE, POD_CIDR

CONTAINERD = "containerd"
_SHIM = "containerd-shim-runc-v2"
_IMAGE_NAMESPACE = "k8s.io"
_START_SECONDS = 30.0
_POLL_SECONDS = 0.1


def component(programs: Path, state: State) -> Component:
    """containerd; it looks for its shims on PATH."""
    argv = (str(programs / CONTAINERD), f"--config={config_path(state)}")
    return Component(CONTAINERD, argv, {"PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin"})


def config_path(state: State) -> Path:
    """containerd's configuration file."""
    return state.config / "containerd.toml"


def cni_dir(state: State) -> Path:
    """The directory of the CNI configuration."""
    return state.config / "cni"


def config(state: State) -> str:
    """containerd's configuration; all but its socket is below the state directory."""
    return f"""version = 3
root = "{state.containerd}"
state = "{state.containerd_run}"

[grpc]
  address = "{CONTAINERD_SOCKET}"

[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE, as in many containers, scores can't be lowered.
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["{CNI_PLUGIN_DIR}"]
  conf_dir = "{cni_dir(state)}"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  Root = "{state.containerd_run}/runc"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{PAUSE_IMAGE}"

[plugins.'io.containerd.internal.v1.opt']
  path = "{state.containerd}/opt"

[plugins.'io.containerd.nri.v1.nri']
  disable = true
"""


def cni_config(state: State) -> str:
    """The pod network: a bridge, addresses from one range, and masquerading outwards."""
    bridge = {
        "type": "bridge",
        "bridge": POD_BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_CIDR}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(state.cni),
        },
    }
    return json.dumps({"cniVersion": "1.0.0", "name": CNI_NETWORK, "plugins": [bridge]}, indent=1)


def wait_until_ready(programs: Path) -> None:
    """Wait until containerd answers."""
    deadline = time.monotonic() + _START_SECONDS
    while not shell.succeeds(_ctr(programs, "version"), timeout_seconds=5):
        if time.monotonic() > deadline:
            raise SetupError(f"containerd did not answer within {_START_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def import_image(programs: Path, archive: Path) -> None:
    """Import an OCI archive for pods to use."""
    shell.run(_ctr(programs, "-n", _IMAGE_NAMESPACE, "images", "import", str(archive)))


def stored_digests(programs: Path) -> frozenset[str]:
    """The content that containerd already has."""
    listed = shell.run(_ctr(programs, "-n", _IMAGE_NAMESPACE, "content", "ls", "-q"))
    return frozenset(listed.split())


def shims(state: State) -> list[ProcessRecord]:
    """The shims of our containerd that still run."""
    records = (process.identify(_SHIM, pid) for pid in _shim_pids(state))
    return [record for record in records if record]


def kill_shims(state: State, timeout_seconds: float) -> None:
    """Kill them; their containers must have ended before."""
    process.kill_all(shims(state), timeout_seconds)


def shim_sockets(state: State) -> list[Path]:
    """The sockets of our shims, which lie in a directory that all containerds share."""
    found = []
    for file in state.containerd_run.glob("io.containerd.runtime.v2.task/*/*/bootstrap.json"):
        with suppress(OSError, ValueError, KeyError):
            found.append(Path(json.loads(file.read_text())["address"].removeprefix("unix://")))
    return found


def remove_sockets(sockets: list[Path]) -> None:
    """Remove sockets whose processes are gone, and their directories where empty."""
    own = [CONTAINERD_SOCKET, CONTAINERD_SOCKET.with_suffix(".sock.ttrpc"), *sockets]
    for path in own:
        path.unlink(missing_ok=True)
    remove_if_empty(CONTAINERD_SOCKET.parent / "s", CONTAINERD_SOCKET.parent)


def _shim_pids(state: State) -> Iterator[int]:
    for directory in Path("/proc").glob("[0-9]*"):
        # A process may end while it is looked at.
        with suppress(OSError):
            program = (directory / "cmdline").read_bytes().split(b"\0")[0].decode()
            if Path(program).name == _SHIM and _is_below(directory / "cwd", state):
                yield int(directory.name)


def _is_below(link: Path, state: State) -> bool:
    return state.containerd_run in link.readlink().parents


def _ctr(programs: Path, *arguments: str) -> list[str]:
    return [str(programs / "ctr"), "--address", str(CONTAINERD_SOCKET), *arguments]
