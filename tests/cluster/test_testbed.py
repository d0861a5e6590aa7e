"""The test bed's own promises; these take the shared cluster down, so they come last."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cluster.conftest import provider
from cluster.kubectl import ROOT, Cluster

from testbed.process import ProcessRecord

TESTBED = (sys.executable, "-m", "testbed")


def run_testbed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*TESTBED, *arguments), cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def state(cluster: Cluster) -> Path:
    if provider() != "testbed":
        pytest.skip("only the embedded test bed is brought down by its tests")
    return Path(cluster.kubeconfig).parent


def traces() -> dict[str, list[str]]:
    """Return what the test bed may leave in the kernel: devices, rules, mounts."""
    links = subprocess.run(("ip", "-o", "link"), capture_output=True, text=True, check=True)
    rules = subprocess.run(("iptables-save",), capture_output=True, text=True, check=True)
    mounts = Path("/proc/mounts").read_text().splitlines()
    return {
        "links": [line for line in links.stdout.splitlines() if "krobench" in line],
        "rules": [line for line in rules.stdout.splitlines() if "KUBE" in line or "CNI" in line],
        "mounts": [line for line in mounts if "krobench" in line or "cni" in line],
    }


def components(state: Path) -> list[ProcessRecord]:
    records = [ProcessRecord.load(path) for path in (state / "pids").glob("*.json")]
    return [record for record in records if record is not None]


def test_up_recovers_from_a_hard_kill_of_everything(state: Path) -> None:
    for component in components(state):
        os.kill(component.pid, signal.SIGKILL)
    assert run_testbed("status").returncode == 1
    up = run_testbed("up")
    assert up.returncode == 0, up.stderr
    status = run_testbed("status")
    assert status.returncode == 0, status.stdout


def test_down_leaves_nothing(state: Path) -> None:
    running = components(state)
    assert all(component.is_alive() for component in running)
    assert traces()["links"]
    down = run_testbed("down")
    assert down.returncode == 0, down.stderr
    assert traces() == {"links": [], "rules": [], "mounts": []}
    assert [component.name for component in running if component.is_alive()] == []
    assert run_testbed("status").returncode == 1
