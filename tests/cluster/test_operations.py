"""Operations beside creation, on a real kro."""

from cluster.kubectl import Cluster, benchmark, scenario

from krobench.record.run import RunRecord
from krobench.record.test import TestRecord


def run(
    cluster: Cluster, name: str, test: dict[str, object], *, own_namespace: bool = False
) -> TestRecord:
    timeout = {"timeout": "10m"}
    manifest = benchmark(name, test, own_namespace=own_namespace, defaults=timeout)
    status = cluster.finish_undisturbed(manifest)
    assert (status["phase"], status["verdict"]) == ("Completed", "Passed"), status["message"]
    assert status["orphans"] == 0
    return RunRecord.model_validate(cluster.run_record(name)).tests[0]


def test_updates_fan_out_churn_and_deletion_are_timed_one_after_another(cluster: Cluster) -> None:
    steps = [
        {"operation": "create"},
        {"operation": "update", "load": {"arrival": "constant", "rate": 5}},
        {"operation": "update-rgd"},
        {"operation": "churn", "churn": {"share": 0.2, "interval": "2s", "rounds": 1}},
        {"operation": "delete"},
    ]
    test = run(cluster, "operations", scenario("a", "web-app", instances=10, phases=steps))
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


def test_tenants_come_and_go_and_leave_no_namespace(cluster: Cluster) -> None:
    steps = [
        {"operation": "create"},
        {"operation": "churn", "churn": {"share": 0.5, "interval": "2s", "rounds": 1}},
    ]
    tenants = scenario("a", "multi-tenant", instances=4, phases=steps)
    test = run(cluster, "tenants", tenants, own_namespace=True)
    [create, churn] = test.iterations[0].phases
    assert (create.counts.done, churn.counts.done) == (4, 4)
