"""Makes simulated cloud resources ready, each a fixed time after its spec was seen.

It stands for a provider's controller: it writes the status through the status subresource, as
large as that of real resources. Only metadata is watched.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from krobench.api.common import CLOUD_GROUP, rfc3339, utc_now
from krobench.api.specs.workload import Cloud
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.kube.watch import Watch
from krobench.load.loops import RunClock, cancel
from krobench.workload.cloud import CLOUD_VERSION, cloud_details, cloud_plural, ready_status

logger = logging.getLogger(__name__)

_WRITERS = 32


@dataclass
class Simulation:
    """What a simulator did."""

    delay_seconds: float
    """The shortest time until an instance is ready."""
    lags: list[float] = field(default_factory=list)
    """How much later than due each write was sent; of those that are overdue, until now."""
    writes: int = 0
    failed: int = 0
    error: str | None = None


class _Due(NamedTuple):
    seconds: float
    name: str
    uid: str
    generation: int


class CloudSimulator:
    """Simulates from entry to exit; an async context manager.

    What exists when it is entered counts as ready: smaller sizes have left it.
    """

    def __init__(
        self,
        client: KubeClient,
        clock: RunClock,
        namespace: str,
        kind: str,
        cloud: Cloud | None,
    ) -> None:
        """Without a cloud, it does nothing."""
        self._client = client
        self._clock = clock
        self._cloud = cloud
        self._collection = paths.group(CLOUD_GROUP, CLOUD_VERSION, cloud_plural(kind), namespace)
        self._details = cloud_details(cloud.bytes) if cloud is not None else []
        self._seen: dict[str, int] = {}
        """The generation of each object, by its uid, that is ready or will be."""
        self._queue: asyncio.Queue[_Due] = asyncio.Queue()
        self._waiting: set[_Due] = set()
        self._done = Simulation(cloud.delay_seconds if cloud is not None else 0.0)
        self._tasks: list[asyncio.Task[None]] = []

    def result(self) -> Simulation | None:
        """Return what it did so far; None without a cloud."""
        if self._cloud is None:
            return None
        now = self._clock.now()
        overdue = [now - due.seconds for due in self._waiting if due.seconds < now]
        done = self._done
        lags = [*done.lags, *overdue]
        return Simulation(done.delay_seconds, lags, done.writes, done.failed, done.error)

    async def __aenter__(self) -> Self:
        if self._cloud is None:
            return self
        watch = Watch(self._client, self._collection, metadata_only=True)
        for item in await watch.start():
            self._is_new(item["metadata"])
        listener = asyncio.create_task(self._listen(watch, self._cloud.ready_after_seconds))
        writers = (asyncio.create_task(self._write()) for _ in range(_WRITERS))
        self._tasks = [listener, *writers]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await cancel(*self._tasks)

    def _is_new(self, metadata: JsonObject) -> bool:
        """Whether this generation is a new one; it is not from then on."""
        uid, generation = metadata["uid"], metadata.get("generation", 1)
        known = self._seen.get(uid, 0)
        self._seen[uid] = max(known, generation)
        return bool(generation > known)

    async def _listen(self, watch: Watch, delay_seconds: float) -> None:
        try:
            async for event in watch.events():
                metadata = event.object["metadata"]
                if event.type == "DELETED":
                    self._seen.pop(metadata.get("uid", ""), None)
                elif self._is_new(metadata):
                    seconds = self._clock.of(event.received_monotonic) + delay_seconds
                    name, uid = metadata["name"], metadata["uid"]
                    due = _Due(seconds, name, uid, metadata.get("generation", 1))
                    self._waiting.add(due)
                    self._queue.put_nowait(due)
        except KubeError as error:
            self._failed(error)

    async def _write(self) -> None:
        # All wait equally long, so the queue is in the order in which they are due.
        while True:
            due = await self._queue.get()
            await self._clock.sleep_until(due.seconds)
            self._waiting.discard(due)
            self._done.lags.append(self._clock.now() - due.seconds)
            now = rfc3339(utc_now())
            status = ready_status(due.name, due.uid, due.generation, now, self._details)
            try:
                await self._client.patch(
                    f"{self._collection}/{due.name}/status", {"status": status}
                )
                self._done.writes += 1
            except KubeError as error:
                if not (isinstance(error, ApiError) and error.not_found):  # deleted meanwhile
                    self._failed(error)

    def _failed(self, error: KubeError) -> None:
        if self._done.error is None:
            logger.warning("a resource of the cloud cannot be made ready: %s", error)
        self._done.failed += 1
        self._done.error = str(error)
