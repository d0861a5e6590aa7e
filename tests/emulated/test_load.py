"""The load Job from end to end, against an API server in memory."""

import json
import time
from dataclasses import replace
from typing import Any, cast

import pytest
from doubles.cluster import QUICK, MemoryCluster

from krobench.api.kinds import ScheduleRef
from krobench.api.status import Verdict
from krobench.api.storage import Storage
from krobench.collect.source import Scrape, SourceUnavailableError
from krobench.figures.catalogue import KRO_RESIDENT
from krobench.figures.environment import KroFingerprint
from krobench.figures.reasons.load import RgdsExistedBefore
from krobench.figures.reasons.sources import Exposition, NotReadable
from krobench.findings.validity import LeftoverObjects, SendLagTooLong
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.kube.kropods import KroPod
from krobench.kube.timing import Timing
from krobench.kube.transport import RetryPolicy
from krobench.load.driver import FAILURES_IN_A_ROW
from krobench.load.lifecycle import RGDS_PATH
from krobench.loadjob.benchmark import BenchmarkTask
from krobench.loadjob.engine import Engine
from krobench.loadjob.errors import AbortedError
from krobench.record.run import RunRecord
from krobench.record.store import read_objects

UID = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
STEADY = {"arrival": "constant", "rate": 500}
IMPOSSIBLE = {"arrival": "burst", "burst": {"size": 50, "interval": "1s"}, "maxInFlight": 1}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what only a real cluster needs."""

    async def find_kro(*_: object) -> KroPod:
        return cast("KroPod", FakePod())

    async def nothing(*_: object) -> None:
        return None

    async def no_nodes(*_: object) -> list[object]:
        return []

    monkeypatch.setattr("krobench.loadjob.preflight.find_kro", find_kro)
    monkeypatch.setattr("krobench.loadjob.engine.kubernetes_version", nothing)
    monkeypatch.setattr("krobench.loadjob.engine.list_nodes", no_nodes)
    monkeypatch.setattr("krobench.collect.sampler.open_sources", no_sources)


class FakePod:
    fingerprint = KroFingerprint(namespace="kro-system", pod="kro-0")


class NoTracker:
    restarts: tuple[()] = ()


async def no_sources(*_: object) -> tuple[list[object], NoTracker]:
    return [], NoTracker()


async def run(
    cluster: MemoryCluster, instances: int, *, max_objects: int = 1000, **test: Any
) -> RunRecord:
    workload = {"scenario": "single", "instances": instances}
    return await run_suite(cluster, [{"name": "a", "workload": workload} | test], max_objects)


async def run_suite(
    cluster: MemoryCluster,
    tests: list[dict[str, Any]],
    max_objects: int = 1000,
    timing: Timing = QUICK,
    schedule: ScheduleRef | None = None,
    storage: Storage | None = None,
    **spec: Any,
) -> RunRecord:
    defaults = {"iterations": 1, "warmup": 0, "timeout": "10s"} | spec.pop("defaults", {})
    spec |= {"tests": tests, "defaults": defaults}
    metadata: dict[str, Any] = {
        "name": "bench",
        "namespace": "default",
        "uid": UID,
        "generation": 1,
    }
    if schedule is not None:
        metadata["ownerReferences"] = [schedule.owner_reference]
    resource = {"metadata": metadata, "spec": spec}
    task = BenchmarkTask(resource, max_objects)
    return await Engine(cluster, resource, task, timing, storage=storage).run()


async def test_kept_rgds_are_created_and_timed_once() -> None:
    kept = {"scenario": "single", "instances": 3, "keepRgds": True}
    tests = [{"name": "a", "workload": kept}, {"name": "b", "workload": kept}]
    cluster = MemoryCluster()
    record = await run_suite(
        cluster, tests, order="Interleaved", defaults={"iterations": 2, "warmup": 1}
    )
    assert cluster.asked.count(("create", RGDS_PATH)) == 2
    for test in record.tests:
        assert test.success
        first, *others = test.iterations
        assert first.latency.rgd_ready is not None
        for iteration in others:
            assert iteration.latency.rgd_ready is None
            assert iteration.unavailable["latency.rgdReady"] == RgdsExistedBefore()
            assert iteration.latency.instance_gone is not None
        assert all(each.teardown is not None and each.teardown.done for each in test.iterations)
    assert record.orphans is not None
    assert record.orphans.count == 0
    assert not record.warnings


class SilentKro:
    name = "kro"

    async def scrape(self) -> Scrape:
        raise SourceUnavailableError(
            NotReadable(exposition=Exposition.KRO, detail="connection refused")
        )

    async def close(self) -> None:
        return None


async def test_a_kro_without_metrics_gives_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sources(*_: object) -> tuple[list[SilentKro], NoTracker]:
        return [SilentKro()], NoTracker()

    monkeypatch.setattr("krobench.collect.sampler.open_sources", sources)
    tests = [{"name": name, "workload": {"scenario": "single"}} for name in ("a", "b")]
    record = await run_suite(MemoryCluster(), tests, defaults={"iterations": 2})
    [warning] = record.warnings
    assert warning.startswith("no samples of kro, so its figures are not available: ")
    assert warning.endswith("connection refused; check spec.target.metricsPort")
    assert record.tests[0].iterations[0].figures[KRO_RESIDENT.max] is None


async def test_a_record_says_where_the_time_of_its_run_went() -> None:
    tests = [{"name": "a", "workload": {"scenario": "single"}}]
    record = await run_suite(MemoryCluster(), tests, defaults={"iterations": 2, "warmup": 1})
    spent = record.time_spent
    assert spent is not None
    warmup, *measured = [done.run_seconds or 0.0 for done in record.tests[0].iterations]
    assert spent.warmup_seconds == pytest.approx(warmup, abs=0.001)
    assert spent.measured_seconds == pytest.approx(sum(measured), abs=0.001)
    assert spent.set_up_seconds > 0
    assert spent.cleanup_seconds > 0
    known = spent.warmup_seconds + spent.set_up_seconds + spent.cleanup_seconds
    assert spent.measured_seconds + known <= spent.total_seconds
    share = spent.measured_seconds / spent.total_seconds
    # Its parts are rounded to milliseconds, and this run takes but a few of them.
    assert spent.measured_share == pytest.approx(share, abs=0.001 / spent.total_seconds)


async def test_the_creation_of_several_rgds_is_load() -> None:
    beside_instances = []
    for rgds in (1, 10):
        workload = {"scenario": "single", "instances": 10, "rgds": rgds}
        record = await run_suite(MemoryCluster(), [{"name": "a", "workload": workload}])
        spent, [iteration] = record.time_spent, record.tests[0].iterations
        assert spent is not None
        beside_instances.append(spent.measured_seconds - (iteration.run_seconds or 0.0))
    assert beside_instances[0] == pytest.approx(0.0, abs=0.001)
    assert beside_instances[1] > 0.001


async def test_all_rgds_lie_before_kro_together() -> None:
    cluster = MemoryCluster()
    cluster.rgds_awaited = 40
    workload = {"scenario": "single", "instances": 40, "rgds": 40}
    record = await run_suite(cluster, [{"name": "a", "workload": workload}])
    assert record.tests[0].iterations[0].error is None
    assert record.verdict is Verdict.PASSED


async def test_an_open_loop_that_kept_its_schedule_passes_and_leaves_nothing() -> None:
    cluster = MemoryCluster()
    record = await run(cluster, 10, load=STEADY | {"maxSendLag": "1s"})
    assert record.verdict is Verdict.PASSED
    assert record.validity is not None
    assert record.validity.valid
    assert record.orphans is not None
    assert record.orphans.count == 0
    [iteration] = record.tests[0].iterations
    assert (iteration.counts.sent, iteration.counts.ready) == (10, 10)
    assert iteration.generator is not None
    assert iteration.generator.requested_per_second == pytest.approx(500)
    assert iteration.figures.root["krobench.watch.lagSeconds.p50"] is not None
    assert {path.rpartition("/")[2] for path in cluster.objects} == {
        "bench-results",
        "krobench-load",
    }
    [lease] = [item for path, item in cluster.objects.items() if "/leases/" in path]
    assert lease["spec"]["holderIdentity"] is None


async def test_a_load_beyond_the_cap_is_refused_before_anything_is_created() -> None:
    cluster = MemoryCluster()
    with pytest.raises(AbortedError, match="TooManyObjects"):
        await run(cluster, 10, max_objects=20)
    assert [path.rpartition("/")[2] for path in cluster.objects] == ["bench-results"]


async def test_an_open_loop_that_missed_its_schedule_is_invalid() -> None:
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.002
    record = await run(cluster, 50, load=IMPOSSIBLE | {"maxSendLag": "1ms"})
    assert record.verdict is Verdict.INVALID
    assert record.validity is not None
    assert record.validity.causes[0].reason == "GeneratorLate"
    first = record.validity.causes[0]
    assert isinstance(first, SendLagTooLong)
    assert (first.test, first.iteration) == ("a", 1)
    assert record.tests[0].success
    assert record.tests[0].iterations[0].counts.late > 40


async def test_a_closed_loop_has_no_schedule_to_miss() -> None:
    record = await run(MemoryCluster(), 10)
    assert record.verdict is Verdict.PASSED
    assert record.tests[0].iterations[0].generator is None


async def test_an_api_server_in_distress_ends_the_test_with_what_there_is() -> None:
    cluster = MemoryCluster()
    cluster.refuse_instances = ApiError(503, "ServiceUnavailable", "etcd is away")
    record = await run(cluster, 50, concurrency=1)
    [iteration] = record.tests[0].iterations
    assert iteration.error is not None
    assert iteration.error.reason == "ApiServerInDistress"
    assert iteration.counts.sent == iteration.counts.failed == FAILURES_IN_A_ROW
    retries = RetryPolicy().retries
    assert iteration.counts.retried == retries * FAILURES_IN_A_ROW
    assert iteration.counts.server_errors == (1 + retries) * FAILURES_IN_A_ROW
    assert record.verdict is Verdict.FAILED
    assert record.orphans is not None
    assert record.orphans.count == 0


class DeletedRgd(MemoryCluster):
    """Somebody deletes the RGD when its second instance is created; kro does not know them then."""

    def prepare(self, path: str, item: JsonObject) -> None:
        super().prepare(path, item)
        if "/load.bench.kro.run/" in path:
            item["status"] = {}
            item["metadata"]["finalizers"] = ["kro.run/finalizer"]

    def react(self, verb: str, path: str) -> None:
        super().react(verb, path)
        instances = [each for each in self.objects if "/load.bench.kro.run/" in each]
        rgds = [each for each in self.objects if each.startswith(RGDS_PATH)]
        if len(instances) == 2 and rgds:
            self._remove(rgds[0])


async def test_an_rgd_that_somebody_deletes_is_named_and_does_not_block_the_cleanup() -> None:
    began = time.monotonic()
    tests = [{"name": "a", "timeout": "4s", "workload": {"scenario": "single", "instances": 4}}]
    record = await run_suite(DeletedRgd(), tests)
    assert record.tests[0].error is not None
    assert "somebody deleted RGD" in record.tests[0].error.message
    assert record.orphans is not None
    assert record.orphans.count == 0
    assert time.monotonic() - began < 15.0


async def test_what_would_not_go_is_counted_as_left(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = MemoryCluster()
    cluster.undeletable = RGDS_PATH
    at_once = replace(QUICK, rgds_deleted=0.0, forced_deletion=0.0)
    tests = [{"name": "a", "workload": {"scenario": "single", "instances": 1}}]
    record = await run_suite(cluster, tests, timing=at_once)
    assert record.orphans is not None
    assert record.orphans.count
    assert any("kubectl delete" in warning for warning in record.warnings)


async def test_phases_follow_one_another_and_each_has_its_own_numbers() -> None:
    steps = [
        {"operation": "create"},
        {"operation": "update", "load": STEADY | {"maxSendLag": "1s"}},
        {"operation": "mix", "count": 20},
        {"operation": "delete", "count": 2},
    ]
    cluster = MemoryCluster()
    record = await run(cluster, 5, phases=steps)
    [test] = record.tests
    assert record.verdict is Verdict.PASSED, (record.error, test.error)
    [iteration] = test.iterations
    done = [(step.operation, step.counts.done, step.counts.failed) for step in iteration.phases]
    assert done == [("create", 5, 0), ("update", 5, 0), ("mix", 20, 0), ("delete", 2, 0)]
    assert iteration.generator is not None
    assert test.summary is not None
    gone, updated = test.summary.latency.instance_gone, test.summary.latency.instance_updated
    assert gone is not None
    assert updated is not None
    assert updated.n > 5
    assert gone.n >= 2
    assert not any("/load.bench.kro.run/" in path for path in cluster.objects)


async def test_an_update_that_changes_nothing_does_not_count() -> None:
    steps = [{"operation": "create"}, {"operation": "update", "values": {"value": "same"}}]
    steps.append({"operation": "update", "values": {"value": "same"}})
    record = await run(MemoryCluster(), 3, phases=steps)
    [test] = record.tests
    assert test.error is not None
    assert test.error.reason == "UpdatesRefused"
    assert "3 updates" in test.error.message
    assert "changed nothing" in test.error.message


async def test_interleaved_tests_take_turns_and_one_that_fails_loses_its_own() -> None:
    workload = {"scenario": "single", "instances": 2}
    tests: list[dict[str, Any]]
    unchanged = [{"operation": "create"}, {"operation": "update", "values": {"value": "same"}}]
    unchanged.append(unchanged[1])
    tests = [
        {"name": "first", "workload": workload},
        {"name": "failing", "workload": workload, "phases": unchanged},
        {"name": "last", "workload": workload, "iterations": 3},
    ]
    cluster = MemoryCluster()
    record = await run_suite(cluster, tests, order="Interleaved", defaults={"iterations": 2})
    [stored] = [item for path, item in cluster.objects.items() if path.endswith("bench-results")]
    lines = sorted(read_objects([stored]), key=lambda line: line.sent_seconds)
    turns = dict.fromkeys((line.test, line.iteration) for line in lines)
    first_round = [("first", 0), ("failing", 0), ("last", 0)]
    assert list(turns) == [*first_round, ("last", 1), ("first", 1), ("last", 2)]
    assert [test.success for test in record.tests] == [True, False, True]
    assert record.progress.iterations_done == record.progress.iterations_planned == 7
    assert record.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("target", "reason", "iterations"),
    [("99%", "PrecisionReached", 3), ("0.1%", "MaxIterations", 4)],
)
async def test_a_test_is_repeated_until_its_figure_is_known(
    target: str, reason: str, iterations: int
) -> None:
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.05  # the time until ready is then more than noise
    cluster.answer_growth = 1.02  # and differs from iteration to iteration
    precision = {"target": target, "maxIterations": 4}
    record = await run(cluster, 3, iterations=3, warmup=1, precision=precision)
    [test] = record.tests
    assert test.stop is not None
    assert (test.stop.reason, len(test.iterations)) == (reason, 1 + iterations)
    assert test.planned_iterations == iterations
    assert record.progress.iterations_done == record.progress.iterations_planned == 5


async def test_what_another_run_left_makes_this_one_invalid_unless_it_is_accepted() -> None:
    left = {"metadata": {"name": "kb-9-0", "labels": {"bench.kro.run/run": "uid-of-another"}}}
    tests = [{"name": "a", "workload": {"scenario": "single", "instances": 1}}]
    for accepted, verdict in (([], Verdict.INVALID), (["LeftoverObjects"], Verdict.PASSED)):
        cluster = MemoryCluster()
        cluster.objects[f"{RGDS_PATH}/kb-9-0"] = left
        record = await run_suite(cluster, tests, validity={"ignore": accepted})
        assert record.verdict is verdict
        assert record.causes[0].reason == "LeftoverObjects"
        assert isinstance(record.causes[0], LeftoverObjects)
        assert record.causes[0].runs == ["uid-of-another"]


class Watching(MemoryCluster):
    """Notes the objects that are left when the record becomes Completed."""

    left: set[str] | None = None
    lease_holder: str | None = "unknown"

    async def admit(self, verb: str, path: str, body: JsonObject) -> None:
        await super().admit(verb, path, body)
        text = (body.get("data") or {}).get("run.json")
        if text is not None and json.loads(text)["state"] == "Completed":
            self.left = {path.rpartition("/")[2] for path in self.objects}
            [lease] = [item for path, item in self.objects.items() if "/leases/" in path]
            self.lease_holder = lease["spec"]["holderIdentity"]


async def test_a_run_is_completed_when_nothing_is_left_to_do() -> None:
    cluster = Watching()
    record = await run(cluster, 3)
    assert record.verdict is Verdict.PASSED
    assert cluster.left == {"bench-results", "krobench-load"}
    assert cluster.lease_holder is None, "the next run may start"
