"""What is wrong is refused at once or ends in words; it never hangs and leaves nothing."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cluster.kubectl import KRO, Cluster, Manifest, benchmark, condition, own_rgd, scenario

pytestmark = pytest.mark.untimed


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (benchmark("bad", scenario("a", "no-such")), ["tests[0].workload.scenario", "web-app"]),
        (benchmark("bad", scenario("a", instances=0)), ["workload.instances", "greater than"]),
        (benchmark("bad"), ["spec.tests"]),
        (benchmark("bad", scenario("a"), scenario("a")), ["spec.tests[1]", "Duplicate"]),
        (benchmark("bad", scenario("a", timeout="0s")), ["between 1s and 24h"]),
        (benchmark("bad", scenario("a"), cleanup="Sometimes"), ["spec.cleanup"]),
        (benchmark("x" * 53, scenario("a")), ["metadata.name"]),
        (benchmark("bad", {"name": "a", "workload": {"instances": 1}}), ["exactly one of"]),
        (
            benchmark(
                "bad",
                {"name": "a", "workload": {"cel": {}}},
                variants=[{"name": "plain"}, {"name": "other"}],
            ),
            ["add a test without workload.cel"],
        ),
    ],
)
def test_kubectl_apply_refuses_it_and_names_the_field(
    cluster: Cluster, manifest: Manifest, words: list[str]
) -> None:
    refusal = cluster.refusal(manifest)
    for word in words:
        assert word in refusal


def fails_with(cluster: Cluster, manifest: Manifest, reason: str, *words: str) -> None:
    status = cluster.finish(manifest)
    name = manifest["metadata"]["name"]
    assert status["phase"] == "Failed"
    assert condition(status, "Failed")["status"] == "True"
    assert condition(status, "Failed")["reason"] == reason
    for word in words:
        assert word in status["message"]
    assert reason in cluster.events(name)


def test_a_threshold_that_names_no_metric(cluster: Cluster) -> None:
    manifest = benchmark("unknown-metric", scenario("a", thresholds=["latency.p99 < 1.0"]))
    fails_with(cluster, manifest, "UnknownMetric", "spec.tests[0].thresholds[0]", "instanceReady")


def test_results_that_someone_else_owns(cluster: Cluster) -> None:
    cluster.run("create", "configmap", "taken-results", "--from-literal=precious=1")
    try:
        manifest = benchmark("taken", scenario("a"))
        fails_with(cluster, manifest, "ResultsConflict", "spec.results.configMapName")
        assert cluster.get("configmap", "taken-results")["data"] == {"precious": "1"}
    finally:
        cluster.run("delete", "configmap", "taken-results")


def test_a_namespace_that_is_being_deleted(cluster: Cluster) -> None:
    held: Manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": "doomed", "finalizers": ["example.com/held"]},
    }
    cluster.run("create", "namespace", "doomed")
    cluster.apply(held)
    cluster.run("delete", "namespace", "doomed", "--wait=false")
    try:
        manifest = benchmark("homeless", scenario("a", namespace="doomed"))
        fails_with(cluster, manifest, "NamespaceTerminating", "doomed")
    finally:
        free = '{"metadata": {"finalizers": null}}'
        cluster.run("--namespace=doomed", "patch", "configmap", "held", "--type=merge", "-p", free)
        cluster.run("wait", "namespace", "doomed", "--for=delete", "--timeout=300s")


def reading(name: str, *prerequisites: Manifest) -> Manifest:
    """Return a test whose RGD reads a ConfigMap that it does not create."""
    test = own_rgd(name, "Reader", {"region": "${settings.data.region}"})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "platform"}}
    resources = test["workload"]["rgd"]["inline"]["spec"]["resources"]
    resources.append({"id": "settings", "externalRef": reference})
    test["workload"]["prerequisites"] = [*prerequisites]
    return test


def test_what_an_rgd_reads_comes_with_the_run_or_ends_the_test_that_lacks_it(
    cluster: Cluster,
) -> None:
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "platform"},
        "data": {"region": "eu-1"},
    }
    manifest = benchmark("prepared", reading("without"), reading("with", settings))
    cluster.finish(manifest)
    record = cluster.run_record("prepared")
    without, prepared = record["tests"]
    assert without["error"]["reason"] == "PrerequisiteMissing"
    assert "tests[0].workload.prerequisites" in without["error"]["message"]
    assert prepared["success"], prepared["error"]
    assert record["orphans"]["count"] == 0


@contextmanager
def without_kro(cluster: Cluster) -> Iterator[None]:
    cluster.run(*KRO, "scale", "deployment/kro", "--replicas=0")
    cluster.run(*KRO, "wait", "pod", "--all", "--for=delete", "--timeout=300s")
    try:
        yield
    finally:
        cluster.run(*KRO, "scale", "deployment/kro", "--replicas=1")
        cluster.wait_for_kro()


def test_a_kro_that_is_not_there(cluster: Cluster) -> None:
    with without_kro(cluster):
        manifest = benchmark("no-kro", scenario("a"))
        fails_with(cluster, manifest, "KroNotFound", "kro-system", "app.kubernetes.io/name=kro")


@contextmanager
def without_permission(cluster: Cluster, resource: str) -> Iterator[None]:
    role: dict[str, Any] = cluster.get("clusterrole", "krobench-load")
    rules = [rule for rule in role["rules"] if resource not in rule.get("resources", [])]
    metadata = {"name": "krobench-load"}
    kind = {"apiVersion": role["apiVersion"], "kind": "ClusterRole"}
    before = {"labels": role["metadata"]["labels"], "annotations": role["metadata"]["annotations"]}
    cluster.apply({**kind, "metadata": metadata | before, "rules": rules})
    try:
        yield
    finally:
        cluster.apply({**kind, "metadata": metadata | before, "rules": role["rules"]})


def test_a_permission_that_is_missing(cluster: Cluster) -> None:
    with without_permission(cluster, "resourcegraphdefinitions"):
        manifest = benchmark("forbidden", scenario("a"))
        fails_with(cluster, manifest, "Forbidden", "resourcegraphdefinitions")


def test_a_kind_in_use_is_not_touched_and_a_spec_that_ran_is_immutable(cluster: Cluster) -> None:
    own = own_rgd("a", "KroBenchmark", {"v": "1"})
    own["workload"]["rgd"]["inline"]["spec"]["schema"]["group"] = "bench.kro.run"
    manifest = benchmark("thief", own)
    status = cluster.finish(manifest)
    assert status["phase"] == "Failed"
    assert condition(status, "Failed")["reason"] in ("KindExists", "Forbidden")
    assert "krobenchmarks.bench.kro.run" in cluster.names("crd")
    # Nor can its spec be changed now, not even within an RGD.
    changed = copy.deepcopy(manifest)
    resources = changed["spec"]["tests"][0]["workload"]["rgd"]["inline"]["spec"]["resources"]
    resources[0]["template"]["data"] = {"v": "2"}
    assert "immutable" in cluster.refusal(changed)
    changed = manifest | {"spec": manifest["spec"] | {"cleanup": "Never"}}
    assert "immutable" in cluster.refusal(changed)


def test_a_report_of_what_does_not_exist(cluster: Cluster) -> None:
    done = cluster.krobench("report", "nobody")
    assert done.returncode == 1
    assert "default/nobody" in done.stderr
