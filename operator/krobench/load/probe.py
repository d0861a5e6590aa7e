"""How late a watch is: the error of all timings, measured next to them.

Latencies end when a watch event arrives. Under load, events arrive late: the API server sends them
late, or we read them late. So a probe ConfigMap is written twice a second, and the event of each
write is timed by the same code in the same event loop.
"""

import asyncio
import contextlib
import itertools
import logging
from dataclasses import dataclass
from typing import Self

from krobench.api.common import COMPONENT_LABEL
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError
from krobench.kube.timing import Timing
from krobench.kube.watch import Watch
from krobench.load.loops import RunClock, cancel

logger = logging.getLogger(__name__)

PROBE_COMPONENT = "watch-probe"

_FIRST = "first"
_ANNOTATION = "bench.kro.run/probe"


@dataclass(frozen=True)
class WatchLag:
    seconds: list[float]
    """The lag of each write whose event has arrived."""
    missing: int
    """Writes whose event has not arrived."""
    failure: str | None = None
    """Why the probe stopped, if it did."""


class WatchProbe:
    """Measures from entry to exit; an async context manager that never fails the run.

    The lag of a write is the time from its answer until its watch event, or zero if the event
    arrives first. A write is stored shortly before it is answered, so the lag is understated by at
    most the time of such an answer.
    """

    def __init__(
        self,
        client: KubeClient,
        clock: RunClock,
        namespace: str,
        name: str,
        labels: dict[str, str],
        timing: Timing,
    ) -> None:
        self._client = client
        self._clock = clock
        self._collection = paths.core("configmaps", namespace)
        self._name = name
        self._labels = labels | {COMPONENT_LABEL: PROBE_COMPONENT}
        self._timing = timing
        selector = ",".join(f"{key}={value}" for key, value in self._labels.items())
        self._watch = Watch(client, self._collection, selector)
        self._answered: dict[str, float] = {}
        self._arrived: dict[str, float] = {}
        self._standing = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._failure: str | None = None

    def result(self) -> WatchLag:
        seconds = [
            max(0.0, self._arrived[number] - answered)
            for number, answered in self._answered.items()
            if number in self._arrived
        ]
        return WatchLag(seconds, len(self._answered) - len(seconds), self._failure)

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._writer is not None:
            await cancel(self._writer)
        # If this fails, the cleanup finds the probe by the run's label.
        with contextlib.suppress(KubeError):
            await self._client.delete(f"{self._collection}/{self._name}")

    async def _write(self) -> None:
        try:
            metadata = {"name": self._name, "labels": self._labels}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
            await self._client.create(self._collection, body)
            await self._watch.start()
        except KubeError as error:
            self._give_up(error)
            return
        listener = asyncio.create_task(self._listen())
        try:
            # The first event may wait for the watch's connection, so it is not counted.
            await self._write_once(_FIRST)
            await self._standing.wait()
            for number in itertools.count():
                await self._write_once(str(number))
                await asyncio.sleep(self._timing.probe_interval)
        except KubeError as error:
            self._give_up(error)
        finally:
            # The event of a write just before the end may still arrive.
            if self.result().missing:
                await asyncio.sleep(self._timing.probe_last_event)
            await cancel(listener)

    async def _write_once(self, number: str) -> None:
        body = {"metadata": {"annotations": {_ANNOTATION: number}}}
        try:
            await self._client.patch(f"{self._collection}/{self._name}", body, retries=0)
        except (ApiError, ApiUnreachableError) as error:
            if not error.transient:
                raise
            return  # if the server is busy, the lag of the next write matters most
        if number != _FIRST:
            self._answered[number] = self._clock.now()

    async def _listen(self) -> None:
        try:
            async for event in self._watch.events():
                annotations = event.object["metadata"].get("annotations") or {}
                self._standing.set()
                if _ANNOTATION in annotations:
                    moment = self._clock.of(event.received_monotonic)
                    self._arrived.setdefault(annotations[_ANNOTATION], moment)
        except KubeError as error:
            self._give_up(error)

    def _give_up(self, error: KubeError) -> None:
        logger.warning("the watch's lag is no longer measured: %s", error)
        self._failure = str(error)
