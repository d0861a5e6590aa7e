"""Soaks, against an API server in memory and a kro that is only sampled."""

import time

import pytest
from doubles.cluster import MemoryCluster
from emulated.scaletests import run, trials
from emulated.test_load import NoTracker, quick

from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.collect.exposition import Reading
from krobench.collect.source import Scrape
from krobench.findings.steady import NotSampled
from krobench.record.run import RunRecord

assert quick  # a fixture that is used here too


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
def short_soaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept a soak that would be too short for a real kro."""
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


@pytest.mark.usefixtures("short_soaks")
async def test_a_soak_ends_when_kro_is_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    sample_of(SampledKro(growth=0), monkeypatch)
    record = await held("1m")
    [iteration] = record.tests[0].iterations
    assert iteration.soak is not None
    assert iteration.soak.steady is True
    assert 1.2 <= iteration.soak.seconds < 10
    assert iteration.soak.memory_bytes_per_second == 0
    assert record.warnings == []


@pytest.mark.usefixtures("short_soaks")
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
        assert "MemoryChanging" in [found.code for found in each.unsteady]
    [warning] = record.warnings
    assert warning.startswith("instances-5: ")


@pytest.mark.usefixtures("short_soaks")
async def test_a_kro_without_samples_soaks_for_the_whole_time_with_a_warning() -> None:
    record = await held("1200ms")
    [iteration] = record.tests[0].iterations
    assert iteration.soak is not None
    assert iteration.soak.seconds >= 1.2
    assert (iteration.soak.steady, iteration.soak.memory_bytes_per_second) == (None, None)
    assert iteration.soak.unsteady == [NotSampled(metric="process_resident_memory_bytes")]
    [warning] = record.warnings
    assert warning.startswith("instances-5: ")
