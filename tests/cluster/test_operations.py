"""Operations beside creation, on a real kro, one phase after another."""

from cluster.kubectl import Cluster, Manifest, benchmark, scenario

from krobench.record.run import RunRecord
from krobench.record.test import TestRecord


def test_all_operations_are_timed_and_tenants_leave_no_namespace(cluster: Cluster) -> None:
    timeout = {"timeout": "10m"}
    tests = (all_operations(), tenants())
    manifest = benchmark("operations", *tests, own_namespace=True, defaults=timeout)
    status = cluster.finish_undisturbed(manifest)
    assert (status["phase"], status["verdict"]) == ("Completed", "Passed"), status["message"]
    assert status["orphans"] == 0
    found = RunRecord.model_validate(cluster.run_record("operations"))
    check_operations(found.tests[0])
    [create, churn] = found.tests[1].iterations[0].phases
    assert (create.counts.done, churn.counts.done) == (4, 4)


def all_operations() -> Manifest:
    steps = [
        {"operation": "create"},
        {"operation": "update", "load": {"arrival": "constant", "rate": 5}},
        {"operation": "update-rgd"},
        {"operation": "churn", "churn": {"share": 0.2, "interval": "2s", "rounds": 1}},
        {"operation": "delete"},
    ]
    return scenario("a", "web-app", instances=10, phases=steps)


def tenants() -> Manifest:
    """Return a test whose instances come and go with namespaces of their own."""
    steps = [
        {"operation": "create"},
        {"operation": "churn", "churn": {"share": 0.5, "interval": "2s", "rounds": 1}},
    ]
    return scenario("b", "multi-tenant", instances=4, phases=steps)


def check_operations(test: TestRecord) -> None:
    [iteration] = test.iterations
    assert [step.counts.done for step in iteration.phases] == [10, 10, 1, 4, 10]
    assert all(step.kro_cpu_seconds is not None for step in iteration.phases)
    latency = iteration.latency
    for summary, count in (
        (latency.instance_ready, 12),
        (latency.instance_first_child, 12),
        (latency.instance_last_child, 12),
        (latency.instance_updated, 10),
        (latency.rgd_updated, 1),
        (latency.instance_fanned_out, 10),
        (latency.instance_gone, 12),
    ):
        assert summary is not None
        assert (summary.n, summary.censored) == (count, 0)
    assert latency.instance_first_child is not None
    assert latency.instance_last_child is not None
    assert latency.instance_ready is not None
    first, last, ready = (
        latency.instance_first_child.p50_seconds,
        latency.instance_last_child.p50_seconds,
        latency.instance_ready.p50_seconds,
    )
    assert first is not None
    assert last is not None
    assert ready is not None
    assert 0 < first <= last < ready
