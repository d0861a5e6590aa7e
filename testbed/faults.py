"""Faults of the cluster: processes killed or stopped, an API server that is down.

They need the test bed, whose pods and control plane are processes of this machine.
"""

import errno
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from testbed import component, controlplane, process, shell
from testbed.api import ApiClient
from testbed.errors import SetupError
from testbed.paths import State
from testbed.process import ProcessRecord
from testbed.steps import say

Pod = Mapping[str, Any]
"""A pod with one container, as the API server returns it."""

_MEMORY_GROUPS = Path("/sys/fs/cgroup/memory/krobench/kubepods")
_OUT_OF_MEMORY_SECONDS = 20.0
_GONE = (errno.ENOENT, errno.ENODEV)
"""Errors when a control group ends before its file is opened, or while it is read."""
_GRACE_SECONDS = 30.0
_API_SERVER_STARTS_SECONDS = 300.0
_POLL_SECONDS = 0.3


def kill(pod: Pod) -> None:
    """Kill all processes of a pod's container."""
    for pid in _pids(pod):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def exhaust_memory(pod: Pod) -> None:
    """Have the kernel kill a pod's container because it is out of memory."""
    group = _group(pod)
    deadline = time.monotonic() + _OUT_OF_MEMORY_SECONDS
    while time.monotonic() < deadline and group.exists():
        try:
            _squeeze(group)
        except OSError as error:
            if error.errno not in _GONE:
                raise
        time.sleep(0.1)


def stop_for(seconds: float, pids: Sequence[int]) -> None:
    """Stop processes for a while: they answer nobody, and nothing restarts them."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def stop_pod_for(seconds: float, pod: Pod) -> None:
    """Stop the processes of a pod's container for a while."""
    stop_for(seconds, _pids(pod))


def stop_etcd_for(seconds: float, state: State) -> None:
    """Stop etcd for a while; start the API server again if that ends it, as a kubelet does."""
    restart = _restart_of_api_server(state)
    etcd = ProcessRecord.load(component.record_path(state, controlplane.ETCD))
    if etcd is None or not etcd.is_alive():
        raise SetupError("etcd does not run: run `make up`")
    stop_for(seconds, [etcd.pid])
    _wait_until_ready(state, restart)


@contextmanager
def api_server_down(state: State) -> Iterator[None]:
    """Kill the API server, and start it as it was afterwards."""
    restart = _restart_of_api_server(state)
    record = ProcessRecord.load(component.record_path(state, controlplane.API_SERVER))
    assert record is not None
    process.kill_all([record], _GRACE_SECONDS)
    try:
        yield
    finally:
        restart()
        _wait_until_ready(state, restart)


def _restart_of_api_server(state: State) -> Callable[[], None]:
    record = ProcessRecord.load(component.record_path(state, controlplane.API_SERVER))
    if record is None or not record.is_alive():
        raise SetupError("the API server does not run: run `make up`")
    command = Path(f"/proc/{record.pid}/cmdline").read_text().rstrip("\0").split("\0")
    api_server = component.Component(record.name, tuple(command))
    return lambda: component.start(api_server, state)


def _wait_until_ready(state: State, restart: Callable[[], None]) -> None:
    """Wait for the API server; start it again whenever it ends, for example without etcd."""
    deadline = time.monotonic() + _API_SERVER_STARTS_SECONDS
    name = controlplane.API_SERVER
    while not ApiClient(state.kubeconfig).is_ready():
        if time.monotonic() > deadline:
            raise SetupError(f"the API server is not ready: see {component.log_path(state, name)}")
        if component.running_pid(name, state) is None:
            log = shell.tail_of_file(component.log_path(state, name))
            say(f"the API server ended and is started again:\n{log}")
            restart()
        time.sleep(_POLL_SECONDS)


def _group(pod: Pod) -> Path:
    """The control group of a pod's container: its processes and no others."""
    [container] = pod["status"]["containerStatuses"]
    identity = container["containerID"].rpartition("/")[2]
    [group] = _MEMORY_GROUPS.glob(f"**/pod{pod['metadata']['uid']}/{identity}")
    return group


def _pids(pod: Pod) -> list[int]:
    return [int(pid) for pid in (_group(pod) / "cgroup.procs").read_text().split()]


def _squeeze(group: Path) -> None:
    used = int((group / "memory.usage_in_bytes").read_text())
    limit = group / "memory.limit_in_bytes"
    try:
        limit.write_text(str(used * 9 // 10))
    except OSError:  # it uses more than that, and gives nothing back: the next page is fatal
        limit.write_text(str(used + 4096))
