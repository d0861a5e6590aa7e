"""Runs compared with others, on a real cluster: by hand, and when a run ends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from cluster.kubectl import Cluster, Manifest, benchmark, scenario
from cluster.repetition import twice_at_most

BASELINE = {"configMapRef": {"name": "compare-base"}}
OPTIONS = ("--namespace=default",)
EARLIER_RUNS = 4
VERDICTS = ("Better", "Worse", "Mixed", "Same", "Inconclusive")


def made(name: str, instances: int = 5, **spec: Any) -> Manifest:
    return benchmark(name, scenario("single", instances=instances), **spec)


def test_runs_are_compared_with_a_baseline(cluster: Cluster, tmp_path: Path) -> None:
    kept = {"retention": {"runs": 1}}
    cluster.apply(made("compare-one", results=kept), made("compare-two"))
    for name in ("compare-one", "compare-two"):
        cluster.wait(name, "Finished")
    try:
        by_hand(cluster, tmp_path)
        when_a_run_ends(cluster)
        another_workload(cluster)
        beyond_the_resource(cluster)
    finally:
        cluster.run("delete", "configmap", "compare-base", "--ignore-not-found")
        cluster.run("delete", "configmap", "--selector=bench.kro.run/component=history")


def by_hand(cluster: Cluster, tmp_path: Path) -> None:
    done = cluster.krobench("compare", "compare-one", "default/compare-two", *OPTIONS)
    assert done.returncode in (0, 1), done.stderr
    assert "instance ready p50" in done.stdout
    as_json = cluster.krobench("compare", "compare-one", "compare-two", "--output=json")
    [comparison] = json.loads(as_json.stdout)
    assert comparison["replicates"] == "Iterations", "each side is a single run"
    notes = {each["note"]["code"] for each in comparison["metrics"] if each.get("note")}
    assert "OnlyIterations" in notes
    exported = cluster.krobench(
        "baseline", "export", "compare-one,compare-two", "--config-map=compare-base", *OPTIONS
    )
    assert exported.returncode == 0, exported.stderr
    cluster.apply(yaml.safe_load(exported.stdout))
    file = tmp_path / "base.json"
    assert cluster.krobench("baseline", "export", "compare-one", f"--output={file}").returncode == 0
    again = cluster.krobench("compare", "configmap:compare-base", str(file), "--output=json")
    [comparison] = json.loads(again.stdout)
    assert comparison["refused"] is None
    assert [run.split()[0] for run in comparison["oldRuns"]] == ["default/compare-two"]
    [omission] = comparison["leftOut"]
    assert omission["code"] == "OnBothSides"
    assert omission["run"].startswith("default/compare-one")


def when_a_run_ends(cluster: Cluster) -> None:
    status = cluster.finish(made("compare-three", baseline=BASELINE))
    assert status["verdict"] == "Passed"
    assert status["comparison"]["verdict"] in VERDICTS
    assert "compare-base" in status["comparison"]["message"]
    comparison = cluster.run_record("compare-three")["comparison"]
    assert comparison["differences"] == []
    assert len(comparison["oldRuns"]) == 2
    by_name = {metric["metric"]: metric for metric in comparison["metrics"]}
    latency = by_name["latency.instanceReady.p50"]
    assert (latency["oldReplicates"], latency["newReplicates"]) == (2, 1)
    assert latency["ratio"] > 0
    assert latency["ratioLow"] is None, "two runs and one are too few for an interval"
    assert by_name["perInstance.kro.requests.total"]["ratio"] > 0.5
    assert "Compared" in cluster.events("compare-three")
    assert "compare-base" in cluster.krobench("report", "compare-three").stdout
    wide = cluster.run("get", "kb", "compare-three", "-o=wide").stdout
    assert wide.splitlines()[0].split()[-1] == "COMPARED"


def another_workload(cluster: Cluster) -> None:
    status = cluster.finish(made("compare-other", instances=6, baseline=BASELINE))
    assert status["verdict"] == "Passed"
    assert status["comparison"]["verdict"] == "NotCompared"
    assert "NotCompared" in cluster.events("compare-other")
    record = cluster.run_record("compare-other")
    assert record["tests"][0]["summary"] is not None
    [difference] = record["comparison"]["differences"]
    assert (difference["kind"], difference["subject"]) == ("Workload", "Setting")
    assert difference["name"] == "workload.instances"
    assert (difference["old"], difference["new"]) == (["5"], ["6"])
    done = cluster.krobench("compare", "compare-one", "compare-other", "--output=json")
    assert done.returncode == 3
    [comparison] = json.loads(done.stdout)
    assert comparison["refused"]["code"] == "RunsDiffer"
    assert comparison["refused"]["kinds"] == ["Workload"]


def beyond_the_resource(cluster: Cluster) -> None:
    cluster.run("delete", "krobenchmark", "compare-one")
    done = cluster.krobench("compare", "history:compare-one", "compare-two", "--output=json")
    assert done.returncode in (0, 1), done.stderr
    [comparison] = json.loads(done.stdout)
    assert comparison["refused"] is None
    assert comparison["oldRuns"][0].startswith("default/compare-one")


@twice_at_most
def test_a_run_of_a_kro_that_became_slower_is_worse_and_fails(cluster: Cluster) -> None:
    metric = {"primary": ["latency.instanceReady.p50"], "allowDifferent": ["KroResources"]}
    kept = {"retention": {"runs": EARLIER_RUNS}}
    run = benchmark(
        "slower", scenario("wide", "wide"), results=kept, baseline={"previousRuns": 4} | metric
    )
    try:
        for number in range(EARLIER_RUNS):
            status = cluster.finish(run)
            assert status["verdict"] == "Passed", status
            expected = "NotCompared" if number == 0 else "Inconclusive"
            assert status["comparison"]["verdict"] == expected, status["comparison"]
            cluster.run("delete", "krobenchmark", "slower")
        exported = cluster.krobench(
            "baseline", "export", "history:slower", "--config-map=compare-slower", *OPTIONS
        )
        cluster.apply(yaml.safe_load(exported.stdout))
        pinned = {"configMapRef": {"name": "compare-slower"}, "failWhenWorse": True}
        run["spec"]["baseline"] = pinned | metric
        with kro_throttled(cluster):
            status = cluster.finish(run)
        assert status["comparison"]["verdict"] == "Worse", status["comparison"]
        assert status["verdict"] == "Failed"
        metrics = cluster.run_record("slower")["comparison"]["metrics"]
        [latency] = [metric for metric in metrics if metric["primary"]]
        assert latency["verdict"] == "Worse"
        assert latency["ratioLow"] > 1
    finally:
        cluster.run("delete", "configmap", "compare-slower", "--ignore-not-found")
        cluster.run("delete", "configmap", "--selector=bench.kro.run/component=history")


@contextmanager
def kro_throttled(cluster: Cluster) -> Iterator[None]:
    """Have kro run with a tenth of a core, and afterwards as it was."""
    before = cluster.kro_resources()
    cluster.give_kro({"limits": before["limits"] | {"cpu": "100m"}, "requests": {"cpu": "100m"}})
    try:
        yield
    finally:
        cluster.give_kro(before)
