"""A watch that survives broken connections."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, cast

import orjson

from krobench.kube.client import METADATA_LIST, METADATA_ONLY, JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError, api_error
from krobench.kube.transport import JSON

logger = logging.getLogger(__name__)

EventType = Literal["ADDED", "MODIFIED", "DELETED"]

_GONE = 410
_SERVER_TIMEOUT_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change of one object."""

    type: EventType
    object: JsonObject
    received_monotonic: float
    """``time.monotonic()`` when its line had arrived, before it was parsed."""


@dataclass
class WatchCost:
    """The CPU time of a watch: parsing its events, and what its consumer does with them."""

    events: int = 0
    cpu_seconds: float = 0.0
    """CPU time of the thread, without reading from the network."""

    def add(self, other: "WatchCost") -> None:
        self.events += other.events
        self.cpu_seconds += other.cpu_seconds


class Watch:
    """Yields every change of a collection after :meth:`start` has returned.

    After a broken connection it continues where it was. If the API server no longer has that part
    of the history, it lists the collection again: no final *state* is missed, but intermediate
    states may be. ``interruptions`` counts both; timings around them are coarser.

    Its consumer must not await while it handles an event: ``cost`` counts all CPU time from the
    arrival of an event until the next is requested.
    """

    def __init__(
        self,
        client: KubeClient,
        path: str,
        label_selector: str | None = None,
        field_selector: str | None = None,
        metadata_only: bool = False,
    ) -> None:
        self._client = client
        self._path = path
        self._accept = (METADATA_LIST, METADATA_ONLY) if metadata_only else (JSON, JSON)
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        self._params = {key: value for key, value in selectors.items() if value}
        self._resource_version = ""
        self._known: set[str] = set()
        """Keys of all objects in the collection; there may be many thousands."""
        self.interruptions = 0
        self.cost = WatchCost()

    async def start(self) -> list[JsonObject]:
        """List the collection, and return its objects.

        The client's retries matter here: an API server answers with 429 for a while if a kind is
        new to it.
        """
        answer = await self._client.get(self._path, self._params, self._accept[0])
        self._resource_version = answer["metadata"]["resourceVersion"]
        items: list[JsonObject] = answer.get("items") or []
        self._known = {_key(item) for item in items}
        return items

    async def events(self) -> AsyncIterator[WatchEvent]:
        """Yield changes until the consumer stops."""
        while True:
            try:
                async for event in self._once():
                    yield event
                continue  # the server ended the watch regularly, as it does each hour
            except ApiUnreachableError as error:
                if _is_cancelled():
                    raise asyncio.CancelledError from error
                logger.warning("watch of %s was interrupted: %s", self._path, error)
            except ApiError as error:
                if error.status == _GONE:
                    async for event in self._relist():
                        yield event
                elif error.transient:
                    logger.warning("watch of %s was refused: %s", self._path, error)
                else:
                    raise
            self.interruptions += 1
            await asyncio.sleep(self._client.policy.reconnect_seconds)

    async def _once(self) -> AsyncIterator[WatchEvent]:
        params = self._params | {
            "resourceVersion": self._resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_SERVER_TIMEOUT_SECONDS),
        }
        async for line in self._client.watch_lines(self._path, params, self._accept[1]):
            received, begun = time.monotonic(), time.thread_time()
            raw = orjson.loads(line)
            # An error within the stream is an event, or from proxies a bare Status.
            kind, item = raw.get("type", "ERROR"), raw.get("object", raw)
            if kind == "ERROR":
                raise api_error(int(item.get("code", 500)), orjson.dumps(item))
            self._resource_version = item["metadata"]["resourceVersion"]
            if kind == "BOOKMARK":
                continue
            if kind == "DELETED":
                self._known.discard(_key(item))
            else:
                self._known.add(_key(item))
            yield WatchEvent(cast("EventType", kind), item, received)
            self.cost.add(WatchCost(1, time.thread_time() - begun))

    async def _relist(self) -> AsyncIterator[WatchEvent]:
        before = self._known
        try:
            items = await self.start()
        except (ApiError, ApiUnreachableError) as error:
            logger.warning("listing %s again failed: %s", self._path, error)
            return
        received = time.monotonic()
        for key in before - self._known:
            namespace, _, name = key.partition("/")
            metadata = {"namespace": namespace, "name": name} if namespace else {"name": name}
            yield WatchEvent("DELETED", {"metadata": metadata}, received)
        for item in items:
            yield WatchEvent("MODIFIED", item, received)


def _key(item: JsonObject) -> str:
    metadata = item["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def _is_cancelled() -> bool:
    """Whether the task is to end: a cancellation that meets a failing connection can be lost."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
