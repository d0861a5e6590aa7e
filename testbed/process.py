"""Long-running processes, identified by more than their pid.

After a kill or a restart of the machine, a pid may belong to another process. A record therefore
also has the boot id and the start time of the process, and signals go through a pidfd, so that
only the process that was started is ever signalled.
"""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME_FIELD = 19  # of /proc/PID/stat, counted from the state, which follows the name


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


def parse_start_ticks(stat: str) -> tuple[int, bool]:
    """The start time in a line of /proc/PID/stat, and whether the process has ended."""
    state, *fields = stat.rpartition(")")[2].split()
    return int(fields[_START_TIME_FIELD - 1]), state in "ZX"


def start_ticks(pid: int) -> int | None:
    """When a process started; None where it does not run."""
    ticks, has_ended = _stat(pid)
    return None if has_ended else ticks


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
    with _descriptor(record) as descriptor:
        if descriptor is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            _send(descriptor, number)
            if _has_ended(descriptor, grace_seconds):
                return


def kill_all(records: Sequence[ProcessRecord], timeout_seconds: float) -> None:
    """End processes at once and wait until they are gone."""
    with ExitStack() as stack:
        opened = [stack.enter_context(_descriptor(record)) for record in records]
        descriptors = [descriptor for descriptor in opened if descriptor is not None]
        for descriptor in descriptors:
            _send(descriptor, signal.SIGKILL)
        deadline = time.monotonic() + timeout_seconds
        for descriptor in descriptors:
            _has_ended(descriptor, max(deadline - time.monotonic(), 0.0))


def identify(name: str, pid: int) -> ProcessRecord | None:
    """The record of a process that already runs."""
    ticks = start_ticks(pid)
    return None if ticks is None else ProcessRecord(name, pid, ticks, boot_id())


def _stat(pid: int) -> tuple[int | None, bool]:
    try:
        return parse_start_ticks(Path(f"/proc/{pid}/stat").read_text())
    except OSError:
        return None, True


@contextmanager
def _descriptor(record: ProcessRecord) -> Iterator[int | None]:
    """Give a descriptor of that very process; None where it is gone."""
    try:
        descriptor = os.pidfd_open(record.pid)
    except OSError:
        yield None
        return
    try:
        ticks, _ = _stat(record.pid)
        is_the_one = record.boot_id == boot_id() and record.start_ticks == ticks
        yield descriptor if is_the_one else None
    finally:
        os.close(descriptor)


def _send(descriptor: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(descriptor, number)


def _has_ended(descriptor: int, timeout_seconds: float) -> bool:
    """Wait for the end of all threads.

    /proc shows a process as a zombie once its first thread has ended: others may go on for a
    while, and hold its ports.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(timeout_seconds * 1000))
