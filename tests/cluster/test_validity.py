"""Causes against a run, each planted in a real one, and found by its name."""

from collections.abc import Iterator

import pytest
from cluster.clocks import can_be_planted, leaping_clock
from cluster.conftest import provider
from cluster.disturbances import (
    busy_client,
    busy_neighbour,
    kill_kro,
    restart_api_server,
    silence_kro,
)
from cluster.kubectl import (
    KRO,
    Cluster,
    Manifest,
    benchmark,
    condition,
    scenario,
    wait_until,
)
from cluster.repetition import twice_at_most

OTHER_RUN = "00000000-1111-2222-3333-444444444444"
# Of the samples of an iteration of some 17 s, one a second, less than half come then.
SILENT_SECONDS = 13.0
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
    cluster.wait_for_kro()


@pytest.mark.chart_defaults
@twice_at_most
def test_each_cause_is_found_and_a_clean_test_is_not_flagged(
    cluster: Cluster, kro_as_it_was: None
) -> None:
    plant_all(cluster)
    status, record = cluster.status("planted"), cluster.run_record("planted")
    causes = {test["name"]: reasons(test) for test in record["tests"]}
    assert causes["clean"] == set()
    assert "TooFewSamples" in causes["few"]
    assert {"APIServerBusy", "NodeBusy"} <= causes["crowded"]
    assert causes["starved"] & {"KroOOMKilled", "KroRestarted"}
    if provider() == "testbed":
        assert "KroOOMKilled" in causes["starved"]
        assert "SamplesMissing" in causes["silent"]
    assert "KroReconfigured" in causes["changed"]
    assert status["verdict"] == "Invalid"
    assert condition(status, "Valid")["status"] == "False"
    assert condition(status, "Valid")["reason"] == "KroReconfigured", "what weighs most is first"
    assert "KROBENCH_PLANTED" in condition(status, "Valid")["message"]
    verdicts = {test["name"]: test["verdict"] for test in status["tests"]}
    assert verdicts["clean"] == "Passed"
    assert set(verdicts.values()) == {"Passed", "Invalid"}
    assert {"KroReconfigured", "TestInvalid"} <= cluster.events("planted").keys()
    report = cluster.krobench("report", "planted")
    assert report.returncode == 0, report.stderr
    assert "KroReconfigured" in report.stdout


def plant_all(cluster: Cluster) -> None:
    """Run a suite, and plant in each of its tests what the test is named after."""
    # The kubelet's figures are up to 15 s apart, and two of them are needed.
    load = {"arrival": "constant", "rate": 1.5, "maxSendLag": "10s"}
    tests = [
        scenario("crowded", instances=40, load=load),
        # Before the clean one, as those who crowded the other are a while until they are gone.
        scenario("few", thresholds=["latency.instanceReady.p99 < 60.0"]),
        scenario("clean", instances=20),
        *([scenario("silent", instances=10)] if provider() == "testbed" else []),
        scenario("starved", instances=30),
        scenario("changed", instances=30),
    ]
    # Of how much the machine is capable is nothing that is tested here.
    bounds = {"maxForeignRequestsPerSecond": 80, "maxForeignCpu": "10%"}
    with busy_neighbour(cluster):
        # In a namespace of its own: pods that are beside the instances do not count as others'.
        collect = {"interval": "1s"}
        cluster.apply(
            benchmark("planted", *tests, own_namespace=True, validity=bounds, collect=collect)
        )
        cluster.wait_for_rgd("crowded")
        with busy_client(cluster):
            cluster.wait_for_iteration("planted", "crowded")
    if provider() == "testbed":
        cluster.wait_for_rgd("silent")
        silence_kro(cluster, SILENT_SECONDS)
    cluster.wait_for_rgd("starved")
    kill_kro(cluster)
    cluster.release_kros_lease()
    cluster.wait_for_rgd("changed")
    for setting in ("KROBENCH_PLANTED=1", "KROBENCH_PLANTED-"):
        cluster.run(*KRO, "set", "env", "deployment/kro", setting)
        cluster.wait_for_kro()
    cluster.wait("planted", "Finished")


@pytest.fixture
def two_replicas(cluster: Cluster) -> Iterator[None]:
    scale(cluster, 2)
    yield
    scale(cluster, 1)


@pytest.mark.untimed
@pytest.mark.usefixtures("two_replicas")
def test_the_replica_that_leads_is_measured_and_its_loss_is_named(cluster: Cluster) -> None:
    cluster.apply(benchmark("led", scenario("a", instances=20)))
    cluster.wait_for_children()
    first = cluster.kro_leader()
    cluster.run(*KRO, "delete", "pod", first, "--wait=false")
    cluster.wait("led", "Finished")
    record = cluster.run_record("led")
    assert record["environment"]["kro"]["pod"] == first
    assert record["environment"]["kro"]["replicas"] == 2
    [test] = record["tests"]
    assert {"KroRestarted", "KroLeaderChanged"} <= reasons(test)
    assert test["iterations"][0]["counts"]["ready"] == 20
    [change] = test["iterations"][0]["kroRestarts"]
    assert (change["previousPod"], change["pod"]) == (first, cluster.kro_leader())
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


def test_a_wall_clock_that_leaps_is_named_where_it_did(cluster: Cluster) -> None:
    if not can_be_planted(cluster):
        pytest.skip("this API server has no MutatingAdmissionPolicy to plant another clock by")
    with leaping_clock(cluster, "leaping") as leap:
        cluster.apply(benchmark("leaping", scenario("a"), defaults={"iterations": 2}))
        cluster.wait_for_rgd("a")
        leap()
        cluster.wait("leaping", "Finished")
    [test] = cluster.run_record("leaping")["tests"]
    during, after = (causes_of(iteration) for iteration in test["iterations"])
    assert during["ClockJumped"]["jumpSeconds"] == pytest.approx(30, abs=0.1)
    assert "ClockJumped" not in after, "it goes evenly again"
    assert cluster.status("leaping")["verdict"] == "Invalid"
    # Latencies are by another clock.
    assert all(i["latency"]["instanceReady"]["maxSeconds"] < 25 for i in test["iterations"])


@pytest.mark.untimed
def test_an_api_server_that_is_started_anew_is_named(cluster: Cluster) -> None:
    if provider() != "testbed":
        pytest.skip("only the embedded test bed's API server can be started anew")
    cluster.apply(benchmark("renewed", scenario("a", instances=25, concurrency=25)))
    cluster.wait_for_children()
    restart_api_server(cluster)
    wait_until(lambda: has_results(cluster, "renewed"), "results are stored")
    restart_api_server(cluster)  # while it deletes what it made, and stores what follows
    cluster.wait("renewed", "Finished")
    [iteration] = cluster.run_record("renewed")["tests"][0]["iterations"]
    assert "APIServerRestarted" in {each["code"] for each in iteration["validity"]["causes"]}
    assert iteration["counts"]["ready"] == 25, "nothing is lost for want of a watch"
    status = cluster.status("renewed")
    assert (status["phase"], status["verdict"]) == ("Completed", "Invalid")


def has_results(cluster: Cluster, name: str) -> bool:
    return bool(cluster.run_record(name)["tests"][0]["iterations"])


def scale(cluster: Cluster, replicas: int) -> None:
    cluster.run(*KRO, "scale", "deployment/kro", f"--replicas={replicas}")
    cluster.wait_for_kro()


def reasons(test: Manifest) -> set[str]:
    return {cause["reason"] for cause in test["validity"]["causes"]}


def causes_of(iteration: Manifest) -> dict[str, Manifest]:
    return {cause["reason"]: cause for cause in iteration["validity"]["causes"]}
