"""Profiles of a kro that is none, in a load Job against an API server in memory."""

from base64 import b64decode

import pytest
from doubles.cluster import MemoryCluster
from emulated.test_load import quick, run_suite
from unit.analysis.profiling.pprofs import cpu, heap

from krobench.api.status import Verdict
from krobench.collect.kro import PprofError
from krobench.figures.reasons.profiles import PprofForbidden
from krobench.loadjob.errors import AbortedError
from krobench.record.run import RunRecord

__all__ = ["quick"]  # a fixture that all tests here use

CEL = "github.com/google/cel-go/x.New"
TESTS = [{"name": name, "workload": {"scenario": "single", "instances": 2}} for name in ("a", "b")]


class FakePprof:
    """A kro that has been profiled often."""

    problem: str | None = None

    def __init__(self, *_: object) -> None:
        self.heaps = 0

    async def close(self) -> None:
        pass

    async def check(self) -> None:
        if self.problem is not None:
            raise PprofError(PprofForbidden(detail=self.problem))

    async def cpu(self, seconds: int) -> bytes:
        return cpu((CEL, 100))

    async def heap(self) -> bytes:
        self.heaps += 1
        return heap((CEL, 1000 * self.heaps, 10))


async def profile(cluster: MemoryCluster, monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    monkeypatch.setattr("krobench.loadjob.profiling.Pprof", FakePprof)
    return await run_suite(cluster, TESTS, collect={"profiles": ["cpu", "heap"]})


async def test_each_test_is_profiled_when_all_have_been_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = MemoryCluster()
    record = await profile(cluster, monkeypatch)
    assert record.verdict is Verdict.PASSED
    assert record.warnings == []
    assert record.progress.iterations_done == record.progress.iterations_planned == 4
    for test in record.tests:
        assert [item.profiled for item in test.iterations] == [False, True]
        assert test.summary is not None
        assert test.summary.iterations == 1
        assert test.profile is not None
        assert test.profile.cpu is not None
        assert test.profile.cpu.total == 1.0
        assert test.profile.unavailable == {}
    raw = cluster.objects["/api/v1/namespaces/default/configmaps/bench-results-profiles-1"]
    assert b64decode(raw["binaryData"]["profile.b.cpu.pb.gz"]) == cpu((CEL, 100))
    stored = cluster.objects["/api/v1/namespaces/default/configmaps/bench-results"]
    run = RunRecord.model_validate_json(stored["data"]["run.json"])
    assert run.parts["profile.b.cpu.pb.gz"] == ["bench-results-profiles-1"]
    assert "objects.jsonl.gz" in run.parts


async def test_a_kro_that_cannot_be_profiled_takes_nothing_from_the_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakePprof, "problem", "kro has no pprof")
    record = await profile(MemoryCluster(), monkeypatch)
    assert record.verdict is Verdict.PASSED
    for test in record.tests:
        assert test.profile is not None
        reason = PprofForbidden(detail="kro has no pprof")
        assert test.profile.unavailable == {"cpu": reason, "heap": reason}
    assert any(warning.startswith("a: profile cpu") for warning in record.warnings)
    assert [len(test.iterations) for test in record.tests] == [1, 1]
    assert record.progress.iterations_done == record.progress.iterations_planned


async def test_a_kro_that_is_gone_after_the_tests_takes_nothing_from_the_results(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def gone(self: object) -> None:
        raise AbortedError("KroNotFound", "no kro pod")

    monkeypatch.setattr(FakePprof, "check", gone)
    record = await profile(MemoryCluster(), monkeypatch)
    assert record.verdict is Verdict.PASSED
    assert "a: kro was not profiled: KroNotFound: no kro pod" in record.warnings
