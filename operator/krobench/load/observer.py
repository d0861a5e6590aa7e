"""Following objects by watch, each with its own line of timings."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Self

from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.watch import Watch, WatchCost, WatchEvent
from krobench.load import lifecycle
from krobench.load.clock import RunClock
from krobench.load.followed import Followed
from krobench.record.lines import ObjectRecord

# kro builds a graph again after a failure, and may succeed once a kind it needs has appeared.
REJECTION_GRACE_SECONDS = 3.0


class RgdRejectedError(Exception):
    """kro does not accept an RGD; the message is kro's own."""


Apply = Callable[[Followed, JsonObject, float], None]
Identify = Callable[[JsonObject], str]
"""From an object to the name of the followed object that it tells of."""


def name_of(item: JsonObject) -> str:
    """Return the object's own name."""
    name: str = item["metadata"]["name"]
    return name


class Observer:
    """Watches one collection and keeps the records of the objects announced to it.

    Use as an async context manager: on entry the watch stands, so that no event of an object
    created afterwards is missed.
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
        """Return an observer of objects of another kind that tell of the same followed ones."""
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
        """How often the watch broke; timings around that are coarser."""
        return self._watch.interruptions

    @property
    def cost(self) -> WatchCost:
        """What the watch took of the CPU so far."""
        return self._watch.cost

    def follow(self, record: ObjectRecord) -> Followed:
        """Announce an object that is about to be created."""
        followed = Followed(record)
        self._followed[record.name] = followed
        return followed

    def all(self) -> Iterable[Followed]:
        """Return everything that was announced."""
        return self._followed.values()

    async def _consume(self) -> None:
        try:
            async for event in self._watch.events():
                self._take(event)
        except KubeError as error:
            for followed in self._followed.values():
                followed.fail(error)

    def _take(self, event: WatchEvent) -> None:
        followed = self._followed.get(self._identify(event.object))
        if followed is None:
            return
        seconds = self._clock.of(event.received_monotonic)
        if event.type == "DELETED":
            if self._identify is not name_of:
                return
            followed.became_gone(seconds)
            return
        self._apply(followed, event.object, seconds)


def apply_instance(followed: Followed, item: JsonObject, seconds: float) -> None:
    """Record what an instance's new state says."""
    record = followed.record
    if record.active_seconds is None and lifecycle.state(item) == "active":
        record.active_seconds = seconds
    if lifecycle.is_ready(item):
        followed.became_ready(item["metadata"].get("generation", 0), seconds)
    else:
        followed.problem = lifecycle.problem(item)


def apply_rgd(followed: Followed, item: JsonObject, seconds: float) -> None:
    """Record what an RGD's new state says; one that stays rejected ends the waiting."""
    record = followed.record
    if record.picked_up_seconds is None and item["metadata"].get("finalizers"):
        record.picked_up_seconds = seconds
    rejected = lifecycle.rejection(item)
    first_time = followed.problem is None
    followed.problem = rejected
    if rejected is not None:
        if first_time:
            asyncio.get_running_loop().call_later(
                REJECTION_GRACE_SECONDS, _fail_if_rejected, followed
            )
        return
    if record.accepted_seconds is None and lifecycle.is_true(item, "GraphAccepted"):
        record.accepted_seconds = seconds
    if record.active_seconds is None and lifecycle.state(item) == "active":
        record.active_seconds = seconds
    if lifecycle.is_ready(item):
        followed.became_ready(item["metadata"].get("generation", 0), seconds)


def _fail_if_rejected(followed: Followed) -> None:
    if followed.problem is not None:
        followed.fail(RgdRejectedError(followed.problem))
