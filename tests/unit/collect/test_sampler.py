import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from krobench.api.specs.collect import Collect
from krobench.api.specs.kro import Target
from krobench.collect.exposition import Reading
from krobench.collect.sampler import Sampler
from krobench.collect.source import Scrape, SourceUnavailableError
from krobench.collect.sources import Scope
from krobench.figures.environment import KroFingerprint
from krobench.figures.rawdata import SourceName
from krobench.figures.reasons.sources import Exposition, NotReadable
from krobench.kube.config import ClientConfig
from krobench.kube.kropods import KroPod

POD = KroPod("n", "p", "", "node", "kro", 1, KroFingerprint(namespace="n", pod="p"))


class FakeSource:
    def __init__(self, name: SourceName, problem: str | None = None) -> None:
        self.name = name
        self._problem = problem
        self.thread: threading.Thread | None = None
        self.closed = False

    async def scrape(self) -> Scrape:
        self.thread = threading.current_thread()
        if self._problem:
            raise SourceUnavailableError(
                NotReadable(exposition=Exposition.KUBELET, detail=self._problem)
            )
        return Scrape([Reading("m", 1.0, None)], scraped_bytes=10)

    async def close(self) -> None:
        self.closed = True


class NoTracker:
    restarts: tuple[()] = ()


def sampler(
    monkeypatch: pytest.MonkeyPatch,
    *sources: FakeSource,
    now: Callable[[], float] = lambda: 42.0,
    interval: str = "5m",
) -> Sampler:
    async def opened(*_: object) -> Any:
        return sources, NoTracker()

    monkeypatch.setattr("krobench.collect.sampler.open_sources", opened)
    scope = Scope(Target(), POD, Collect(interval=interval), frozenset(), now)
    return Sampler(ClientConfig("http://nowhere", None, lambda: None), scope)


async def test_snapshots_are_taken_in_a_thread_of_their_own_and_handed_over_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = FakeSource("kro")
    async with sampler(monkeypatch, source) as running:
        await running.snapshot()
        collected = running.take()
        assert running.take().samples == []
    assert source.thread is not threading.current_thread()
    assert source.closed
    kro = [sample for sample in collected.samples if sample.source == "kro"]
    assert [(s.seconds, s.metric, s.value) for s in kro] == [(42.0, "m", 1.0)]
    cost = {sample.metric: sample.value for sample in collected.samples if sample not in kro}
    assert cost['scrapes_total{source="kro"}'] == 1
    assert cost['scraped_bytes_total{source="kro"}'] == 10
    assert cost["collectors_cpu_seconds_total"] > 0


async def test_a_source_that_fails_has_a_gap_and_does_not_affect_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = FakeSource("kubelet", problem="403")
    async with sampler(monkeypatch, broken, FakeSource("kro")) as running:
        await running.snapshot()
        await running.snapshot()
        collected = running.take()
    assert len([s for s in collected.samples if s.source == "kro"]) == 2
    gaps = collected.gaps["kubelet"]
    assert (gaps.count, gaps.first_seconds, gaps.last_seconds) == (2, 42.0, 42.0)
    assert gaps.last == NotReadable(exposition=Exposition.KUBELET, detail="403")


class SlowSource(FakeSource):
    """Takes a second of the run's clock for each scrape."""

    clock = 0.0

    async def scrape(self) -> Scrape:
        await asyncio.sleep(0.02)
        self.clock += 1.0
        return await super().scrape()


async def test_a_source_that_takes_long_rests_after_a_snapshot_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("krobench.collect.sampler._SLOW_SECONDS", 0.0)
    large, small = SlowSource("apiserver"), FakeSource("kro")
    async with sampler(
        monkeypatch, large, small, now=lambda: large.clock, interval="200ms"
    ) as running:
        await running.snapshot()
        sampled: Counter[str] = Counter()
        async with asyncio.timeout(10):
            while sampled["kro"] < 3:
                await asyncio.sleep(0.05)
                sampled.update(sample.source for sample in running.take().samples)
    assert sampled["apiserver"] == 1


async def test_a_snapshot_waits_for_a_scrape_in_progress_and_scrapes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = SlowSource("kro")
    async with sampler(monkeypatch, source, now=lambda: source.clock) as running:
        await asyncio.gather(running.snapshot(), running.snapshot())
        samples = running.take().samples
    assert [s.seconds for s in samples if s.source == "kro"] == [0.0, 1.0]
