"""How far a real kro goes, found while the operator is killed."""

import json
from pathlib import Path
from typing import Any

import pytest
from cluster.disturbances import kill_load
from cluster.kubectl import WAIT_SECONDS, Cluster, Manifest, wait_until
from cluster.repetition import twice_at_most

from krobench.analysis.profiling.breakdown import cpu_breakdown
from krobench.record.run import RunRecord
from krobench.record.store import read_objects

NAME = "far"
SLO_SECONDS = 1.5
SLO = f"latency.instanceReady.max < {SLO_SECONDS}"
MEMORY = "kro.memory.residentBytes.max"
FEWEST, MOST = 3, 80
HELD_SECONDS = 120


def scale_test(**spec: Any) -> Manifest:
    # kro has some 10 to 20 instances ready in a second: the limit is somewhere in between.
    burst = {"arrival": "burst", "burst": {"size": 1, "interval": "1s"}, "maxSendLag": "5s"}
    quick = {
        "axis": "instances",
        "sizes": {"values": [FEWEST, MOST], "soak": "1s"},
        "search": {"resolution": "60%"},
        "slo": [SLO, f"{MEMORY} < 900000000.0"],
        "workload": {"scenario": "single"},
        "load": burst,
        "iterations": 1,
        "timeout": "5m",
        "collect": {"profiles": ["cpu", "heap"]},
        "budget": {"duration": "15m"},
    }
    return {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroScaleTest",
        "metadata": {"name": NAME, "namespace": "default"},
        "spec": quick | spec,
    }


def status(cluster: Cluster) -> Manifest:
    found: Manifest = cluster.get("kroscaletest", NAME).get("status", {})
    return found


@twice_at_most
def test_a_limit_is_found_though_the_operator_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    cluster.apply(scale_test())
    wait_until(lambda: bool(status(cluster).get("sizes")), "a step is done")
    operator = ("--namespace=krobench-system", "--selector=app.kubernetes.io/component=operator")
    before = cluster.names("pods", *operator)
    cluster.run("delete", "pods", *operator, "--grace-period=0", "--force")
    finished = "--for=condition=Finished"
    cluster.run("wait", "kroscaletest", NAME, finished, f"--timeout={WAIT_SECONDS}s")
    assert not set(before) & set(cluster.names("pods", *operator))

    found = status(cluster)
    assert (found["phase"], found["verdict"]) == ("Completed", "Passed"), found["message"]
    assert found["orphans"] == 0
    limit = found["limit"]
    assert limit["state"] == "Found"
    assert FEWEST <= limit["low"] <= limit["size"] <= limit["high"] <= MOST
    verdicts = {step["size"]: step["verdict"] for step in found["sizes"]}
    assert verdicts[FEWEST] == "Met"
    assert verdicts[MOST] == "Breached"
    assert len(verdicts) > 2, "the way between was not searched"
    assert found["size"] == f"{len(verdicts)}/{len(verdicts)}"

    results = cluster.get("configmap", f"{NAME}-results")
    [owner] = results["metadata"]["ownerReferences"]
    assert owner["kind"] == "KroScaleTest"
    record = json.loads(results["data"]["run.json"])
    assert record["scale"]["stopped"] is None
    met = {
        step["size"]: [t["met"] for t in step["iterations"]] for step in record["scale"]["sizes"]
    }
    assert met[FEWEST] == [True]
    assert met[MOST] == [False]
    assert record["tests"][0]["name"] == f"instances-{FEWEST}"
    assert record["tests"][0]["iterations"][0]["warmup"] is True
    jobs = cluster.names(
        "jobs", "--namespace=krobench-system", f"--selector=bench.kro.run/run={record['id']}"
    )
    assert len(jobs) == 1, "the operator that came back started no other load"
    trials = [trial for step in record["scale"]["sizes"] for trial in step["iterations"]]
    assert all(1e7 < trial["values"][MEMORY] < 9e8 for trial in trials)
    longest = {
        step["size"]: step["iterations"][-1]["values"]["latency.instanceReady.max"]
        for step in record["scale"]["sizes"]
    }
    assert longest[FEWEST] < SLO_SECONDS <= longest[MOST]
    check_profile(cluster, RunRecord.model_validate(record), tmp_path / "cpu.pb.gz")


def check_profile(cluster: Cluster, run: RunRecord, target: Path) -> None:
    """kro was profiled at the smallest size that it did not bear, and that decided nothing."""
    assert run.scale is not None
    assert run.scale.limit is not None
    [test] = [test for test in run.tests if test.profile is not None]
    assert test.name == f"instances-{run.scale.limit.first_breach:.12g}"
    assert [done.profiled for done in test.iterations] == [False, True]
    assert test.profile is not None
    assert test.profile.unavailable == {}
    assert test.profile.allocated is not None
    assert test.profile.allocated.total > 1_000_000
    done = cluster.krobench("profile", f"kroscaletest/{NAME}", "-o", str(target))
    assert done.returncode == 0, done.stderr
    assert cpu_breakdown(target.read_bytes()) == test.profile.cpu
    report = cluster.krobench("report", f"kroscaletest/{NAME}")
    assert report.returncode == 0, report.stderr


@pytest.mark.untimed
def test_a_size_is_built_upon_a_smaller_one_that_stays(cluster: Cluster) -> None:
    cluster.apply(
        scale_test(
            sizes={"values": [4, 13], "cumulative": True},
            slo=["errors.total < 1"],
            workload={"scenario": "single", "instances": 2, "rgds": 2},
            load={"arrival": "closed"},
            collect={},
            warmup=0,
        )
    )
    finished = "--for=condition=Finished"
    cluster.run("wait", "kroscaletest", NAME, finished, f"--timeout={WAIT_SECONDS}s")
    found = status(cluster)
    assert (found["phase"], found["verdict"]) == ("Completed", "Passed"), found["message"]
    assert found["limit"]["state"] == "NotReached"
    assert found["orphans"] == 0
    record = json.loads(cluster.get("configmap", f"{NAME}-results")["data"]["run.json"])
    trials = [step["iterations"] for step in record["scale"]["sizes"]]
    assert [[trial.get("upon") for trial in each] for each in trials] == [[None], [4]]
    iterations = [test["iterations"][0] for test in record["tests"]]
    assert [done["counts"]["ready"] for done in iterations] == [4, 9]
    assert iterations[0]["latency"]["rgdReady"]["n"] == 2
    again = iterations[1]["latency"].get("rgdReady")
    assert again is None, "the RGDs of the first size are used again"
    assert all(done["figures"][MEMORY] > 1e7 for done in iterations)
    assert NAME in cluster.krobench("report", f"KroScaleTest/{NAME}").stdout


@twice_at_most
def test_a_size_is_held_until_kro_is_steady(cluster: Cluster) -> None:
    # The more often kro is sampled, the sooner its garbage is collected.
    cluster.apply(
        scale_test(
            sizes={"values": [5], "soak": f"{HELD_SECONDS}s", "soakUntil": "Steady"},
            collect={"interval": "200ms"},
            warmup=0,
        )
    )
    finished = "--for=condition=Finished"
    cluster.run("wait", "kroscaletest", NAME, finished, f"--timeout={WAIT_SECONDS}s")
    found = status(cluster)
    assert (found["phase"], found["verdict"]) == ("Completed", "Passed"), found["message"]
    assert found["warnings"] == []
    record = json.loads(cluster.get("configmap", f"{NAME}-results")["data"]["run.json"])
    [done] = record["tests"][0]["iterations"]
    assert done["soak"]["steady"] is True
    # It is judged over samples of 20 s.
    assert 19 < done["soak"]["seconds"] < HELD_SECONDS


def test_a_load_that_dies_leaves_what_it_has_published(cluster: Cluster) -> None:
    steps = {"values": [FEWEST, MOST]}
    cluster.apply(scale_test(sizes=steps, warmup=0, collect={}))
    cluster.wait_for_rgd(f"instances-{MOST}")
    kill_load(cluster)
    finished = "--for=condition=Finished"
    cluster.run("wait", "kroscaletest", NAME, finished, f"--timeout={WAIT_SECONDS}s")
    found = status(cluster)
    assert (found["phase"], found["verdict"]) == ("Failed", "Error")
    assert [step["verdict"] for step in found["sizes"]] == ["Met", "Failed"]
    report = cluster.krobench("report", NAME).stdout
    assert all(word in report for word in (f"default/{NAME}", "Error"))
    assert cluster.leftovers() == []
    results = cluster.get("configmap", f"{NAME}-results")
    record = json.loads(results["data"]["run.json"])
    [trial] = record["scale"]["sizes"][0]["iterations"]
    assert 0 < trial["values"]["latency.instanceReady.max"] < SLO_SECONDS
    created = [line for line in read_objects([results]) if line.operation == "create-instance"]
    assert len([line for line in created if line.ready_seconds is not None]) == FEWEST
