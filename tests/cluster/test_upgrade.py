"""An upgrade of the chart and a rollback while a run is going on."""

import json

import pytest
from cluster.kubectl import ROOT, Cluster, benchmark, scenario, wait_until
from cluster.test_installation import helm

pytestmark = pytest.mark.untimed

ITERATIONS = 4
CHART = str(ROOT / "helm" / "krobench")
CRD = ("crd", "krobenchmarks.bench.kro.run")


def test_a_run_goes_on_while_krobench_is_upgraded_and_rolled_back(cluster: Cluster) -> None:
    """The upgrade also adds a field to a CRD of which there are objects."""
    crd = cluster.get(*CRD)
    remove_suspend(cluster)
    cluster.apply(benchmark("upgraded", scenario("a"), defaults={"iterations": ITERATIONS}))
    cluster.wait_for("upgraded", ".status.phase", "Running")
    jobs = load_jobs(cluster)
    change = ("--reset-then-reuse-values", "--set=podAnnotations.upgraded=yes")
    replace_operator(cluster, "upgrade", "krobench", CHART, *change)
    replace_operator(cluster, "rollback", "krobench")
    assert cluster.get(*CRD)["spec"] == crd["spec"]
    cluster.wait("upgraded", "Finished")
    status = cluster.status("upgraded")
    assert (status["phase"], status["progress"]) == ("Completed", f"{ITERATIONS}/{ITERATIONS}")
    assert load_jobs(cluster) == jobs


def replace_operator(cluster: Cluster, *command: str) -> None:
    """Have helm replace the operator, and wait until the new one acts."""
    before = acting_operator(cluster)
    done = helm(cluster, *command, "--wait", "--timeout=120s")
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: acting_operator(cluster) not in ("", before), "another operator acts")
    assert cluster.status("upgraded")["phase"] == "Running", "the run was too short"


def acting_operator(cluster: Cluster) -> str:
    """Return who holds the operators' Lease; empty if nobody does."""
    path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/krobench-operator"
    return str(cluster.read(path).get("spec", {}).get("holderIdentity") or "")


def load_jobs(cluster: Cluster) -> list[str]:
    """Return the UIDs of all load Jobs and cleanup Jobs of the run."""
    uid = cluster.get("krobenchmark", "upgraded")["metadata"]["uid"]
    jobs = cluster.get("jobs", "--all-namespaces", f"--selector=bench.kro.run/run={uid}")
    return [job["metadata"]["uid"] for job in jobs["items"]]


def remove_suspend(cluster: Cluster) -> None:
    """Give the cluster a CRD as it was before a field was added."""
    field = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/suspend"
    patch = json.dumps([{"op": "remove", "path": field}])
    cluster.run("patch", *CRD, "--type=json", f"--patch={patch}")
