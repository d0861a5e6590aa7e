"""One cluster for all tests here: started if none runs, and left up for the next time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cluster.kubectl import KRO, ROOT, Cluster

from testbed import providers

FAST_KRO = Path(__file__).with_name("fast-kro.yaml")
BEGAN = os.environ.get("KROBENCH_TESTS_BEGAN")
"""When an earlier call of pytest began, which has installed krobench and run some of the tests."""
STARTED = datetime.fromisoformat(BEGAN) if BEGAN else datetime.now(UTC)
PROBER = "tests-of-krobench"
"""The manager of the one change that tests keep in kro's Deployment."""
TESTBED = (sys.executable, "-m", "testbed")
PROBE = {"initialDelaySeconds": 1, "periodSeconds": 1, "failureThreshold": 10}
PROBED = {"containers": [{"name": "kro", "readinessProbe": PROBE}]}
PROBE_SOONER = (
    *(*KRO, "patch", "deployment/kro", f"--field-manager={PROBER}"),
    f"--patch={json.dumps({'spec': {'template': {'spec': PROBED}}})}",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests here and order them: the fast kro, the chart's kro, any, no cluster at all.

    Each change of kro's settings takes a rollout, so tests with the same settings run together.
    """
    for item in items:
        if "tests/cluster/" in str(item.path):
            item.add_marker(pytest.mark.cluster)
    items.sort(
        key=lambda item: (
            item.path.name == "test_testbed.py",
            takes_any_kro(item),
            not needs_fast_kro(item),
            place_by_kinds(item),
        )
    )


def place_by_kinds(test: pytest.Item) -> int:
    """Return where a test comes among those with the same kro.

    An API server shows a thousand counters of each kind that it has ever served, and each run looks
    at them several times. So what makes a hundred kinds comes late, and before a new API server.
    """
    if test.path.name in ("test_generator.py", "test_rgds.py"):
        return 1
    return 2 if test.name.startswith("test_an_api_server_that_is_started_anew") else 0


def takes_any_kro(test: pytest.Item) -> bool:
    """Whether a test is one of the last, to which kro's settings do not matter."""
    return test.path.name in ("test_testbed.py", "test_verbs.py")


def needs_fast_kro(test: pytest.Item) -> bool:
    """Whether a test needs the fast kro; the others need kro as its chart installs it."""
    return test.get_closest_marker("chart_defaults") is None


def provider() -> str:
    """Return where the tests run."""
    return os.environ.get("PROVIDER") or providers.default_name()


def call(*command: str) -> str:
    """Run a program of this repository and return its output; its progress goes to the terminal."""
    return subprocess.run(
        command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE
    ).stdout.strip()


@pytest.fixture(scope="session")
def cluster(
    pytestconfig: pytest.Config, request: pytest.FixtureRequest, installed_kro: dict[str, bool]
) -> Cluster:
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    installed_kro["fast"] = needs_fast_kro(request.session.items[0])
    # The first start takes minutes; show its progress.
    with capture.global_and_fixture_disabled():
        up(fast_kro=installed_kro["fast"])
        if not BEGAN:
            call("scripts/deploy.sh")
    cluster = Cluster(call(*TESTBED, "tool", "kubectl"), call(*TESTBED, "kubeconfig"))
    os.environ["KUBECONFIG"] = cluster.kubeconfig
    cluster.delete_runs()
    if not BEGAN:
        cluster.clean_up()
        reset_kro(cluster, fast=installed_kro["fast"])
    probe_kro_sooner(cluster)
    return cluster


def reset_kro(cluster: Cluster, *, fast: bool) -> None:
    """Take back what others than Helm have changed in kro's Deployment.

    Helm's upgrades keep it, such as what ``kubectl set env`` of a test that was killed has set.
    """
    if provider() == "existing":
        return
    deployment = cluster.get(*KRO, "deployment", "kro", "--show-managed-fields")
    managers = {entry["manager"] for entry in deployment["metadata"]["managedFields"]}
    if managers - {"helm", "kube-controller-manager", PROBER}:
        cluster.run(*KRO, "delete", "deployment", "kro")
        up(fast_kro=fast)


def up(*, fast_kro: bool) -> None:
    """Bring the cluster up, with kro as its chart installs it or with shorter pauses.

    kro is probed sooner as soon as it is there, so that nothing waits for the chart's first probe.
    """
    audit = ("--audit-log",) if provider() == "testbed" else ()
    values = (f"--kro-values={FAST_KRO}",) if fast_kro else ()
    with ThreadPoolExecutor(max_workers=1) as pool:
        done = pool.submit(call, *TESTBED, "up", *audit, *values)
        kubectl, kubeconfig = call(*TESTBED, "tool", "kubectl"), call(*TESTBED, "kubeconfig")
        while provider() != "existing" and not wait((done,), timeout=0.5).done:
            subprocess.run(
                (kubectl, *PROBE_SOONER),
                env=os.environ | {"KUBECONFIG": kubeconfig},
                capture_output=True,
                check=False,  # there may be neither a cluster nor a kro yet
            )
        done.result()


@pytest.fixture(scope="session")
def installed_kro() -> dict[str, bool]:
    """Whether the kro that runs now is the fast one, as the fixtures here have installed it."""
    return {}


@pytest.fixture(autouse=True)
def kro_settings(
    cluster: Cluster, installed_kro: dict[str, bool], request: pytest.FixtureRequest
) -> None:
    """Give each test the kro that it needs. A cluster of the user's own keeps its kro as it is."""
    if takes_any_kro(request.node) or provider() == "existing":
        return
    fast = needs_fast_kro(request.node)
    if fast != installed_kro["fast"]:
        up(fast_kro=fast)
        probe_kro_sooner(cluster)
        installed_kro["fast"] = fast


def probe_kro_sooner(cluster: Cluster) -> None:
    """Let kro's pods become ready as soon as they are.

    The chart's first probe comes after ten seconds, and these tests start kro some twenty times.
    """
    cluster.run(*PROBE_SOONER)
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
