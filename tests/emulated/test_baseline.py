"""What a run is compared with, and what is kept of it, from end to end."""

from typing import Any

import orjson
import pytest
from doubles.cluster import MemoryCluster
from emulated.test_load import quick, run_suite

from krobench.analysis.comparison.estimates import condense
from krobench.api.kinds import RunKind, RunRef, ScheduleRef
from krobench.api.specs.results import DifferenceKind
from krobench.api.status import Verdict
from krobench.findings.comparison import MetricVerdict, Replicates
from krobench.findings.incomparable import NotComparable, RunsDiffer
from krobench.record.baseline import Baseline
from krobench.record.run import RunRecord
from krobench.record.store import RunLines, write_config_maps

__all__ = ["quick"]

METRIC = "throughput.instancesPerSecond"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def single(instances: int = 3) -> dict[str, Any]:
    return {"name": "a", "workload": {"scenario": "single", "instances": instances}}


async def run(cluster: MemoryCluster, baseline: dict[str, Any] | None, **spec: Any) -> RunRecord:
    if baseline is not None:
        spec["baseline"] = baseline
    return await run_suite(cluster, [single()], **spec)


async def store(cluster: MemoryCluster, name: str, data: dict[str, str]) -> None:
    await cluster.create(CONFIG_MAPS, {"metadata": {"name": name}, "data": data})


def as_baseline(record: RunRecord, *factors: float) -> dict[str, str]:
    """A baseline of runs that had the throughput of this one, times each of these factors."""
    runs = [condense(record) for _ in factors]
    for number, (estimates, factor) in enumerate(zip(runs, factors, strict=True)):
        estimates.id = f"run-{number}"
        for iteration in estimates.tests[0].iterations:
            iteration[METRIC] = (iteration[METRIC] or 0.0) * factor
    return {"baseline.json": Baseline(runs=runs).model_dump_json(by_alias=True)}


async def test_a_run_that_is_worse_than_its_baseline_fails_if_the_spec_asks_for_it() -> None:
    cluster = MemoryCluster()
    await store(
        cluster, "fast", as_baseline(await run(cluster, None), 900.0, 950.0, 1000.0, 1050.0)
    )
    source = {"configMapRef": {"name": "fast"}, "primary": [METRIC]}
    record = await run(cluster, source)
    assert record.comparison is not None
    assert record.comparison.verdict is MetricVerdict.WORSE
    assert record.comparison.replicates is Replicates.RUNS
    assert record.verdict is Verdict.PASSED
    again = await run(cluster, source | {"failWhenWorse": True})
    assert again.verdict is Verdict.FAILED


async def test_the_results_of_a_run_serve_as_a_baseline() -> None:
    cluster = MemoryCluster()
    first = await run(cluster, None)
    first.id = "uid-first"
    await store(cluster, "older-results", {"run.json": first.model_dump_json(by_alias=True)})
    record = await run(cluster, {"configMapRef": {"name": "older-results"}})
    assert record.comparison is not None
    assert record.comparison.refused is None


async def test_iterations_that_run_json_had_no_room_for_are_read_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = MemoryCluster()
    first = await run(cluster, None)
    first.id = "uid-large"
    monkeypatch.setattr("krobench.record.store._MAX_RUN_BYTES", 1000)
    owner = RunRef(RunKind.BENCHMARK, "default", "large", first.id)
    _, config_maps = write_config_maps("large-results", owner, first, RunLines())
    for config_map in config_maps:
        await cluster.create(CONFIG_MAPS, config_map)
    record = await run(cluster, {"configMapRef": {"name": "large-results"}})
    assert record.comparison is not None
    assert record.comparison.refused is None
    assert record.comparison.metrics


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (
            None,
            "BaselineNotFound",
            "ConfigMap default/base does not exist; create it with krobench baseline export",
        ),
        ({"x": "{}"}, "BaselineUnreadable", "has no key baseline.json or run.json: it holds x"),
        (
            {"baseline.json": '{"schema": "krobench.baseline/v9"}'},
            "BaselineUnreadable",
            "has schema krobench.baseline/v9",
        ),
    ],
)
async def test_an_unusable_baseline_is_named_and_costs_no_result(
    data: dict[str, str] | None, reason: str, words: str
) -> None:
    cluster = MemoryCluster()
    if data is not None:
        await store(cluster, "base", data)
    record = await run(cluster, {"configMapRef": {"name": "base"}})
    assert record.comparison is not None
    assert isinstance(record.comparison.refused, NotComparable)
    assert record.comparison.refused.error.reason == reason
    assert words in record.comparison.refused.error.message
    assert words in record.warnings[0]
    assert record.verdict is Verdict.PASSED
    assert record.tests[0].summary is not None


async def test_another_workload_is_refused_and_costs_no_result() -> None:
    cluster = MemoryCluster()
    other = await run_suite(cluster, [single(4)])
    await store(cluster, "base", as_baseline(other, 1.0))
    record = await run(cluster, {"configMapRef": {"name": "base"}})
    assert record.comparison is not None
    assert isinstance(record.comparison.refused, RunsDiffer)
    assert record.comparison.refused.kinds == [DifferenceKind.WORKLOAD]
    assert record.verdict is Verdict.PASSED


async def test_runs_of_a_schedule_are_kept_and_compared_with_under_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = MemoryCluster()
    spec: dict[str, Any] = {"results": {"retention": {"runs": 2}}}
    nightly = ScheduleRef("default", "nightly", "5c4ed01e")
    await run(cluster, None, schedule=nightly, **spec)
    monkeypatch.setattr("emulated.test_load.UID", "1a1b2c3d-4e5f-6789-abcd-ef0123456789")
    await cluster.delete(f"{CONFIG_MAPS}/bench-results")
    second = await run(cluster, {"previousRuns": 1}, schedule=nightly, **spec)
    assert second.comparison is not None
    assert second.comparison.refused is None
    kept = [item for path, item in cluster.objects.items() if "/nightly-run-" in path]
    assert len(kept) == 2
    for item in kept:
        assert item["metadata"]["labels"]["bench.kro.run/schedule"] == "nightly"


async def test_the_first_runs_stay_the_baseline_and_are_kept_with_the_last_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = MemoryCluster()
    spec: dict[str, Any] = {"results": {"retention": {"runs": 2}}}
    source = {"previousRuns": 2, "primary": [METRIC]}
    first = await run(cluster, source, **spec)
    assert first.comparison is not None
    assert isinstance(first.comparison.refused, NotComparable)
    assert first.comparison.refused.error.reason == "NoEarlierRuns"
    assert first.warnings == []
    for number in range(1, 5):
        uid = f"{number}a1b2c3d-4e5f-6789-abcd-ef0123456789"
        monkeypatch.setattr("emulated.test_load.UID", uid)
        await cluster.delete(f"{CONFIG_MAPS}/bench-results")
        last = await run(cluster, source, **spec)
    assert last.comparison is not None
    assert [name.partition("(")[2][:8] for name in last.comparison.old_runs] == [
        first.id[:8], "1a1b2c3d",
    ]  # fmt: skip
    assert last.comparison.verdict in {MetricVerdict.INCONCLUSIVE, MetricVerdict.SAME}
    kept = {path: item for path, item in cluster.objects.items() if "-run-" in path}
    stayed = [first.id[:8], "1a1b2c3d", "3a1b2c3d", "4a1b2c3d"]
    assert {path.rpartition("/")[2] for path in kept} == {f"bench-run-{uid}" for uid in stayed}
    for item in kept.values():
        assert "ownerReferences" not in item["metadata"]
        assert RunRecord.model_validate(orjson.loads(item["data"]["run.json"])).comparison
    later = await run(cluster, source | {"since": "2999-01-01T00:00:00Z"}, **spec)
    assert later.comparison is not None
    assert isinstance(later.comparison.refused, NotComparable)
