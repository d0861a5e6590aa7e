"""Long-running processes, known by more than their pid.

A pid alone is no identity: after a hard kill or a restart of the machine it may belong to
anyone. A record therefore also holds the boot and the process's start time, and signals go
through a pidfd, so that nothing but the very process that was started is ever signalled.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME_FIELD = 19  # of /proc/PID/stat, counted from the state, which follows the name
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ProcessRecord:
    """The identity of one started process. ``start_ticks`` are clock ticks since boot."""

    name: str
    pid: int
    start_ticks: int
    boot_id: str

    @classmethod
    def load(cls, path: Path) -> "ProcessRecord | None":
        """Read a record; None where there is none, or only half of one."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, path: Path) -> None:
        """Write the record, complete or not at all."""
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(path)

    def is_alive(self) -> bool:
        """Whether that very process still runs."""
        return self.boot_id == boot_id() and start_ticks(self.pid) == self.start_ticks


def boot_id() -> str:
    """The identity of the machine's current boot."""
    return _BOOT_ID.read_text().strip()


def parse_start_ticks(stat: str) -> int | None:
    """The start time in a line of /proc/PID/stat; None for a process that has ended."""
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[_START_TIME_FIELD - 1])


def start_ticks(pid: int) -> int | None:
    """When a process started; None where it does not run."""
    try:
        return parse_start_ticks(Path(f"/proc/{pid}/stat").read_text())
    except OSError:
        return None


def spawn(
    name: str,
    argv: Sequence[str | Path],
    *,
    log: Path,
    record: Path,
    env: Mapping[str, str] | None = None,
) -> ProcessRecord:
    """Start a process that outlives this one, and record its identity."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd="/",
            start_new_session=True,
        )
    started = ProcessRecord(name, process.pid, start_ticks(process.pid) or 0, boot_id())
    started.save(record)
    return started


def stop(record: ProcessRecord, grace_seconds: float) -> None:
    """End a process: SIGTERM, then after the grace SIGKILL. Does nothing where it is gone."""
    if not _signal(record, signal.SIGTERM) or _wait(record, grace_seconds):
        return
    _signal(record, signal.SIGKILL)
    _wait(record, grace_seconds)


def kill_all(records: Sequence[ProcessRecord], timeout_seconds: float) -> None:
    """End processes at once and wait until they are gone."""
    for record in records:
        _signal(record, signal.SIGKILL)
    for record in records:
        _wait(record, timeout_seconds)


def identify(name: str, pid: int) -> ProcessRecord | None:
    """The record of a process that already runs."""
    ticks = start_ticks(pid)
    return None if ticks is None else ProcessRecord(name, pid, ticks, boot_id())


def _signal(record: ProcessRecord, number: signal.Signals) -> bool:
    try:
        descriptor = os.pidfd_open(record.pid)
    except OSError:
        return False
    try:
        if not record.is_alive():
            return False
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
        return True
    finally:
        os.close(descriptor)


def _wait(record: ProcessRecord, timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while record.is_alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
