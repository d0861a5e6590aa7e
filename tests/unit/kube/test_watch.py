import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig
from krobench.kube.errors import ApiError, ApiUnreachableError, api_error
from krobench.kube.transport import RetryPolicy
from krobench.kube.watch import Watch


def thing(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


def line(kind: str, item: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": kind, "object": item})


class Client(KubeClient):
    """Answers lists and watches from a script."""

    def __init__(self, lists: list[Any], watches: list[Any]) -> None:
        super().__init__(
            ClientConfig("http://nowhere", None, lambda: None),
            policy=RetryPolicy(first_seconds=0.0, reconnect_seconds=0.0),
        )
        self.lists = lists
        self.watches = watches
        self.versions: list[str] = []

    async def _request(self, method: str, path: str, **_: Any) -> bytes:
        items = self.lists.pop(0)
        if isinstance(items, Exception):
            raise items
        version = f"list-{len(self.lists)}"
        return orjson.dumps({"metadata": {"resourceVersion": version}, "items": items})

    async def watch_lines(self, path: str, params: Any, accept: str = "") -> AsyncIterator[bytes]:
        self.versions.append(params["resourceVersion"])
        for step in self.watches.pop(0):
            if isinstance(step, Exception):
                raise step
            yield step


async def collect(client: Client, count: int) -> list[tuple[str, str]]:
    watch = Watch(client, "/things")
    await watch.start()
    seen: list[tuple[str, str]] = []
    async for event in watch.events():
        seen.append((event.type, event.object["metadata"]["name"]))
        if len(seen) == count:
            return seen
    raise AssertionError("the watch ended")


async def test_a_watch_continues_after_a_broken_connection() -> None:
    broken = [line("ADDED", thing("a", 5)), ApiUnreachableError("reset")]
    client = Client([[]], [broken, [line("ADDED", thing("b", 6))]])
    assert await collect(client, 2) == [("ADDED", "a"), ("ADDED", "b")]
    assert client.versions == ["list-0", "5"]


async def test_bookmarks_advance_the_version_and_are_not_events() -> None:
    first = [line("BOOKMARK", thing("", 9)), ApiUnreachableError("reset")]
    client = Client([[]], [first, [line("ADDED", thing("a", 10))]])
    assert await collect(client, 1) == [("ADDED", "a")]
    assert client.versions[1] == "9"


@pytest.mark.parametrize("expired", [ApiError(410, "Expired", "too old"), None])
async def test_an_expired_history_is_listed_again_without_missing_a_deletion(
    expired: ApiError | None,
) -> None:
    failure: Any = expired or line("ERROR", {"code": 410, "reason": "Expired", "metadata": {}})
    watches = [[line("ADDED", thing("b", 5)), failure], [line("ADDED", thing("d", 9))]]
    client = Client([[thing("a", 1)], [thing("b", 7), thing("c", 8)]], watches)
    assert await collect(client, 5) == [
        ("ADDED", "b"),
        ("DELETED", "a"),
        ("MODIFIED", "b"),
        ("MODIFIED", "c"),
        ("ADDED", "d"),
    ]


async def test_a_forbidden_watch_raises() -> None:
    client = Client([[]], [[ApiError(403, "Forbidden", "no")]])
    with pytest.raises(ApiError, match="Forbidden"):
        await collect(client, 1)


async def test_the_refusal_of_a_restarted_server_is_retried() -> None:
    starting = ApiError(403, "Forbidden", "no")
    starting.starting = True
    broken = [ApiUnreachableError("reset")]
    client = Client([[]], [broken, *[[starting]] * 3, [line("ADDED", thing("a", 5))]])
    assert await collect(client, 1) == [("ADDED", "a")]
    client = Client([[]], [broken, [starting], [ApiError(403, "Forbidden", "no")]])
    with pytest.raises(ApiError, match="Forbidden"):
        await collect(client, 1)


def test_an_answer_other_than_a_status_is_quoted() -> None:
    error = api_error(502, b"<html>Bad Gateway</html>", "3")
    assert error.transient
    assert error.retry_after_seconds == 3.0
    assert "Bad Gateway" in error.message


async def test_a_throttled_list_is_retried() -> None:
    initializing = api_error(429, b"storage is (re)initializing", "0")

    client = Client([initializing, []], [[line("ADDED", thing("a", 5))]])
    assert await collect(client, 1) == [("ADDED", "a")]


class LosesCancellations(Client):
    """Answers a cancellation with a failed connection, as aiohttp may while it connects."""

    async def watch_lines(self, path: str, params: Any, accept: str = "") -> AsyncIterator[bytes]:
        self.connecting.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ApiUnreachableError("http://nowhere") from None
        yield b""

    def __init__(self) -> None:
        super().__init__([[]], [])
        self.connecting = asyncio.Event()


async def test_a_watch_that_is_cancelled_while_it_connects_ends() -> None:
    client = LosesCancellations()
    task = asyncio.create_task(collect(client, 1))
    await client.connecting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, timeout=5)
