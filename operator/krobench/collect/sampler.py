"""Sampling at an interval, and at chosen moments, each sample with its own time."""

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from krobench.api.notation import duration_seconds, labelled
from krobench.collect.source import Scrape, Source, SourceUnavailableError
from krobench.collect.sources import Scope, open_sources
from krobench.figures.rawdata import Sample, SourceName
from krobench.figures.reasons.sources import NoAnswerInTime, ScrapesFailed, SourceReason
from krobench.figures.summaries import KroRestart
from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig

logger = logging.getLogger(__name__)

# The API server's exposition is by far the largest; rendering it each second would load the
# very server whose load is measured. The kubelet's own figures are some ten seconds apart.
_SLOW_SOURCES: frozenset[SourceName] = frozenset({"apiserver", "kubelet", "etcd"})
_SLOW_SECONDS = 5.0
# An API server that has served many kinds takes a second of CPU time for an exposition of 20 MB:
# such a source is scraped so rarely that it spends at most 2 % of the time on it.
_PAUSE_FACTOR = 50
# Each try to find a kro that does not answer takes requests to the API server.
_LONGEST_RETRY_SECONDS = 5.0
_SCRAPE_TIMEOUT_SECONDS = 20.0
_CONNECTIONS = 8


CPU_SECONDS = "collectors_cpu_seconds_total"
PROCESS_CPU_SECONDS = "process_cpu_seconds_total"


class Overhead:
    """What sampling takes, as samples of the source ``krobench``: scrapes and CPU time."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._parse_seconds: dict[str, float] = {}

    def count(self, source: SourceName, scrape: Scrape) -> None:
        """Count a scrape that gave something."""
        of = {"source": source}
        self._counts[labelled("scrapes_total", of)] += 1
        self._counts[labelled("scraped_bytes_total", of)] += scrape.scraped_bytes
        name = labelled("parse_cpu_seconds_total", of)
        self._parse_seconds[name] = self._parse_seconds.get(name, 0.0) + scrape.parse_cpu_seconds

    def count_failure(self, source: SourceName) -> None:
        """Count a scrape that failed."""
        self._counts[labelled("failed_scrapes_total", {"source": source})] += 1

    def readings(self) -> Iterator[tuple[str, float]]:
        """Yield all counters; call it in the thread whose CPU time counts."""
        yield CPU_SECONDS, time.thread_time()
        # The whole load Job, of which the collectors are a part.
        yield PROCESS_CPU_SECONDS, time.process_time()
        yield from self._counts.items()
        yield from self._parse_seconds.items()


@dataclass
class Collected:
    """Samples since the previous :meth:`Sampler.take`; times are on the run's clock."""

    samples: list[Sample] = field(default_factory=list)
    """In order of time."""
    gaps: dict[SourceName, ScrapesFailed] = field(default_factory=dict)
    kro_restarts: list[KroRestart] = field(default_factory=list)
    silent: dict[str, SourceReason] = field(default_factory=dict)
    """Parts of sources that gave nothing at some time, and why."""


class Sampler:
    """Samples its sources in the background; an async context manager.

    It runs in its own thread, with its own event loop and connections: a large exposition delays no
    request of the load, and the cost of sampling can be separated from that of the load. Samples go
    to the event loop that entered the context.
    """

    def __init__(self, config: ClientConfig, scope: Scope) -> None:
        self._config = config
        self._scope = scope
        self._interval_seconds = duration_seconds(scope.collect.interval)
        self._overhead = Overhead()
        self._collected = Collected()
        self._restarts_seen = 0
        self._turns: dict[SourceName, asyncio.Lock] = {}
        self._rest_until: dict[SourceName, float] = {}
        """When a slow source may be sampled again, except by a snapshot; on the run's clock."""
        self._requests_kept = 0
        self.snapshot_seconds = 0.0
        """How long the latest snapshot took."""
        self._ready: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._serve, name="collectors", daemon=True)

    async def __aenter__(self) -> Self:
        self._home = asyncio.get_running_loop()
        self._thread.start()
        await asyncio.wrap_future(self._ready)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._away.call_soon_threadsafe(self._stop.set)
        await asyncio.to_thread(self._thread.join)

    async def snapshot(self) -> None:
        """Sample every source now, as at the border of a phase."""
        began = self._scope.now()
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._sample_all(), self._away))
        self.snapshot_seconds = self._scope.now() - began

    @property
    def samples(self) -> Sequence[Sample]:
        """What was sampled since :meth:`take` was called last."""
        return self._collected.samples

    @property
    def intervals(self) -> dict[SourceName, float]:
        """Seconds between two samples of each source that keeps its time."""
        steady = (source.name for source in self._sources if source.name not in _SLOW_SOURCES)
        return dict.fromkeys(steady, self._interval_seconds)

    @property
    def requests(self) -> int:
        """Requests to the API server that sampling took so far."""
        return self._requests_kept

    def take(self) -> Collected:
        """Return what was sampled since this was called last."""
        taken, self._collected = self._collected, Collected()
        return taken

    def _serve(self) -> None:
        try:
            asyncio.run(self._collect())
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            else:
                logger.exception("the collectors ended")

    async def _collect(self) -> None:
        self._away = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            self._client = KubeClient(self._config, _CONNECTIONS)
            await stack.enter_async_context(self._client)
            self._sources, self._tracker = await open_sources(self._client, self._scope)
            for source in self._sources:
                stack.push_async_callback(source.close)
            tasks = [asyncio.create_task(self._loop(source)) for source in self._sources]
            self._ready.set_result(None)
            await self._stop.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _loop(self, source: Source) -> None:
        slow = source.name in _SLOW_SOURCES
        interval = max(self._interval_seconds, _SLOW_SECONDS if slow else 0.0)
        pause = interval
        while True:
            await asyncio.sleep(pause)
            rest = self._rest_until.get(source.name, 0.0) - self._scope.now()
            if slow and rest > 0:
                pause = rest  # also after a snapshot: a load of seconds then has no other
            elif await self._sample(source):
                pause = interval
            else:
                pause = max(interval, min(2 * pause, _LONGEST_RETRY_SECONDS))

    async def _sample_all(self) -> None:
        await asyncio.gather(*(self._sample(source) for source in self._sources))
        seconds = self._scope.now()
        self._hand_over(
            [
                Sample(seconds=seconds, source="krobench", metric=name, value=value, at=None)
                for name, value in self._overhead.readings()
            ]
        )

    async def _sample(self, source: Source) -> bool:
        """Sample a source; whether it gave anything.

        A sample's time is that of its request. One that was in progress when a phase ended
        must not pass for one after the phase: a large exposition takes more than a second. So a
        snapshot also waits for it, and then asks again.
        """
        name = source.name
        async with self._turns.setdefault(name, asyncio.Lock()):
            seconds = self._scope.now()
            try:
                async with asyncio.timeout(_SCRAPE_TIMEOUT_SECONDS):
                    scrape = await source.scrape()
            except SourceUnavailableError as error:
                self._failed(name, error.reason)
            except TimeoutError:
                self._failed(name, NoAnswerInTime(seconds=_SCRAPE_TIMEOUT_SECONDS))
            else:
                now = self._scope.now()
                self._rest_until[name] = now + (now - seconds) * _PAUSE_FACTOR
                self._overhead.count(name, scrape)
                samples = [
                    Sample(
                        seconds=seconds,
                        source=name,
                        metric=r.key,
                        value=r.value,
                        at=r.timestamp_seconds,
                    )
                    for r in scrape.readings
                ]
                self._hand_over(samples, scrape.silent)
                return True
        return False

    def _hand_over(
        self, samples: list[Sample], silent: Mapping[str, SourceReason] | None = None
    ) -> None:
        seen = self._tracker.restarts if self._tracker is not None else []
        restarts = seen[self._restarts_seen :]
        self._restarts_seen += len(restarts)
        requests = self._client.requests.total()
        self._home.call_soon_threadsafe(self._keep, samples, restarts, requests, silent or {})

    def _keep(
        self,
        samples: list[Sample],
        restarts: list[KroRestart],
        requests: int,
        silent: Mapping[str, SourceReason],
    ) -> None:
        self._collected.samples += samples
        self._collected.kro_restarts += restarts
        self._requests_kept = requests
        self._collected.silent |= silent

    def _failed(self, source: SourceName, problem: SourceReason) -> None:
        self._overhead.count_failure(source)
        self._home.call_soon_threadsafe(self._keep_gap, source, self._scope.now(), problem)

    def _keep_gap(self, source: SourceName, seconds: float, problem: SourceReason) -> None:
        earlier = self._collected.gaps.get(source)
        if earlier is None:
            logger.warning("no sample: %r", problem)
        self._collected.gaps[source] = ScrapesFailed(
            count=1 if earlier is None else earlier.count + 1,
            first_seconds=seconds if earlier is None else earlier.first_seconds,
            last_seconds=seconds,
            last=problem,
        )
