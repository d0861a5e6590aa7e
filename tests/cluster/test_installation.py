"""The chart as it is installed: what helm test says, and where the operator listens."""

import subprocess
import sys

import pytest
from cluster.kubectl import KROBENCH, ROOT, Cluster

pytestmark = pytest.mark.untimed


def helm(cluster: Cluster, *arguments: str) -> subprocess.CompletedProcess[str]:
    tool = [sys.executable, "-m", "testbed", "tool", "helm"]
    found = subprocess.run(tool, cwd=ROOT, capture_output=True, text=True, check=True)
    program = found.stdout.strip().splitlines()[-1]
    command = [program, *arguments, *KROBENCH, f"--kubeconfig={cluster.kubeconfig}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_helm_test_finds_that_kro_can_be_measured(cluster: Cluster) -> None:
    done = helm(cluster, "test", "krobench", "--logs", "--timeout=120s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all checks passed" in done.stdout


def test_endpoints_answer_over_ipv4_and_ipv6(cluster: Cluster) -> None:
    ask = (
        "import urllib.request as r; "
        "print(*(r.urlopen(f'http://{h}:8081/healthz').status for h in ('127.0.0.1', '[::1]')))"
    )
    arguments = ("exec", *KROBENCH, "deployment/krobench", "--", "python3", "-c", ask)
    assert cluster.run(*arguments).stdout.split() == ["200", "200"]
