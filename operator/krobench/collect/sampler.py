"""Sampling at an interval, and at chosen moments, each sample with its own time."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from krobench.collect.sources import Source, SourceUnavailableError
from krobench.model.rawlines import Sample

logger = logging.getLogger(__name__)

# The API server's exposition is by far the largest; rendering it each second would load the
# very server whose load is measured. The kubelet's own figures are some ten seconds apart.
_SLOW_SOURCES = frozenset({"apiserver", "kubelet"})
_SLOW_FACTOR = 5


class Sampler:
    """Samples its sources in the background; an async context manager.

    ``samples`` holds all samples in order of time; ``failures`` the last problem of each source
    that failed.
    """

    def __init__(
        self, sources: Sequence[Source], interval_seconds: float, now: Callable[[], float]
    ) -> None:
        self._sources = sources
        self._interval_seconds = interval_seconds
        self._now = now
        self._tasks: list[asyncio.Task[None]] = []
        self.samples: list[Sample] = []
        self.failures: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._loop(source)) for source in self._sources]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def snapshot(self) -> None:
        """Sample every source now, as at the border of a phase."""
        await asyncio.gather(*(self._sample(source) for source in self._sources))

    async def _loop(self, source: Source) -> None:
        factor = _SLOW_FACTOR if source.name in _SLOW_SOURCES else 1
        while True:
            await asyncio.sleep(self._interval_seconds * factor)
            await self._sample(source)

    async def _sample(self, source: Source) -> None:
        try:
            readings = await source.scrape()
        except SourceUnavailableError as error:
            if source.name not in self.failures:
                logger.warning("no sample: %s", error)
            self.failures[source.name] = str(error)
            return
        seconds = self._now()
        self.samples.extend(
            Sample.model_construct(
                seconds=seconds,
                source=source.name,
                metric=reading.key,
                value=reading.value,
                at=reading.timestamp_seconds,
            )
            for reading in readings
        )
