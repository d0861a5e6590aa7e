"""The main job, on a real cluster."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from cluster.conftest import provider
from cluster.kubectl import (
    KROBENCH,
    Cluster,
    Manifest,
    benchmark,
    condition,
    own_rgd,
    scenario,
    wait_until,
)

from krobench.figures.catalogue import KRO_REQUESTS, KROBENCH_REQUESTS
from krobench.record.run import RunRecord
from krobench.record.store import read_objects, read_series


def test_a_suite_of_two_tests_gives_real_numbers(cluster: Cluster) -> None:
    threshold = "latency.instanceReady.p50 < 60.0 && errors.total == 0"
    status = cluster.finish(
        benchmark(
            "happy",
            scenario("narrow", "single", 10, thresholds=[threshold]),
            scenario("broad", "wide", 10, iterations=1, warmup=0),
            defaults={"iterations": 2, "warmup": 1},
        )
    )
    assert (status["phase"], status["verdict"]) == ("Completed", "Passed")
    assert (status["progress"], status["testsSucceeded"]) == ("4/4", "2/2")
    assert condition(status, "Complete")["status"] == "True"
    assert condition(status, "Failed")["status"] == "False"
    check_numbers(status)
    check_record(cluster)
    check_what_users_see(cluster)


def check_numbers(status: Manifest) -> None:
    narrow, broad = status["tests"]
    assert [test["instances"] for test in (narrow, broad)] == [20, 10]
    for test in (narrow, broad):
        assert 0 < test["instanceReadyP50Seconds"] < 60
        assert test["kroCpuSeconds"] > 0
        assert test["kroMemoryMaxBytes"] > 10_000_000
        assert "instanceReadyP99Seconds" not in test, "so few observations have no p99"
    # kro reads and applies each child in each reconcile: 20 children cost several times one.
    assert broad["kroApiRequests"] > 3 * narrow["kroApiRequests"]
    assert broad["instanceReadyP50Seconds"] > narrow["instanceReadyP50Seconds"]
    assert status["headline"]["p99"] == "not available"
    assert status["headline"]["instancesReady"] == 30


def check_record(cluster: Cluster) -> None:
    config_map = cluster.get("configmap", "happy-results")
    [owner] = config_map["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("KroBenchmark", "happy")
    run = RunRecord.model_validate_json(config_map["data"]["run.json"])
    assert run.environment.kubernetes is not None
    assert run.environment.kro is not None
    assert run.environment.kro.limits["cpu"] == "1"
    warmups = [[iteration.warmup for iteration in test.iterations] for test in run.tests]
    assert warmups == [[True, False, False], [False]]
    for test in run.tests:
        for iteration in test.iterations:
            assert iteration.counts.ready == 10
            assert iteration.figures[KRO_REQUESTS]
            assert iteration.figures[KROBENCH_REQUESTS]
            assert iteration.teardown is not None
            assert iteration.teardown.done
    objects = read_objects([config_map])
    created = [line for line in objects if line.operation == "create-instance"]
    assert len(created) == 40
    for line in created:
        assert line.acknowledged_seconds is not None
        assert line.active_seconds is not None
        assert line.ready_seconds is not None
        assert line.sent_seconds <= line.acknowledged_seconds
        assert line.sent_seconds < line.active_seconds <= line.ready_seconds
    sources = {sample.source for sample in read_series([config_map])}
    assert sources >= {"kro", "apiserver", "kubelet"}


def check_what_users_see(cluster: Cluster) -> None:
    events = cluster.events("happy")
    assert {"Started", "TestSucceeded", "Completed"} <= events.keys()
    table = cluster.run("get", "kb", "happy").stdout
    assert table.splitlines()[0].split() == [
        "NAME", "PHASE", "PROGRESS", "TESTS", "P99", "VERDICT", "AGE",
    ]  # fmt: skip
    assert "happy" in cluster.run("get", "kro").stdout, "category kro"
    report = cluster.krobench("report", "happy")
    assert report.returncode == 0, report.stderr
    assert all(word in report.stdout for word in ("default/happy", "Passed", "narrow", "broad"))


@pytest.mark.untimed
def test_what_fails_ends_its_test_and_not_the_suite(cluster: Cluster) -> None:
    rejected = own_rgd("rejected", "Rejected", {"value": "${schema.spec.noSuchField}"})
    stuck = own_rgd("stuck", "Stuck", {"value": "x"}, readyWhen=['${config.data.value == "y"}'])
    status = cluster.finish(
        benchmark("failing", rejected, stuck | {"timeout": "10s"}, scenario("fine"))
    )
    by_name = {test["name"]: test for test in status["tests"]}
    assert by_name["rejected"]["phase"] == "Failed"
    assert by_name["rejected"]["message"].startswith("RGDRejected: ")
    assert "noSuchField" in by_name["rejected"]["message"], "kro's own message"
    assert by_name["stuck"]["phase"] == "Failed"
    assert by_name["stuck"]["message"].startswith("Timeout: ")
    assert by_name["fine"]["phase"] == "Succeeded"
    assert (status["phase"], status["verdict"]) == ("Failed", "Failed")
    assert condition(status, "Stalled")["reason"] == "RGDRejected"
    assert {"TestFailed", "TestSucceeded", "RGDRejected"} <= cluster.events("failing").keys()
    [iteration] = cluster.run_record("failing")["tests"][1]["iterations"]
    assert (iteration["counts"]["requested"], iteration["counts"]["ready"]) == (2, 0)
    assert iteration["latency"]["instanceReady"]["censored"] == 2
    assert iteration["latency"]["instanceReady"]["p50Seconds"] is None


@pytest.mark.untimed
def test_runs_wait_for_each_other_though_the_operator_is_killed(cluster: Cluster) -> None:
    names = ["first", "second"]
    too_strict = ["latency.instanceReady.max < 0.001"]
    cluster.apply(
        *(benchmark(name, scenario("a", instances=10, thresholds=too_strict)) for name in names)
    )
    cluster.wait_for("second", ".status.phase", "Queued")
    assert "default/first" in cluster.status("second")["message"]
    cluster.wait_for("first", ".status.phase", "Running")
    before = cluster.status("first")["jobRef"]
    cluster.kill_operator()
    for name in names:
        cluster.wait(name, "Finished")
    first, second = (cluster.status(name) for name in names)
    for status in (first, second):
        assert (status["phase"], status["verdict"]) == ("Completed", "Failed")
        assert condition(status, "Complete")["reason"] == "ThresholdsNotMet"
        assert "latency.instanceReady.max" in status["message"]
    assert second["startTime"] >= first["completionTime"]
    assert "Queued" in cluster.events("second")
    assert first["jobRef"] == before
    uid = cluster.get("krobenchmark", "first")["metadata"]["uid"]
    run = f"--selector=bench.kro.run/run={uid}"
    assert len(cluster.names("--namespace=krobench-system", "jobs", run)) == 1


@pytest.mark.untimed
def test_deleting_a_benchmark_in_mid_run_leaves_nothing(cluster: Cluster) -> None:
    cluster.apply(benchmark("deleted", scenario("a", "wide", 60), own_namespace=True))
    cluster.wait_for_children()
    cluster.run("delete", "krobenchmark", "deleted", "--timeout=600s")
    assert cluster.leftovers() == []
    # The pod that cleaned up ends a moment after the resource is gone.
    load = ("pods", "--selector=app.kubernetes.io/name=krobench-load")
    running = (*KROBENCH, *load, "--field-selector=status.phase=Running")
    wait_until(lambda: cluster.names(*running) == [], "no load runs")
    assert "deleted-results" not in cluster.names("configmaps")


@pytest.mark.untimed
def test_a_load_job_that_is_killed_is_cleaned_up_after(cluster: Cluster) -> None:
    cluster.apply(benchmark("killed", scenario("a", "wide", 60), own_namespace=True))
    cluster.wait_for_children()
    cluster.run(
        "--namespace=krobench-system",
        "delete", "pod", "--selector=bench.kro.run/component=load", "--grace-period=0", "--force",
    )  # fmt: skip
    cluster.wait("killed", "Finished")
    status = cluster.status("killed")
    assert (status["phase"], status["verdict"]) == ("Failed", "Error")
    assert "Running: " not in cluster.krobench("report", "killed").stdout
    assert cluster.leftovers() == []
    assert json.dumps(cluster.run_record("killed")["tests"][0]["startTime"]) != "null"


@pytest.mark.untimed
def test_an_api_server_that_stops_answering_costs_no_result(cluster: Cluster) -> None:
    if provider() != "testbed":
        pytest.skip("only the embedded test bed's API server can be stopped")
    pid_file = Path(cluster.kubeconfig).parent / "pids" / "kube-apiserver.json"
    pid = json.loads(pid_file.read_text())["pid"]
    cluster.apply(benchmark("paused", scenario("a", "single", 25)))
    cluster.wait_for_children()
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(12)
    finally:
        os.kill(pid, signal.SIGCONT)
    cluster.wait("paused", "Finished")
    status = cluster.status("paused")
    assert status["phase"] == "Completed"
    assert status["tests"][0]["instances"] == 25
