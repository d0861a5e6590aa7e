"""A process is more than its pid: nothing else may ever be signalled in its place."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from testbed import process
from testbed.process import ProcessRecord

_FIRST_THREAD_ENDS = """
import ctypes, os, pathlib, signal, sys, threading, time

def go_on_for_a_while():
    time.sleep(0.3)
    pathlib.Path(sys.argv[1]).touch()
    os._exit(0)

signal.signal(signal.SIGTERM, signal.SIG_IGN)
threading.Thread(target=go_on_for_a_while).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[ProcessRecord]:
    argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    record = process.spawn("sleeper", argv, log=tmp_path / "log", record=tmp_path / "sleeper.json")
    yield record
    process.kill_all([record], timeout_seconds=5)


def test_a_record_survives_being_written(sleeper: ProcessRecord, tmp_path: Path) -> None:
    assert ProcessRecord.load(tmp_path / "sleeper.json") == sleeper
    assert sleeper.is_alive()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_half_a_record_is_no_record(text: str, tmp_path: Path) -> None:
    (tmp_path / "half.json").write_text(text)
    assert ProcessRecord.load(tmp_path / "half.json") is None


def test_stop_ends_the_process(sleeper: ProcessRecord) -> None:
    process.stop(sleeper, grace_seconds=5)
    assert not sleeper.is_alive()


def test_a_process_is_gone_with_its_last_thread_only(tmp_path: Path) -> None:
    """Else another could not yet listen where it did."""
    log, released = tmp_path / "log", tmp_path / "released"
    record = process.spawn(
        "threads",
        [sys.executable, "-c", _FIRST_THREAD_ENDS, str(released)],
        log=log,
        record=tmp_path / "threads.json",
    )
    while record.is_alive():
        os.sched_yield()
    process.stop(record, grace_seconds=10)
    assert released.exists()


@pytest.mark.parametrize("change", [{"start_ticks": 1}, {"boot_id": "an earlier boot"}])
def test_a_reused_pid_is_left_alone(sleeper: ProcessRecord, change: dict[str, object]) -> None:
    stale = replace(sleeper, **change)  # type: ignore[arg-type]
    assert not stale.is_alive()
    process.stop(stale, grace_seconds=0.1)
    process.kill_all([stale], timeout_seconds=0.1)
    assert sleeper.is_alive()


def test_a_process_that_is_gone_is_no_error() -> None:
    finished = subprocess.Popen(["true"])
    finished.wait()
    gone = ProcessRecord("gone", finished.pid, 1, process.boot_id())
    process.stop(gone, grace_seconds=0.1)
    assert process.identify("gone", 2**22 + 1) is None


def test_start_ticks_are_read_behind_any_name() -> None:
    fields = " ".join(str(number) for number in range(4, 30))
    assert process.parse_start_ticks(f"7 (a) b (c)) S {fields}") == (22, False)
    assert process.parse_start_ticks(f"7 (a) Z {fields}") == (22, True)
    assert process.start_ticks(os.getpid())
