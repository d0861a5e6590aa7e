import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import orjson

from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.load.clock import RunClock
from krobench.load.probe import WatchLag, WatchProbe

LABELS = {"bench.kro.run/run": "uid"}


class OneConfigMap:
    """An API server for one ConfigMap, whose watch events come ``lag`` seconds late."""

    def __init__(self, lag_seconds: float | None, refused: ApiError | None = None) -> None:
        self._lag_seconds = lag_seconds
        self._refused = refused
        self._events: asyncio.Queue[bytes] = asyncio.Queue()
        self.manifest: JsonObject = {}
        self.writes = 0
        self.deleted = False

    patiently = KubeClient.patiently
    backoff = KubeClient.backoff

    async def create(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        if self._refused is not None:
            raise self._refused
        self.manifest = dict(body)
        return self.manifest

    async def get(self, path: str, params: Mapping[str, str], accept: str = "") -> JsonObject:
        return {"metadata": {"resourceVersion": "1"}, "items": [self.manifest]}

    async def patch(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        self.writes += 1
        first = self.writes == 1
        metadata = self.manifest["metadata"] | body["metadata"] | {"resourceVersion": "2"}
        event = {"type": "MODIFIED", "object": {"metadata": metadata}}
        if self._lag_seconds is not None or first:
            loop = asyncio.get_running_loop()
            loop.call_later(self._lag_seconds or 0, self._events.put_nowait, orjson.dumps(event))
        return {}

    async def delete(self, path: str) -> None:
        self.deleted = True

    async def watch_lines(
        self, path: str, params: Mapping[str, str], accept: str = ""
    ) -> AsyncIterator[bytes]:
        while True:
            yield await self._events.get()


async def probe(server: OneConfigMap, writes: int) -> WatchLag:
    """Probe until there were so many writes; without any, until the first was refused."""
    client = cast("KubeClient", server)
    async with WatchProbe(client, RunClock(), "n", "probe", LABELS, 0.004) as running:
        await asyncio.sleep(0.01)
        while server.writes < writes:  # noqa: ASYNC110 - the server is no more than a number
            await asyncio.sleep(0.001)
    return running.result()


async def test_the_lag_is_from_the_answer_to_the_event() -> None:
    server = OneConfigMap(lag_seconds=0.01)
    lag = await probe(server, 3)
    assert server.writes >= 3
    assert (lag.missing, lag.failure) == (0, None)
    assert len(lag.seconds) == server.writes - 1, "the first only shows that the watch stands"
    assert min(lag.seconds) >= 0.009
    assert server.deleted
    assert server.manifest["metadata"]["labels"]["bench.kro.run/component"] == "watch-probe"


async def test_a_probe_that_is_refused_is_no_reason_to_fail() -> None:
    lag = await probe(OneConfigMap(None, ApiError(403, "Forbidden", "no")), 0)
    assert lag == WatchLag([], 0, "403 Forbidden: no")


async def test_an_event_that_does_not_come_is_missing(monkeypatch: Any) -> None:
    monkeypatch.setattr("krobench.load.probe._LAST_EVENT_SECONDS", 0.01)
    server = OneConfigMap(lag_seconds=None)
    lag = await probe(server, 2)
    assert lag.seconds == []
    assert lag.missing == server.writes - 1 > 0
