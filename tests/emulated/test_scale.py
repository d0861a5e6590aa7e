"""A scale test from end to end, against an API server in memory."""

import time
from typing import Any

import pytest
from doubles.cluster import QUICK, MemoryCluster
from emulated.test_load import UID, NoTracker, quick
from emulated.test_profiles import FakePprof

from krobench.api.common import TIMEOUT
from krobench.api.specs.results import Cause
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.status import Verdict
from krobench.collect.exposition import Reading
from krobench.collect.source import Scrape
from krobench.findings.recommendation import CheaperCode
from krobench.findings.scaling import (
    BudgetUsedUp,
    InvalidIteration,
    LimitState,
    NotReadyInTime,
    SizeInvalid,
    SizeNotMeasured,
    SizesLeftOut,
    SizeVerdict,
    SloMissed,
)
from krobench.kube.errors import ApiError
from krobench.loadjob.engine import Engine
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.scaletest import scale_test_engine
from krobench.record.run import RunRecord, RunState
from krobench.record.test import TestState

assert quick  # a fixture that is used here too

N = "latency.instanceReady.n"
AT_MOST_20 = f"{N} <= 20"


async def run(cluster: MemoryCluster, max_objects: int = 1000, **fields: Any) -> RunRecord:
    return await scale_run(cluster, max_objects, **fields).run()


def scale_run(cluster: MemoryCluster, max_objects: int = 1000, **fields: Any) -> Engine:
    spec = {
        "axis": "instances",
        "sizes": {"from": 5, "to": 80},
        "search": {"resolution": "30%"},
        "slo": [AT_MOST_20],
        "workload": {"scenario": "single"},
        "iterations": 2,
        "timeout": "10s",
    }
    metadata = {"name": "far", "namespace": "default", "uid": UID, "generation": 1}
    resource = {"metadata": metadata, "spec": spec | fields}
    return scale_test_engine(cluster, resource, max_objects, timing=QUICK)


def trials(record: RunRecord) -> dict[float, list[bool | None]]:
    assert record.scale is not None
    return {step.size: [trial.met for trial in step.iterations] for step in record.scale.sizes}


async def test_sizes_are_tests_and_the_two_around_the_limit_are_repeated() -> None:
    cluster = MemoryCluster()
    record = await run(cluster)
    assert trials(record) == {
        5: [True],
        10: [True],
        20: [True] * 2,
        40: [False] * 2,
        28: [False] * 2,
    }
    assert record.scale is not None
    assert record.scale.stopped is None
    assert [step.refined for step in record.scale.sizes] == [False, False, False, False, True]
    assert {step.size for step in record.scale.sizes if step.decisive} == {20, 28}
    missed = SloMissed(slo=AT_MOST_20, measured={N: 40})
    assert record.scale.sizes[3].iterations[0].breached == [missed]
    assert [test.name for test in record.tests] == [step.test for step in record.scale.sizes]
    first, *_, last = record.tests
    assert (first.name, first.planned_warmup, first.planned_iterations) == ("instances-5", 1, 1)
    assert [done.warmup for done in first.iterations] == [True, False]
    assert (last.instances, last.planned_iterations, last.state) == (28, 2, TestState.SUCCEEDED)
    assert last.thresholds[0].passed is False
    assert record.scale.limit is not None
    assert record.scale.limit.state is LimitState.FOUND
    assert (record.scale.limit.last_met, record.scale.limit.first_breach) == (20, 28)
    assert record.verdict is Verdict.PASSED
    assert record.progress.iterations_done == record.progress.iterations_planned == 9
    assert record.orphans is not None
    assert record.orphans.count == 0
    assert {path.rpartition("/")[2] for path in cluster.objects} == {"far-results", "krobench-load"}
    [results] = [item for path, item in cluster.objects.items() if path.endswith("far-results")]
    assert results["metadata"]["ownerReferences"][0]["kind"] == "KroScaleTest"


async def test_cumulative_sizes_are_deleted_together() -> None:
    cluster = MemoryCluster()
    record = await run(cluster, sizes={"from": 5, "to": 80, "cumulative": True}, slo=[f"{N} <= 10"])
    assert record.scale is not None
    ways = [[(t.upon, t.met) for t in s.iterations] for s in record.scale.sizes]
    by_size = dict(zip([step.size for step in record.scale.sizes], ways, strict=True))
    # 40 adds 20 to 20. Again: 20 and 40, from nothing; then 28, upon 20, adds 8.
    assert by_size[5] == [(None, True)] * 4
    assert by_size[10] == [(5, True)] * 4
    assert by_size[20][0] == (10, True)
    assert by_size[40] == [(20, False)] * 2
    assert by_size[28] == [(20, True)] * 2
    by_name = {test.name: test for test in record.tests}
    counts = [done.counts.requested for done in by_name["instances-40"].iterations]
    assert counts == [20, 20]
    assert by_name["instances-40"].instances == 40
    downs = [
        (test.name, done.teardown.done)
        for test in record.tests
        for done in test.iterations
        if done.teardown is not None and not done.warmup
    ]
    assert all(done for _, done in downs)
    assert {name for name, _ in downs} <= {"instances-20", "instances-28", "instances-40"}
    assert record.orphans is not None
    assert record.orphans.count == 0
    assert record.verdict is Verdict.PASSED


async def test_rgds_that_are_kept_keep_their_instances() -> None:
    cluster = MemoryCluster()
    record = await run(
        cluster,
        axis="rgds",
        sizes={"values": [2, 4, 6], "cumulative": True},
        search={"refine": False},
        workload={"scenario": "single", "instances": 2},
        slo=["errors.total < 1"],
        warmup=0,
    )
    assert trials(record) == {2: [True] * 2, 4: [True] * 2, 6: [True] * 2}
    made = {test.name: [d.counts.requested for d in test.iterations] for test in record.tests}
    assert made == {"rgds-2": [4, 4], "rgds-4": [4, 4], "rgds-6": [4, 4]}
    assert record.orphans is not None
    assert record.orphans.count == 0


async def test_sizes_beyond_the_limits_are_left_out_with_the_reason() -> None:
    budget = {"maxInstances": 15}
    record = await run(MemoryCluster(), budget=budget)
    assert record.scale is not None
    assert record.scale.planned == [5, 10]
    assert isinstance(record.scale.stopped, SizesLeftOut)
    assert record.scale.stopped.sizes == [20, 40, 80]
    assert record.scale.stopped.why.startswith("spec.budget.maxInstances")
    record = await run(MemoryCluster(), max_objects=25)
    assert record.scale is not None
    assert record.scale.planned == [5, 10]


async def test_a_smallest_size_that_may_not_be_run_is_refused() -> None:
    with pytest.raises(AbortedError, match="smallest size, 5, cannot be run"):
        await run(MemoryCluster(), max_objects=5)


async def test_a_percentile_that_an_iteration_does_not_have_is_refused() -> None:
    with pytest.raises(AbortedError, match="p99 needs 100 observations"):
        await run(MemoryCluster(), slo=["latency.instanceReady.p99 < 5.0"])


async def test_an_api_server_in_distress_ends_it_with_what_there_is() -> None:
    cluster = MemoryCluster()
    cluster.refuse_instances = ApiError(503, "ServiceUnavailable", "etcd is away")
    record = await run(cluster, warmup=0)
    assert record.state is RunState.COMPLETED
    assert record.scale is not None
    assert [step.verdict for step in record.scale.sizes] == [SizeVerdict.FAILED]
    assert isinstance(record.scale.stopped, SizeNotMeasured)
    assert record.scale.stopped.test == "instances-5"
    assert record.scale.stopped.error is not None
    assert record.scale.stopped.error.reason == "ApiServerInDistress"
    assert record.verdict is Verdict.FAILED


async def test_instances_that_are_not_ready_in_time_breach() -> None:
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.01
    slos = ["errors.total < 1000"]
    record = await run(
        cluster,
        timeout="3s",
        concurrency=1,
        sizes={"values": [5, 400]},
        slo=slos,
        search={"refine": False},
        iterations=1,
        warmup=0,
    )
    assert trials(record) == {5: [True], 400: [False]}
    assert record.scale is not None
    assert record.scale.stopped is None
    [breach] = record.scale.sizes[1].iterations[0].breached
    assert isinstance(breach, NotReadyInTime)
    assert breach.error.reason == TIMEOUT
    assert record.tests[1].error is None


async def test_kro_is_profiled_at_the_smallest_size_that_breached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("krobench.loadjob.profiling.Pprof", FakePprof)
    cluster = MemoryCluster()
    record = await run(cluster, collect={"profiles": ["cpu", "heap"]})
    assert record.warnings == []
    assert record.scale is not None
    assert record.scale.limit is not None
    assert record.scale.limit.first_breach == 28
    [test] = [test for test in record.tests if test.profile is not None]
    assert test.name == "instances-28"
    assert [done.profiled for done in test.iterations] == [False, False, True]
    assert test.summary is not None
    assert test.summary.iterations == 2, "the profiled one decides nothing"
    assert trials(record)[28] == [False] * 2
    assert any(
        isinstance(each.advice, CheaperCode) and each.advice.group == "cel-go"
        for each in record.recommendations
    )
    assert any(f"profile.{test.name}.cpu.pb.gz" in str(item) for item in cluster.objects.values())
    assert record.progress.iterations_done == record.progress.iterations_planned == 10


async def test_a_profiled_iteration_that_times_out_does_not_fail_the_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("krobench.loadjob.profiling.Pprof", FakePprof)
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.01
    record = await run(
        cluster,
        timeout="1s",
        concurrency=1,
        sizes={"values": [400]},
        slo=["errors.total < 1000"],
        iterations=1,
        warmup=0,
        collect={"profiles": ["cpu"]},
    )
    assert record.warnings == []
    [test] = record.tests
    assert test.profile is not None
    assert test.profile.cpu is not None


async def test_a_profiled_iteration_does_not_soak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("krobench.loadjob.profiling.Pprof", FakePprof)
    steps = {"values": [5], "soak": "5s"}
    collect = {"profiles": ["cpu"]}
    began = time.monotonic()
    record = await run(MemoryCluster(), sizes=steps, iterations=1, warmup=0, collect=collect)
    assert [done.profiled for done in record.tests[0].iterations] == [False, True]
    assert 5.0 < time.monotonic() - began < 10.0, "held once"


async def test_an_invalid_iteration_is_replaced_and_becomes_warm_up() -> None:
    load = {"arrival": "burst", "burst": {"size": 1, "interval": "1ms"}, "maxSendLag": "1ms"}
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.01
    record = await run(
        cluster, load=load | {"maxInFlight": 1}, sizes={"values": [20, 40]}, warmup=0
    )
    assert trials(record) == {20: [None] * 3}
    assert record.scale is not None
    assert isinstance(record.scale.stopped, SizeInvalid)
    assert isinstance(record.scale.stopped.last, InvalidIteration)
    assert record.scale.stopped.last.causes[0].reason is Cause.GENERATOR_LATE
    assert [done.warmup for done in record.tests[0].iterations] == [True, True, False]
    assert record.verdict is Verdict.INVALID
    assert record.validity is not None
    first = record.validity.causes[0]
    assert (first.test, first.iteration) == ("instances-20", 3)


async def test_the_budget_ends_an_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.05
    made = scale_run(cluster, sizes={"values": [5, 200]}, concurrency=1, warmup=0)
    monkeypatch.setattr("krobench.api.specs.scaletest.Budget.duration_seconds", 3.0)
    record = await made.run()
    assert record.state is RunState.COMPLETED
    assert trials(record) == {5: [True], 200: [None]}
    assert record.scale is not None
    assert record.scale.stopped == BudgetUsedUp(duration="1h")


async def test_a_budget_that_ends_in_the_last_size_leaves_the_limit_beyond_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = MemoryCluster()
    cluster.answer_seconds = 0.1
    steps = {"values": [1, 2]}
    made = scale_run(cluster, sizes=steps, concurrency=1, warmup=0, iterations=20)
    monkeypatch.setattr("krobench.api.specs.scaletest.Budget.duration_seconds", 3.0)
    record = await made.run()
    assert record.scale is not None
    assert record.scale.stopped is None
    assert record.scale.limit is not None
    assert record.scale.limit.state is LimitState.NOT_REACHED
    [warning] = [each for each in record.warnings if "instances-2 ran" in each]
    assert warning.endswith("of 20 times because budget.duration, 1h, was used up"), warning


class SampledKro:
    """kro's memory, of which each sample finds so many bytes more and garbage collected."""

    name = "kro"

    def __init__(self, growth: int = 1) -> None:
        self.bytes = 100
        self.collections = 0
        self.growth = growth

    async def scrape(self) -> Scrape:
        self.bytes += self.growth
        self.collections += 1
        return Scrape(
            [
                Reading("process_resident_memory_bytes", self.bytes, None),
                Reading("process_cpu_seconds_total", 1.0, None),
                Reading("go_gc_duration_seconds_count", self.collections, None),
            ]
        )

    async def close(self) -> None:
        return None


def sample_of(kro: SampledKro, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sources(*_: object) -> tuple[list[SampledKro], NoTracker]:
        return [kro], NoTracker()

    monkeypatch.setattr("krobench.collect.sampler.open_sources", sources)


async def test_memory_includes_the_soak(monkeypatch: pytest.MonkeyPatch) -> None:
    sample_of(SampledKro(), monkeypatch)
    memory = "kro.memory.residentBytes.max"
    steps = {"values": [5], "soak": "1s"}
    record = await run(
        MemoryCluster(),
        sizes=steps,
        warmup=0,
        iterations=1,
        slo=[f"{memory} > 0"],
        collect={"interval": "200ms"},
    )
    [iteration] = record.tests[0].iterations
    largest = iteration.figures.root[memory]
    assert largest >= 105, "samples of the hold count"
    assert trials(record) == {5: [True]}


async def test_a_soak_begins_when_all_are_ready() -> None:
    steps = {"values": [5], "soak": "1s"}
    began = time.monotonic()
    record = await run(MemoryCluster(), sizes=steps, warmup=0, iterations=1)
    assert time.monotonic() - began >= 1
    [iteration] = record.tests[0].iterations
    assert iteration.run_seconds is not None
    assert iteration.run_seconds < 1  # a millisecond, in memory: the hold is no part of it
    assert iteration.soak is not None
    assert iteration.soak.seconds == pytest.approx(1, abs=0.2)
    assert (iteration.soak.steady, iteration.soak.unsteady) == (None, [])
    assert record.warnings == []


@pytest.fixture
def soon_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a hold be judged after as many samples as ever, which come sooner."""
    monkeypatch.setattr("krobench.api.specs.scaletest.STEADY_SECONDS", 0.0)
    others = tuple(rule for rule in KroScaleTestSpec.rules if rule.field != "sizes.soak")
    monkeypatch.setattr(KroScaleTestSpec, "rules", others)


async def held(most: str, iterations: int = 1) -> RunRecord:
    return await run(
        MemoryCluster(),
        sizes={"values": [5], "soak": most, "soakUntil": "Steady"},
        warmup=0,
        iterations=iterations,
        collect={"interval": "200ms"},
    )


@pytest.mark.usefixtures("soon_steady")
async def test_a_soak_ends_when_kro_is_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    sample_of(SampledKro(growth=0), monkeypatch)
    record = await held("1m")
    [iteration] = record.tests[0].iterations
    assert iteration.soak is not None
    assert iteration.soak.steady is True
    assert 1.2 <= iteration.soak.seconds < 10
    assert iteration.soak.memory_bytes_per_second == 0
    assert record.warnings == []


@pytest.mark.usefixtures("soon_steady")
async def test_a_growing_kro_soaks_for_the_whole_time_with_one_warning_a_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sample_of(SampledKro(growth=2**20), monkeypatch)
    record = await held("1500ms", iterations=2)
    holds = [done.soak for done in record.tests[0].iterations]
    assert len(holds) == 2
    for each in holds:
        assert each is not None
        assert each.seconds >= 1.5
        assert each.steady is False
        assert each.memory_bytes_per_second is not None
        assert each.memory_bytes_per_second > 2**20
    [warning] = record.warnings
    assert warning.startswith(
        "instances-5: kro was not steady after a soak of 1.5s: memory still grew"
    )
    assert warning.endswith(" MiB/min")


@pytest.mark.usefixtures("soon_steady")
async def test_a_kro_without_samples_soaks_for_the_whole_time_with_a_warning() -> None:
    record = await held("1200ms")
    [iteration] = record.tests[0].iterations
    assert iteration.soak is not None
    assert iteration.soak.seconds >= 1.2
    assert (iteration.soak.steady, iteration.soak.memory_bytes_per_second) == (None, None)
    [warning] = record.warnings
    assert warning == (
        "instances-5: whether kro was steady is unknown, so the soak lasted for its whole 1.2s: "
        "kro's process_resident_memory_bytes was not sampled"
    )
