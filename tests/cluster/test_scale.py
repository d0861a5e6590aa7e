"""How far a real kro goes, found while the operator is killed."""

import json
import time
from typing import Any

from cluster.kubectl import Cluster, Manifest

NAME = "far"
SLO = "latency.instanceReady.max < 2.0"


def scale_test(**spec: Any) -> Manifest:
    # kro has some 5 to 10 instances ready in a second: the limit is somewhere in between.
    burst = {"arrival": "burst", "burst": {"size": 1, "interval": "1s"}, "maxSendLag": "500ms"}
    quick = {
        "axis": "instances",
        "steps": {"values": [4, 60]},
        "search": {"resolution": "60%"},
        "slo": [SLO],
        "workload": {"scenario": "single"},
        "load": burst,
        "repeats": 1,
        "timeout": "90s",
        "budget": {"duration": "4m"},
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


def test_a_limit_is_found_though_the_operator_is_killed(cluster: Cluster) -> None:
    cluster.apply(scale_test())
    deadline = time.monotonic() + 90
    while not status(cluster).get("steps"):
        assert time.monotonic() < deadline, "no step was done"
        time.sleep(0.5)
    operator = ("--namespace=krobench-system", "--selector=app.kubernetes.io/component=operator")
    before = cluster.names("pods", *operator)
    cluster.run("delete", "pods", *operator, "--grace-period=0", "--force")
    cluster.run("wait", "kroscaletest", NAME, "--for=condition=Finished", "--timeout=240s")
    assert not set(before) & set(cluster.names("pods", *operator))

    found = status(cluster)
    assert (found["phase"], found["verdict"]) == ("Completed", "Passed"), found["message"]
    assert found["orphans"] == 0
    limit = found["limit"]
    assert limit["state"] == "Found"
    assert 4 <= limit["low"] <= limit["size"] <= limit["high"] <= 60
    verdicts = {step["size"]: step["verdict"] for step in found["steps"]}
    assert verdicts[4] == "Met"
    assert verdicts[60] == "Breached"
    assert len(verdicts) > 2, "the way between was not searched"
    assert found["step"] == f"{len(verdicts)}/{len(verdicts)}"

    results = cluster.get("configmap", f"{NAME}-results")
    [owner] = results["metadata"]["ownerReferences"]
    assert owner["kind"] == "KroScaleTest"
    record = json.loads(results["data"]["run.json"])
    assert record["scale"]["stopped"] is None
    met = {step["size"]: [t["met"] for t in step["trials"]] for step in record["scale"]["steps"]}
    assert met[4] == [True]
    assert met[60] == [False]
    assert record["tests"][0]["name"] == "instances-4"
    assert record["tests"][0]["iterations"][0]["warmup"] is True
    jobs = cluster.names(
        "jobs", "--namespace=krobench-system", f"--selector=bench.kro.run/run={record['id']}"
    )
    assert len(jobs) == 1, "the operator that came back started no other load"
    # The search is monotonic: what is larger took longer.
    longest = [
        (step["size"], step["trials"][-1]["values"]["latency.instanceReady.max"])
        for step in record["scale"]["steps"]
    ]
    assert [size for size, _ in sorted(longest)] == [
        size for size, _ in sorted(longest, key=lambda pair: pair[1])
    ]
