"""One cluster for all tests here: brought up where none runs, and left up for the next time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from cluster.kubectl import KRO, ROOT, Cluster

from testbed import providers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests here, and put those last that take the cluster down."""
    for item in items:
        if "tests/cluster/" in str(item.path):
            item.add_marker(pytest.mark.cluster)
    items.sort(key=lambda item: item.path.name == "test_testbed.py")


def provider() -> str:
    """Return where the tests run."""
    return os.environ.get("PROVIDER") or providers.default_name()


def call(*command: str) -> str:
    """Run a program of this repository; what it says of its progress goes to the terminal."""
    return subprocess.run(
        command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE
    ).stdout.strip()


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Cluster:
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    testbed = (sys.executable, "-m", "testbed")
    # Bringing a cluster up takes minutes where caches are cold: its progress is to be seen.
    with capture.global_and_fixture_disabled():
        audit = ("--audit-log",) if provider() == "testbed" else ()
        call(*testbed, "up", *audit)
        call("scripts/deploy.sh")
    cluster = Cluster(call(*testbed, "tool", "kubectl"), call(*testbed, "kubeconfig"))
    cluster.delete_runs()
    probe_kro_sooner(cluster)
    return cluster


def probe_kro_sooner(cluster: Cluster) -> None:
    """Have kro's pods be ready when they are: its chart's first probe comes after ten seconds, and
    these tests start kro some twenty times."""
    probe = {"initialDelaySeconds": 1, "periodSeconds": 1, "failureThreshold": 10}
    spec = {"containers": [{"name": "kro", "readinessProbe": probe}]}
    patch = json.dumps({"spec": {"template": {"spec": spec}}})
    cluster.run(*KRO, "patch", "deployment/kro", f"--patch={patch}")
    cluster.wait_for_kro()


@pytest.fixture(autouse=True)
def clean(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test must leave nothing of its runs behind, and so the next starts without any."""
    yield
    if request.node.path.name != "test_testbed.py":
        cluster.delete_runs()
        assert cluster.leftovers() == []


@pytest.fixture(scope="session", autouse=True)
def only_local_traffic() -> None:
    """Keep proxies of the environment out of the way: all traffic is on this machine."""
    os.environ["NO_PROXY"] = "*"
