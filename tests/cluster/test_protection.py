"""What krobench refuses to do to a cluster that others use too, on a real one."""

from datetime import UTC, datetime

from cluster.kubectl import Cluster, benchmark, condition, scenario

HOLDER = "other/load in a pod"
HELD_SECONDS = 5
LEASE = ("lease", "krobench-load", "--namespace=kro-system")


def test_a_load_beyond_the_cap_is_refused_before_anything_is_created(cluster: Cluster) -> None:
    workload = {"generator": {"complexity": "custom", "resources": 99}, "instances": 1000}
    status = cluster.finish(benchmark("vast", {"name": "a", "workload": workload}))
    assert status["phase"] == "Failed"
    ready = condition(status, "Ready")
    assert ready["reason"] == "TooManyObjects"
    for word in ("test a", "100001", "50000", "load.maxObjects"):
        assert word in ready["message"]
    assert "startTime" not in status


def test_a_schedule_that_outlasts_the_timeout_is_refused_by_its_field(cluster: Cluster) -> None:
    load = {"arrival": "constant", "rate": 0.1}
    status = cluster.finish(benchmark("slow", scenario("a", instances=50, load=load)))
    assert status["phase"] == "Failed"
    assert condition(status, "Ready")["reason"] == "InvalidSpec"
    assert "spec.tests[0].load: " in condition(status, "Ready")["message"]


def test_a_load_waits_for_another_until_that_renews_its_lease_no_longer(cluster: Cluster) -> None:
    cluster.run("delete", *LEASE, "--ignore-not-found")
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "krobench-load", "namespace": "kro-system"},
        "spec": {"holderIdentity": HOLDER, "leaseDurationSeconds": HELD_SECONDS},
    }
    cluster.apply(lease)
    began = datetime.now(UTC).timestamp()
    status = cluster.finish(benchmark("second", scenario("a")))
    assert (status["phase"], status["verdict"]) == ("Completed", "Passed")
    [test] = cluster.run_record("second")["tests"]
    loaded = datetime.fromisoformat(test["startTime"]).timestamp()
    # It counts from when it first sees the lease; times are whole seconds.
    assert loaded > began + HELD_SECONDS - 1
    assert cluster.get(*LEASE)["spec"].get("holderIdentity") is None
