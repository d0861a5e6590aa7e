"""The control group below which the kubelet puts all pods.

A group of our own, rather than the kubelet's usual place, says exactly which processes on
the machine are containers of this cluster, also after everything else about them is lost.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from testbed import process

NAME = "/krobench"
_POLL_SECONDS = 0.05


def create() -> None:
    """Create the group in every hierarchy; the kubelet insists that it is there."""
    for hierarchy in _hierarchies():
        _delegate_controllers(hierarchy)
        group = hierarchy / NAME[1:]
        group.mkdir(exist_ok=True)
        _copy_cpuset(hierarchy, group)
        _delegate_controllers(group)


def pids() -> set[int]:
    """Every process in the group or below it."""
    return {
        int(pid)
        for hierarchy in _hierarchies()
        for group in _groups(hierarchy)
        for pid in _members(group)
    }


def kill_processes(timeout_seconds: float) -> None:
    """Kill what runs in the group until nothing does."""
    deadline = time.monotonic() + timeout_seconds
    while (members := pids()) and time.monotonic() < deadline:
        records = [process.identify("container", pid) for pid in members]
        # Between reading the pid and now the process may have ended, and its pid be reused:
        # only one that is still a member afterwards is what the record describes.
        still = pids()
        process.kill_all(
            [record for record in records if record and record.pid in still], timeout_seconds=2
        )
        time.sleep(_POLL_SECONDS)


def remove(timeout_seconds: float) -> None:
    """Remove the group, the deepest children first; the kernel needs a moment to let go."""
    deadline = time.monotonic() + timeout_seconds
    while exists() and time.monotonic() < deadline:
        for hierarchy in _hierarchies():
            for group in _groups(hierarchy):
                with suppress(OSError):
                    group.rmdir()
        time.sleep(_POLL_SECONDS)


def exists() -> bool:
    """Whether the group exists in any hierarchy."""
    return any((hierarchy / NAME[1:]).is_dir() for hierarchy in _hierarchies())


def _hierarchies() -> list[Path]:
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return [Path(fields[1]) for fields in mounts if fields[2] in ("cgroup", "cgroup2")]


def _groups(hierarchy: Path) -> Iterator[Path]:
    """Yield the group and all below it, children before their parents."""
    # Groups of containers vanish while one looks; os.walk passes over these, Path.rglob fails.
    for group, _, _ in os.walk(hierarchy / NAME[1:], topdown=False):
        yield Path(group)


def _members(group: Path) -> list[str]:
    try:
        return (group / "cgroup.procs").read_text().split()
    except OSError:
        return []


def _copy_cpuset(parent: Path, group: Path) -> None:
    """In version 1 a new group may use no CPU and no memory node until told so."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (group / name).exists() and not (group / "cgroup.controllers").exists():
            (group / name).write_text((parent / name).read_text())


def _delegate_controllers(group: Path) -> None:
    """In version 2 a child has only the controllers that its parent hands down."""
    available = group / "cgroup.controllers"
    if available.exists():
        for controller in available.read_text().split():
            with suppress(OSError):
                (group / "cgroup.subtree_control").write_text(f"+{controller}")
