"""Requests beside the load, as other clients of an API server send them: lists and updates.

They make the API server busy, not kro. Their rate does not depend on how long answers take.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

from krobench.api.common import COMPONENT_LABEL
from krobench.api.specs.load import Background
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError
from krobench.kube.transport import JSON
from krobench.load.loops import RunClock, cancel
from krobench.record.test import BackgroundRecord

logger = logging.getLogger(__name__)

BACKGROUND_COMPONENT = "background"

_CONFIG_MAPS = 10
_UNANSWERED = 64
_ANNOTATION = "bench.kro.run/background"


class BackgroundLoad:
    """Sends requests from entry to exit; an async context manager that never fails the run."""

    def __init__(
        self,
        client: KubeClient,
        clock: RunClock,
        namespace: str,
        prefix: str,
        labels: dict[str, str],
        asked: Background | None,
    ) -> None:
        """``prefix`` is what the names of the ConfigMaps begin with that are updated."""
        self._client = client
        self._clock = clock
        self._collection = paths.core("configmaps", namespace)
        self._names = [f"{prefix}background-{number}" for number in range(_CONFIG_MAPS)]
        self._labels = labels | {COMPONENT_LABEL: BACKGROUND_COMPONENT}
        self._asked = asked
        self._gate = asyncio.Semaphore(_UNANSWERED)
        self._senders: list[asyncio.Task[None]] = []
        self._unanswered: set[asyncio.Task[None]] = set()
        self._record = BackgroundRecord()
        self._began = 0.0

    def result(self) -> BackgroundRecord | None:
        """Return what was sent; None if nothing was asked for."""
        return self._record if self._asked is not None else None

    async def __aenter__(self) -> Self:
        if self._asked is None:
            return self
        for name in self._names if self._asked.writes else ():
            metadata = {"name": name, "labels": self._labels}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
            try:
                await self._client.create(self._collection, body)
            except KubeError as error:
                logger.warning("the background has no ConfigMap to update: %s", error)
        self._began = self._clock.now()
        rates = ((self._asked.reads, self._read), (self._asked.writes, self._write))
        self._senders = [asyncio.create_task(self._send(*each)) for each in rates if each[0]]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._asked is None:
            return
        self._record.seconds = round(self._clock.now() - self._began, 3)
        await cancel(*self._senders)
        await cancel(*self._unanswered)
        # If this fails, the cleanup finds the rest by the run's label.
        for name in self._names if self._asked.writes else ():
            with suppress(KubeError):
                await self._client.delete(f"{self._collection}/{name}")

    async def _send(self, rate: float, request: Callable[[int], Awaitable[None]]) -> None:
        origin, number = self._clock.now(), 0
        while True:
            await self._clock.sleep_until(origin + number / rate)
            if self._gate.locked():
                self._record.skipped += 1
            else:
                task = asyncio.create_task(self._counted(request, number))
                self._unanswered.add(task)
                task.add_done_callback(self._unanswered.discard)
            number += 1

    async def _counted(self, request: Callable[[int], Awaitable[None]], number: int) -> None:
        async with self._gate:
            try:
                await request(number)
            except (ApiError, ApiUnreachableError):
                self._record.failed += 1

    async def _read(self, _: int) -> None:
        await self._client.get_text(self._collection, JSON, retries=0)
        self._record.reads += 1

    async def _write(self, number: int) -> None:
        path = f"{self._collection}/{self._names[number % _CONFIG_MAPS]}"
        body = {"metadata": {"annotations": {_ANNOTATION: str(number)}}}
        await self._client.patch(path, body, retries=0)
        self._record.writes += 1
