"""Observing objects by watch, each with the records of its operations."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Self

from krobench.figures.rawdata import ObjectRecord
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.watch import Watch, WatchCost
from krobench.load.loops import RunClock


class Pending:
    """An update that has not taken effect yet."""

    def __init__(self, record: ObjectRecord) -> None:
        self.record = record
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.generation: int | None = None
        """Generation that the update created; None until it is answered."""

    def finish(self, seconds: float) -> None:
        """Record when the update took effect."""
        if not self.done.done():
            self.record.ready_seconds = seconds
            self.done.set_result(None)


class Followed:
    """An object that is observed. There may be many thousands, so it is kept small."""

    __slots__ = (
        "_gone",
        "_is_gone",
        "_ready_generation",
        "_ready_seconds",
        "_updates",
        "deletion",
        "failing",
        "generation",
        "problem",
        "ready",
        "record",
    )

    def __init__(self, record: ObjectRecord) -> None:
        self.record = record
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.deletion: ObjectRecord | None = None
        self.problem: str | None = None
        self.failing = False
        """Whether kro says that it failed, and not only that it waits."""
        self.generation = 1
        """Of the latest spec that the API server accepted."""
        self._gone: asyncio.Future[None] | None = None
        self._is_gone = False
        self._updates: tuple[Pending, ...] = ()
        self._ready_generation = -1
        self._ready_seconds = 0.0

    def fail(self, error: Exception) -> None:
        """End all waiting for this object with an error."""
        for future in (self.ready, *(update.done for update in self._updates)):
            if not future.done():
                future.set_exception(error)
                # If nobody waits any more, asyncio would warn that the error was never retrieved.
                future.add_done_callback(lambda done: done.exception())

    def expect(self, update: Pending, generation: int) -> None:
        """Wait until this generation is ready; its event may have arrived already."""
        self.generation = update.generation = generation
        if self._ready_generation >= generation:
            update.finish(self._ready_seconds)
        else:
            self._updates = (*self._updates, update)

    def became_ready(self, generation: int, seconds: float) -> None:
        """Record that the object is ready with the spec of this generation."""
        if self.record.ready_seconds is None:
            self.record.ready_seconds = seconds
        if not self.ready.done():
            self.ready.set_result(None)
        if generation > self._ready_generation:
            self._ready_generation, self._ready_seconds = generation, seconds
        for update in self._updates:
            if update.generation is not None and generation >= update.generation:
                update.finish(seconds)
        self._updates = tuple(update for update in self._updates if not update.done.done())

    def became_gone(self, seconds: float) -> None:
        """Record that the object is deleted."""
        self._is_gone = True
        if self.deletion is not None:
            self.deletion.gone_seconds = seconds
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    @property
    def is_gone(self) -> bool:
        """Whether the object has been deleted, by us or by somebody else."""
        return self._is_gone

    def when_gone(self) -> "asyncio.Future[None]":
        """Return a future that is done when the object is deleted."""
        self._gone = asyncio.get_running_loop().create_future()
        if self._is_gone:
            self._gone.set_result(None)
        return self._gone


Apply = Callable[[Followed, JsonObject, float], None]
Identify = Callable[[JsonObject], str]
"""From an object to the name of the followed object that it belongs to."""


def name_of(item: JsonObject) -> str:
    name: str = item["metadata"]["name"]
    return name


class Observer:
    """Watches one collection, and keeps the records of the objects announced to it.

    Use it as an async context manager: once entered, it misses no event of objects that are created
    afterwards.
    """

    def __init__(
        self, client: KubeClient, clock: RunClock, path: str, label_selector: str, apply: Apply
    ) -> None:
        self._client = client
        self._watch = Watch(client, path, label_selector)
        self._clock = clock
        self._apply = apply
        self._identify: Identify = name_of
        self._followed: dict[str, Followed] = {}
        self._task: asyncio.Task[None] | None = None

    def companion(
        self, path: str, label_selector: str, apply: Apply, identify: Identify
    ) -> "Observer":
        """Return an observer of another kind, whose objects belong to the same followed ones."""
        other = Observer(self._client, self._clock, path, label_selector, apply)
        other._identify = identify
        other._followed = self._followed
        return other

    async def __aenter__(self) -> Self:
        await self._watch.start()
        self._task = asyncio.create_task(self._consume())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def interruptions(self) -> int:
        """How often the watch broke; timings around these moments are coarser."""
        return self._watch.interruptions

    @property
    def cost(self) -> WatchCost:
        return self._watch.cost

    def follow(self, record: ObjectRecord) -> Followed:
        """Announce an object that is about to be created."""
        followed = Followed(record)
        self._followed[record.name] = followed
        return followed

    def all(self) -> Iterable[Followed]:
        return self._followed.values()

    async def _consume(self) -> None:
        try:
            async for event in self._watch.events():
                followed = self._followed.get(self._identify(event.object))
                if followed is None:
                    continue
                seconds = self._clock.of(event.received_monotonic)
                if event.type != "DELETED":
                    self._apply(followed, event.object, seconds)
                elif self._identify is name_of:
                    followed.became_gone(seconds)
        except KubeError as error:
            for followed in self._followed.values():
                followed.fail(error)
