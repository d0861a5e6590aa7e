"""The memory of the operator's process, which it takes from the cluster that it measures."""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from unit.controller.world import SPECS

from krobench.api.kinds import RunKind
from krobench.controller.runs import parse_run

MOST_MB = 90
MOST_BYTES = 2000
RUNS = 1000
OPERATOR = """
import sys
from krobench.cli import main
sys.modules["kubernetes"] = None  # as in a pod
from krobench.api.kinds import RunKind
from krobench.controller.operator import prepare_process
from krobench.controller.runs import RunCache
from krobench.load.overhead import resident_max_bytes
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS

prepare_process()
runs = RunCache(None, DEFAULT_MAX_OBJECTS)
for number in range(int(sys.argv[1])):
    metadata = {
        "name": f"kept-{number}",
        "namespace": "default",
        "uid": f"{number:08x}-0000-4000-8000-000000000000",
        "resourceVersion": str(number),
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    test = {"name": "a", "workload": {"scenario": "single", "instances": 3}}
    status = {
        "phase": "Completed",
        "verdict": "Passed",
        "startTime": "2026-01-01T00:00:00Z",
        "completionTime": "2026-01-01T00:05:00Z",
        "kroVersion": "v0.9.4",
        "headline": {"instanceReadyP50Seconds": 0.9, "instanceReadyP99Seconds": 1.8},
    }
    runs.put(RunKind.BENCHMARK, {"metadata": metadata, "spec": {"tests": [test]}, "status": status})
print(resident_max_bytes())
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel reports no peak")
def test_a_thousand_finished_runs_fit_into_90_mb() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", OPERATOR, str(RUNS)], capture_output=True, text=True, check=True
    )
    assert float(ended.stdout) / 1e6 <= MOST_MB


def finished(number: int) -> Any:
    """Return a run of three tests as an API server sends it."""
    metadata = {
        "name": f"kept-{number}",
        "namespace": "default",
        "uid": f"{number:08x}-0000-4000-8000-000000000000",
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    test = {
        "phase": "Succeeded",
        "iterations": "1/1",
        "verdict": "Passed",
        "instances": 50,
        "instanceReadyP50Seconds": 0.9,
        "instanceReadyP99Seconds": 1.8,
        "rgdReadyP50Seconds": 0.5,
        "instancesPerSecond": 9.1,
        "kroCpuSeconds": 0.2,
        "kroMemoryMaxBytes": 6e7,
        "kroApiRequests": 290,
        "errors": 0,
    }
    status = {
        "phase": "Completed",
        "verdict": "Passed",
        "kroVersion": "v0.9.4",
        "startTime": "2026-01-01T00:00:00Z",
        "completionTime": "2026-01-01T00:05:00Z",
        "tests": [test | {"name": f"test-{index}"} for index in range(3)],
    }
    item = {"metadata": metadata, "spec": SPECS[RunKind.BENCHMARK], "status": status}
    return json.loads(json.dumps(item))


def test_a_finished_run_takes_two_kilobytes() -> None:
    parse_run(RunKind.BENCHMARK, finished(0))  # what is made once
    tracemalloc.start()
    try:
        kept = [parse_run(RunKind.BENCHMARK, finished(number)) for number in range(RUNS)]
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all(sum(1 for _ in run.figures.values) > 25 for run in kept)
    assert size / RUNS <= MOST_BYTES
