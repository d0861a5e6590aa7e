"""Causes against a run, each planted in a real one, and found by its name."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cluster.conftest import provider
from cluster.kubectl import Cluster, Manifest, benchmark, condition, scenario

KRO = ("--namespace=kro-system",)
OTHER_RUN = "00000000-1111-2222-3333-444444444444"
LEFT_BEHIND = {
    "apiVersion": "kro.run/v1alpha1",
    "kind": "ResourceGraphDefinition",
    "metadata": {"name": "kb-00000000-0-0-0", "labels": {"bench.kro.run/run": OTHER_RUN}},
    "spec": {
        "schema": {
            "apiVersion": "v1alpha1",
            "kind": "LeftBehind",
            "group": "load.bench.kro.run",
            "spec": {"value": "string"},
        },
        "resources": [],
    },
}


@pytest.fixture
def kro_as_it_was(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.run(*KRO, "set", "env", "deployment/kro", "KROBENCH_PLANTED-")
    cluster.run(*KRO, "rollout", "status", "deployment/kro", "--timeout=120s")
    wait_for_leader(cluster)


def test_each_cause_is_found_and_a_clean_test_is_not_flagged(
    cluster: Cluster, kro_as_it_was: None
) -> None:
    few = scenario("few", thresholds=["latency.instanceReady.p99 < 60.0"])
    planted = [
        scenario(name, instances=50, timeout="2m") for name in ("crowded", "starved", "changed")
    ]
    # Of how many requests the machine is capable is nothing that is tested here.
    bound = {"maxForeignRequestsPerSecond": 80}
    tests = [scenario("clean", instances=30), few, *planted]
    cluster.apply(benchmark("planted", *tests, validity=bound))
    wait_for_run_phase(cluster, "planted", "crowded")
    with loaded_api_server(cluster):
        wait_for_run_phase(cluster, "planted", "starved")
    starve(cluster)
    wait_for_run_phase(cluster, "planted", "changed")
    for setting in ("KROBENCH_PLANTED=1", "KROBENCH_PLANTED-"):
        cluster.run(*KRO, "set", "env", "deployment/kro", setting)
        cluster.run(*KRO, "rollout", "status", "deployment/kro", "--timeout=90s")
    cluster.wait("planted", "Finished")

    status, record = cluster.status("planted"), cluster.run_record("planted")
    causes = {test["name"]: reasons(test) for test in record["tests"]}
    assert causes["clean"] == set()
    assert causes["few"] == {"TooFewSamples"}
    assert "APIServerBusy" in causes["crowded"]
    assert causes["starved"] & {"KroOOMKilled", "KroRestarted"}
    if provider() == "testbed":
        assert "KroOOMKilled" in causes["starved"]
    assert "KroReconfigured" in causes["changed"]
    assert status["verdict"] == "Invalid"
    assert condition(status, "Valid")["status"] == "False"
    assert condition(status, "Valid")["reason"] == "KroReconfigured", "what weighs most is first"
    assert "KROBENCH_PLANTED=1" in condition(status, "Valid")["message"]
    verdicts = {test["name"]: test["verdict"] for test in status["tests"]}
    assert verdicts["clean"] == "Passed"
    assert set(verdicts.values()) == {"Passed", "Invalid"}
    assert {"KroReconfigured", "TestInvalid"} <= cluster.events("planted").keys()
    report = cluster.krobench("report", "planted").stdout
    assert report.index("## This run is invalid") < report.index("## Overview")


@pytest.fixture
def two_replicas(cluster: Cluster) -> Iterator[None]:
    scale(cluster, 2)
    yield
    scale(cluster, 1)
    wait_for_leader(cluster)


@pytest.mark.usefixtures("two_replicas")
def test_the_replica_that_leads_is_measured_and_its_loss_is_named(cluster: Cluster) -> None:
    cluster.apply(benchmark("led", scenario("a", instances=60), defaults={"timeout": "120s"}))
    wait_for_run_phase(cluster, "led", "a")
    first = leader(cluster)
    cluster.run(*KRO, "delete", "pod", first, "--wait=false")
    cluster.wait("led", "Finished")
    record = cluster.run_record("led")
    assert record["environment"]["kro"]["pod"] == first
    assert record["environment"]["kro"]["replicas"] == 2
    [test] = record["tests"]
    assert {"KroRestarted", "KroLeaderChanged"} <= reasons(test)
    assert test["iterations"][0]["counts"]["ready"] == 60
    [change] = test["iterations"][0]["usage"]["kroRestarts"]
    assert (change["previousPod"], change["pod"]) == (first, leader(cluster))
    assert cluster.status("led")["verdict"] == "Invalid"


def test_objects_of_another_run_are_found_unless_they_are_accepted(cluster: Cluster) -> None:
    cluster.apply(LEFT_BEHIND)
    try:
        found = cluster.finish(benchmark("beside", scenario("a")))
        accepted = cluster.finish(
            benchmark("accepted", scenario("a"), validity={"ignore": ["LeftoverObjects"]})
        )
    finally:
        cluster.krobench("cleanup", "--run", OTHER_RUN)
    assert found["verdict"] == "Invalid"
    assert condition(found, "Valid")["reason"] == "LeftoverObjects"
    assert f"krobench cleanup --run {OTHER_RUN}" in condition(found, "Valid")["message"]
    assert accepted["verdict"] == "Passed"
    assert condition(accepted, "Valid")["status"] == "True"
    assert any("LeftoverObjects" in warning for warning in accepted["warnings"])


def scale(cluster: Cluster, replicas: int) -> None:
    cluster.run(*KRO, "scale", "deployment/kro", f"--replicas={replicas}")
    cluster.run(*KRO, "rollout", "status", "deployment/kro", "--timeout=120s")


def leader(cluster: Cluster) -> str:
    """Return the name of the pod that holds kro's lease."""
    holder = cluster.get(*KRO, "lease", "controller.kro.run")["spec"]["holderIdentity"]
    return str(holder).partition("_")[0]


def wait_for_leader(cluster: Cluster) -> None:
    """Wait until the pod that runs holds kro's lease: the one before may not have given it back."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pods = cluster.names(*KRO, "pods", "--selector=app.kubernetes.io/name=kro")
        holder = cluster.get(*KRO, "lease", "controller.kro.run")["spec"].get("holderIdentity", "")
        if len(pods) == 1 and holder.startswith(pods[0]):
            return
        time.sleep(1)
    raise AssertionError("no kro pod leads")


def reasons(test: Manifest) -> set[str]:
    return {cause["reason"] for cause in test["validity"]["causes"]}


def wait_for_run_phase(cluster: Cluster, name: str, test: str) -> None:
    """Wait until instances of this test are being created."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = cluster.run("get", "configmap", f"{name}-results", "--output=json", check=False)
        if found.returncode == 0:
            activity = json.loads(json.loads(found.stdout)["data"]["run.json"])["progress"]
            if activity["activity"].startswith(f"{test}: iteration 1 of 1: "):
                return
        time.sleep(0.3)
    raise AssertionError(f"the run phase of {test} was not seen")


def starve(cluster: Cluster) -> None:
    """Have the kernel kill kro for want of memory; off the test bed, delete its pod instead."""
    [pod] = cluster.get(*KRO, "pods", "--selector=app.kubernetes.io/name=kro")["items"]
    if provider() != "testbed":
        cluster.run(*KRO, "delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")
        return
    [container] = pod["status"]["containerStatuses"]
    identity = container["containerID"].rpartition("/")[2]
    pods = Path("/sys/fs/cgroup/memory/krobench/kubepods")
    [group] = pods.glob(f"*/pod{pod['metadata']['uid']}/{identity}")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and group.exists():
        used = int((group / "memory.usage_in_bytes").read_text())
        try:
            (group / "memory.limit_in_bytes").write_text(str(used * 9 // 10))
        except OSError:  # it uses more than that, and gives nothing back: the next page is fatal
            (group / "memory.limit_in_bytes").write_text(str(used + 4096))
        time.sleep(0.1)


@contextmanager
def loaded_api_server(cluster: Cluster) -> Iterator[None]:
    """Send requests as another client, as many as it takes, for at most half a minute."""
    proxy = subprocess.Popen(
        [cluster.kubectl_path, "proxy", "--port=0"],
        env=os.environ | {"KUBECONFIG": cluster.kubeconfig},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert proxy.stdout is not None
    address = proxy.stdout.readline().split()[-1]
    over = threading.Event()
    senders = [threading.Thread(target=send, args=(address, over)) for _ in range(4)]
    for sender in senders:
        sender.start()
    try:
        yield
    finally:
        over.set()
        for sender in senders:
            sender.join()
        proxy.terminate()
        proxy.wait()


def send(address: str, over: threading.Event) -> None:
    deadline = time.monotonic() + 30
    with httpx.Client(trust_env=False) as client:
        while not over.is_set() and time.monotonic() < deadline:
            client.get(f"http://{address}/api/v1/namespaces/default")
