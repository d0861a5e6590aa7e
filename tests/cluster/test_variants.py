"""Variants and restarts of kro on a real cluster, and kro as it was afterwards."""

from collections.abc import Iterator

import pytest
from cluster.kubectl import Cluster, Manifest, benchmark, condition, scenario
from cluster.repetition import twice_at_most

from krobench.figures.reasons.load import RgdsExistedBefore
from krobench.record.run import RunRecord

WORKERS = "--dynamic-controller-concurrent-reconciles"
RETRIES = "--dynamic-controller-default-queue-max-retries"
VARIANT = "bench.kro.run/variant"
DEPLOYMENT = ("deployment", "kro", "--namespace=kro-system")


def kro(cluster: Cluster) -> Manifest:
    """Return kro's Deployment without what counts its changes."""
    deployment = cluster.get(*DEPLOYMENT)
    metadata = deployment["metadata"]
    for name in ("generation", "resourceVersion"):
        metadata.pop(name)
    metadata["annotations"].pop("deployment.kubernetes.io/revision")
    del deployment["status"]
    return deployment


@pytest.fixture(autouse=True)
def untouched(cluster: Cluster) -> Iterator[None]:
    """Every test here must leave kro as it found it."""
    before = kro(cluster)
    yield
    assert kro(cluster) == before
    fields = cluster.get(*DEPLOYMENT, "--show-managed-fields")["metadata"]["managedFields"]
    assert "krobench" not in {entry["manager"] for entry in fields}
    cluster.run("rollout", "status", *DEPLOYMENT[:2], DEPLOYMENT[2], "--timeout=300s")


@twice_at_most
def test_two_variants_are_measured_and_compared(cluster: Cluster) -> None:
    resources = {"limits": {"cpu": "200m"}, "requests": {"cpu": "100m"}}
    slow = {"name": "slow", "args": [f"{RETRIES}=21"], "resources": resources}
    # A second of CPU time, for which kro has but 200 ms in each.
    test = scenario("a", "wide", instances=20, concurrency=10)
    status = cluster.finish(benchmark("varied", test, variants=[{"name": "plain"}, slow]))
    assert (status["phase"], status["verdict"]) == ("Completed", "Passed"), status["message"]
    assert [test["name"] for test in status["tests"]] == ["a.plain", "a.slow"]
    record = cluster.run_record("varied")
    kros = [test["kro"] for test in record["tests"]]
    assert [f"{RETRIES}=21" in kro["args"] for kro in kros] == [False, True]
    assert kros[1]["limits"]["cpu"] == "200m"
    [comparison] = record["variantComparisons"]
    throughput = next(m for m in comparison["metrics"] if m["metric"].startswith("throughput."))
    assert throughput["ratio"] < 0.9
    [variant] = status["variants"]
    assert variant["name"] == "slow"
    assert variant["message"] in cluster.events("varied")["VariantCompared"]
    assert "slow against plain" in cluster.krobench("report", "varied").stdout


@pytest.mark.untimed
def test_a_variant_that_cannot_start_is_undone_with_kros_own_words(cluster: Cluster) -> None:
    variants = [{"name": "good"}, {"name": "bad", "args": ["--no-such-flag=1"]}]
    status = cluster.finish(benchmark("broken", scenario("a"), variants=variants[::-1]))
    assert status["phase"] == "Failed"
    ready = condition(status, "Ready")
    assert ready["reason"] == "VariantNotStarted"
    assert "flag provided but not defined: -no-such-flag" in ready["message"], "kro's own words"


DECIDE = {"minimumEffect": "10%", "maxDuration": "1m"}


@pytest.mark.untimed
def test_tests_share_their_rgds_in_a_run_that_decides(cluster: Cluster) -> None:
    tests = [scenario("a"), scenario("b", "wide", instances=2)]
    burst = {"scenario": "single", "instances": 2, "rgds": 2}
    status = cluster.finish(
        benchmark(
            "shared",
            *tests,
            {"name": "burst", "workload": burst},
            own_namespace=True,
            decide=DECIDE,
            variants=[{"name": "one"}, {"name": "two"}],
        )
    )
    assert status["phase"] == "Completed", status["message"]
    record = RunRecord.model_validate(cluster.run_record("shared"))
    for test in record.tests:
        assert test.success
        for iteration in test.iterations:
            known = iteration.latency.rgd_ready is not None
            assert known == (test.spec_name == "burst")
            assert known != (iteration.unavailable.get("latency.rgdReady") == RgdsExistedBefore())
    assert record.time_spent is not None
    assert record.orphans is not None
    assert record.orphans.count == 0
    assert cluster.leftovers() == []


@pytest.mark.untimed
def test_a_load_that_is_killed_while_tests_share_rgds_leaves_nothing(cluster: Cluster) -> None:
    tests = [scenario("a", instances=20), scenario("b", instances=20)]
    variants = [{"name": "one"}, {"name": "two", "args": [f"{WORKERS}=2"]}]
    cluster.apply(benchmark("killed", *tests, own_namespace=True, decide=DECIDE, variants=variants))
    cluster.wait_for_children()
    kill_load(cluster)
    cluster.wait("killed", "Finished")
    assert cluster.status("killed")["phase"] == "Failed"
    assert cluster.leftovers() == []


def kill_load(cluster: Cluster) -> None:
    cluster.run(
        "delete",
        "pod",
        "--namespace=krobench-system",
        "--force",
        "--grace-period=0",
        "--selector=bench.kro.run/component=load",
    )


@pytest.mark.untimed
def test_a_load_that_is_killed_leaves_kro_as_it_was(cluster: Cluster) -> None:
    variants = [{"name": "one"}, {"name": "two", "args": [f"{WORKERS}=2"]}]
    test = scenario("a", instances=40)
    cluster.apply(benchmark("killed", test, variants=variants, cleanup="Never"))
    cluster.wait_for_children()
    assert VARIANT in kro(cluster)["metadata"]["annotations"]
    kill_load(cluster)
    cluster.wait("killed", "Finished")
    status = cluster.status("killed")
    assert status["phase"] == "Failed"
    assert cluster.leftovers() != [], "spec.cleanup keeps them"
    assert status["warnings"] != []
    uid = cluster.get("krobenchmark", "killed")["metadata"]["uid"]
    assert cluster.krobench("cleanup", f"--run={uid}").returncode == 0


def test_a_phase_that_restarts_kro_is_measured_and_changes_nothing(cluster: Cluster) -> None:
    steps = [{"operation": "create"}, {"operation": "restart"}, {"operation": "delete"}]
    test = scenario("a", "web-app", instances=10, phases=steps)
    status = cluster.finish(benchmark("restarted", test))
    assert (status["phase"], status["verdict"]) == ("Completed", "Passed"), status["message"]
    found = RunRecord.model_validate(cluster.run_record("restarted"))
    [iteration] = found.tests[0].iterations
    figures = iteration.figures.root
    times = [figures[f"kro.restart.{each}Seconds"] for each in ("ready", "leads", "reconciled")]
    assert times == sorted(times)
    assert figures["kro.restart.reconciles"] >= 10
    assert figures["kro.restart.requests"] >= 10
    assert figures["kro.restart.residentMaxBytes"] > 10e6
    assert iteration.kro_restarts == []
    assert iteration.phases[2].counts.done == 10


def test_a_phase_that_upgrades_kro_is_measured_and_taken_back(cluster: Cluster) -> None:
    [container] = kro(cluster)["spec"]["template"]["spec"]["containers"]
    steps = [
        {"operation": "create"},
        # The same image: another may not be there. It is a rollout all the same.
        {"operation": "upgrade", "image": container["image"]},
        {"operation": "update"},
    ]
    test = scenario("a", "web-app", instances=5, phases=steps)
    status = cluster.finish(benchmark("upgraded", test))
    assert (status["phase"], status["verdict"]) == ("Completed", "Passed"), status["message"]
    found = RunRecord.model_validate(cluster.run_record("upgraded"))
    [iteration] = found.tests[0].iterations
    assert iteration.phases[1].image == container["image"]
    assert iteration.phases[2].counts.done == 5
    assert iteration.figures.root["kro.upgrade.reconciles"] >= 5
