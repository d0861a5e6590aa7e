"""An upgrade of the chart and a rollback while a run is going on."""

import copy
import json

import pytest
import yaml
from cluster.kubectl import ROOT, Cluster, Manifest, benchmark, scenario, wait_until
from cluster.test_installation import helm

pytestmark = pytest.mark.untimed

ITERATIONS = 5
CHART = str(ROOT / "helm" / "krobench")
CRD = ("crd", "krobenchmarks.bench.kro.run")
SCALE_CRD = ("crd", "kroscaletests.bench.kro.run")
OPERATOR = ("--namespace=krobench-system", "deployment/krobench")
OLD_SCALE_TEST: Manifest = {
    "apiVersion": "bench.kro.run/v1alpha1",
    "kind": "KroScaleTest",
    "metadata": {"name": "stored-before"},
    "spec": {
        "axis": "instances",
        "steps": {"values": [1, 2], "hold": "1s"},
        "slo": ["latency.instanceReady.max < 5.0"],
        "workload": {"scenario": "single"},
    },
}


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


def test_a_run_that_an_older_crd_admitted_ends_with_the_names_of_the_field(
    cluster: Cluster,
) -> None:
    crd = cluster.get(*SCALE_CRD)
    # Not the pod of `helm test`, which stays.
    selector = "--selector=app.kubernetes.io/name=krobench,app.kubernetes.io/component!=test"
    try:
        cluster.run("scale", *OPERATOR, "--replicas=0")
        cluster.run("wait", "pod", OPERATOR[0], "--for=delete", selector)
        allow_old_names(cluster, crd)
        cluster.apply(OLD_SCALE_TEST)
        restore = [{"op": "replace", "path": "/spec/versions", "value": crd["spec"]["versions"]}]
        cluster.run("patch", *SCALE_CRD, "--type=json", f"--patch={json.dumps(restore)}")
        wait_until(
            lambda: "steps was renamed" in cluster.refusal(with_name(OLD_SCALE_TEST, "fresh")),
            "the CRD refuses old names again",
        )
    finally:
        cluster.run("scale", *OPERATOR, "--replicas=1")
    try:
        ended = "--for=jsonpath={.status.phase}=Failed"
        cluster.run("wait", "kroscaletest", "stored-before", ended, "--timeout=60s")
        status = cluster.get("kroscaletest", "stored-before")["status"]
    finally:
        cluster.run("delete", "kroscaletest", "stored-before")
    [failed] = [each for each in status["conditions"] if each["type"] == "Failed"]
    assert (failed["status"], failed["reason"]) == ("True", "InvalidSpec")
    assert "spec.steps" in failed["message"]
    assert "sizes" in failed["message"]


def allow_old_names(cluster: Cluster, crd: Manifest) -> None:
    """Take the rules that refuse old names out of a CRD."""
    versions = copy.deepcopy(crd["spec"]["versions"])
    spec = versions[0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    rules = spec["x-kubernetes-validations"]
    spec["x-kubernetes-validations"] = [each for each in rules if "renamed" not in each["message"]]
    patch = json.dumps([{"op": "replace", "path": "/spec/versions", "value": versions}])
    cluster.run("patch", *SCALE_CRD, "--type=json", f"--patch={patch}")

    def takes_it() -> bool:
        tried = yaml.safe_dump(OLD_SCALE_TEST)
        command = ("create", "--dry-run=server", "--filename=-")
        return cluster.run(*command, stdin=tried, check=False).returncode == 0

    wait_until(takes_it, "the CRD takes old names")


def with_name(manifest: Manifest, name: str) -> Manifest:
    return {**manifest, "metadata": {"name": name}}


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
