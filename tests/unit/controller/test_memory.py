"""The memory of the operator's process, which it takes from the cluster that it measures."""

import subprocess
import sys
from pathlib import Path

import pytest

MOST_MB = 90
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
