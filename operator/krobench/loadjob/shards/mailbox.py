"""Messages between the pods of a sharded load: each writes one ConfigMap and watches all.

The API server is the one thing that all of them reach, wherever they run. In the run phase
they send little, to keep their traffic out of what is measured.
"""

import asyncio
import contextlib
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from krobench.api.common import COMPONENT_LABEL, RUN_LABEL
from krobench.api.kinds import RunRef
from krobench.api.podmessages import (
    SHARD_COMPONENT,
    SHARD_LINES_COMPONENT,
    CoordinatorMessage,
    WorkerMessage,
)
from krobench.figures.rawdata import ObjectRecord
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.watch import Watch
from krobench.record import rawlines

_MESSAGE_KEY = "message"
_LINES_KEY = "objects.jsonl.gz"
_MAX_PIECE_BYTES = 900_000
_MAX_RETRIES = 8


@dataclass(frozen=True)
class Message:
    text: str
    received_epoch_seconds: float
    """By our wall clock."""
    received_monotonic: float


class Mailbox:
    """The ConfigMaps of one run's shards; an async context manager, on whose exit the watch ends.

    They are in the namespace of the KroBenchmark, which owns them, beside its results.
    """

    def __init__(self, client: KubeClient, owner: RunRef) -> None:
        self._client = client
        self._owner = owner
        self._prefix = f"{owner.prefix}shard"
        selector = f"{RUN_LABEL}={owner.uid},{COMPONENT_LABEL}={SHARD_COMPONENT}"
        self._collection = paths.core("configmaps", owner.namespace)
        self._watch = Watch(client, self._collection, selector)
        self._received: dict[str, Message] = {}
        self._created: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._posting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        for item in await self._watch.start():
            self._take(item, time.monotonic())
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def latest(self, shard: int) -> Message | None:
        """Return a shard's latest message (the coordinator is shard 0); None if there is none."""
        return self._received.get(self._name(shard))

    async def post(self, shard: int, message: CoordinatorMessage | WorkerMessage) -> None:
        """Send a message, stamped with the time; messages arrive in the order of sending.

        Raises:
            KubeError: if it cannot be sent, even after retries.
        """
        async with self._posting:
            await self._client.retry(lambda: self._post(self._name(shard), message), _MAX_RETRIES)

    async def _post(self, name: str, message: CoordinatorMessage | WorkerMessage) -> None:
        sent = message.model_copy(update={"sent_epoch_seconds": time.time()})
        data = {_MESSAGE_KEY: sent.model_dump_json(by_alias=True)}
        if name in self._created:
            await self._client.patch(f"{self._collection}/{name}", {"data": data}, retries=0)
        else:
            body = self._manifest(name, SHARD_COMPONENT) | {"data": data}
            await self._client.create_or_replace(self._collection, body, retries=0)
            self._created.add(name)

    async def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Wait until messages make it true; False if the time is over first."""
        deadline = time.monotonic() + seconds
        while not until():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._changed.clear()
            # Python 3.11's wait_for loses a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()
        return True

    async def store_lines(self, name: str, records: Sequence[ObjectRecord]) -> list[str]:
        """Store lines in as many ConfigMaps as it takes, and return their names."""
        names = []
        for number, piece in enumerate(rawlines.encode(records, _MAX_PIECE_BYTES)):
            full_name = f"{self._prefix}-{name}-{number}"
            body = self._manifest(full_name, SHARD_LINES_COMPONENT)
            body["binaryData"] = {_LINES_KEY: b64encode(piece).decode()}
            await self._client.create_or_replace(self._collection, body, retries=_MAX_RETRIES)
            names.append(full_name)
        return names

    async def fetch_lines(self, names: Sequence[str]) -> list[ObjectRecord]:
        """Read the lines in these ConfigMaps, and delete them."""
        pieces = []
        for name in names:
            found = await self._client.get(f"{self._collection}/{name}")
            pieces.append(b64decode(found["binaryData"][_LINES_KEY]))
        records = rawlines.decode(pieces, ObjectRecord)
        for name in names:
            await self._delete(name)
        return records

    async def remove(self, shard: int) -> None:
        """Delete a shard's message: it is gone."""
        await self._delete(self._name(shard))

    async def clear(self) -> None:
        """Delete all messages and lines of this run's shards."""
        for component in (SHARD_COMPONENT, SHARD_LINES_COMPONENT):
            selector = f"{RUN_LABEL}={self._owner.uid},{COMPONENT_LABEL}={component}"
            found = await self._client.list(self._collection, selector, metadata_only=True)
            for item in found:
                await self._delete(item["metadata"]["name"])

    async def _listen(self) -> None:
        async for event in self._watch.events():
            name = event.object["metadata"]["name"]
            if event.type == "DELETED":
                self._received.pop(name, None)
            else:
                self._take(event.object, event.received_monotonic)
            self._changed.set()

    def _take(self, item: JsonObject, received: float) -> None:
        text = (item.get("data") or {}).get(_MESSAGE_KEY)
        name = item["metadata"]["name"]
        if text is None or not name.startswith(self._prefix):
            return
        epoch = time.time() - (time.monotonic() - received)
        self._received[name] = Message(text, epoch, received)

    async def _delete(self, name: str) -> None:
        # If this fails, the cleanup deletes it, or it goes with the KroBenchmark at the latest.
        with contextlib.suppress(KubeError):
            await self._client.delete(f"{self._collection}/{name}")

    def _name(self, shard: int) -> str:
        return f"{self._prefix}-{shard}"

    def _manifest(self, name: str, component: str) -> JsonObject:
        labels = {
            "app.kubernetes.io/managed-by": "krobench",
            RUN_LABEL: self._owner.uid,
            COMPONENT_LABEL: component,
        }
        metadata = {
            "name": name,
            "labels": labels,
            "ownerReferences": [self._owner.owner_reference],
        }
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
