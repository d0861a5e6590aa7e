from collections.abc import Iterable
from typing import Any

import pytest
from aiohttp import web
from unit.collect.servers import api_server, closed_port, serve

from krobench.kube import client as client_module
from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig
from krobench.kube.errors import ApiError, ApiUnreachableError

BUSY = ApiError(429, "TooManyRequests", "later")
NO_ANSWER = ApiUnreachableError("reset")
FORBIDDEN = ApiError(403, "Forbidden", "no")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_FIRST_BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(client_module, "_READY_AGAIN_SECONDS", 0.0)


class Request:
    """Fails as told, and then gives an answer."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def client() -> KubeClient:
    return KubeClient(ClientConfig("http://nowhere", None, lambda: None))


async def test_a_request_is_repeated_while_its_failure_may_pass() -> None:
    assert await client().patiently(Request(BUSY, NO_ANSWER, BUSY)) == "answer"


async def test_patience_has_an_end() -> None:
    request = Request(BUSY, BUSY, BUSY, BUSY)
    with pytest.raises(ApiError, match="later"):
        await client().patiently(request, 2)
    assert len(request.errors) == 1


async def test_a_request_that_was_refused_for_good_is_not_repeated() -> None:
    request = Request(FORBIDDEN, BUSY)
    with pytest.raises(ApiError, match="Forbidden"):
        await client().patiently(request)
    assert request.errors == [BUSY]


class Recording(KubeClient):
    """Keeps the bodies of its requests."""

    def __init__(self) -> None:
        super().__init__(ClientConfig("http://nowhere", None, lambda: None))
        self.bodies: list[Any] = []

    async def _request(self, method: str, path: str, **options: Any) -> bytes:
        self.bodies.append(options["body"])
        return b"{}"


async def test_a_deletion_says_which_object_is_meant_where_it_is_told() -> None:
    recording = Recording()
    await recording.delete("/a")
    await recording.delete("/a", propagation="Background", uid="1")
    told = {"propagationPolicy": "Background", "preconditions": {"uid": "1"}}
    assert recording.bodies == [None, told]


class Server:
    """Answers everything, and /readyz, as told, one after another."""

    def __init__(self, answers: Iterable[int], ready: Iterable[int]) -> None:
        self.answers = list(answers)
        self.ready = list(ready)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        script = self.ready if request.path == "/readyz" else self.answers
        status = script.pop(0)
        message = "ok" if status == 200 else 'User "me" cannot create resource "configmaps"'
        return web.json_response({"message": message, "reason": "Forbidden"}, status=status)


@pytest.mark.parametrize("refusal", [401, 403])
async def test_a_server_that_is_not_ready_yet_may_refuse_everybody(refusal: int) -> None:
    server = Server([refusal, refusal, 200], ready=[403, 500, 500])
    async with serve(server) as port, api_server(port) as kube:
        assert (await kube.patiently(lambda: kube.create("/a", {})))["message"] == "ok"
    assert server.answers == server.ready == []


async def test_a_server_that_is_ready_means_what_it_refuses() -> None:
    server = Server([403, 200], ready=[200])
    async with serve(server) as port, api_server(port) as kube:
        with pytest.raises(ApiError, match="cannot create resource") as raised:
            await kube.patiently(lambda: kube.create("/a", {}))
    assert raised.value.forbidden
    assert server.answers == [200]


async def test_who_may_not_ask_whether_a_server_is_ready_is_told_what_it_refuses() -> None:
    server = Server([403], ready=[403] * 4)
    async with serve(server) as port, api_server(port) as kube:
        with pytest.raises(ApiError, match="cannot create resource") as raised:
            await kube.create("/a", {})
    assert raised.value.forbidden


async def test_a_server_that_never_gets_ready_is_not_asked_for_ever() -> None:
    server = Server([403] * 4, ready=[500] * 4)
    async with serve(server) as port, api_server(port) as kube:
        with pytest.raises(ApiError, match="cannot create resource"):
            await kube.patiently(lambda: kube.create("/a", {}), 3)


async def test_a_refusal_is_not_meant_just_after_a_connection_broke() -> None:
    server = Server([403, 403, 200], ready=[])
    async with serve(server) as port, api_server(closed_port()) as kube:
        with pytest.raises(ApiUnreachableError):
            await kube.get("/a")
        kube.config = api_server(port).config
        with pytest.raises(ApiError) as raised:
            [line async for line in kube.watch_lines("/a", {})]
        assert raised.value.transient
        assert (await kube.patiently(lambda: kube.get("/a")))["message"] == "ok"
