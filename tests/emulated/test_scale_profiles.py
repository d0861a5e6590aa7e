"""Profiles in a scale test, of a kro that has been profiled often."""

import time

import pytest
from doubles.cluster import MemoryCluster
from emulated.scaletests import run, trials
from emulated.test_load import quick
from emulated.test_profiles import FakePprof

from krobench.findings.recommendation import CheaperCode

assert quick  # a fixture that is used here too


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
    steps = {"values": [5], "soak": "3s"}
    collect = {"profiles": ["cpu"]}
    began = time.monotonic()
    record = await run(MemoryCluster(), sizes=steps, iterations=1, warmup=0, collect=collect)
    assert [done.profiled for done in record.tests[0].iterations] == [False, True]
    assert 3.0 < time.monotonic() - began < 6.0, "held once"
