from collections.abc import Iterable
from typing import Any

import pytest
from aiohttp import web
from doubles.cluster import MemoryApi
from unit.collect.servers import api_server, closed_port, serve

from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.kube.transport import RetryPolicy

BUSY = ApiError(429, "TooManyRequests", "later")
NO_ANSWER = ApiUnreachableError("reset")
FORBIDDEN = ApiError(403, "Forbidden", "no")
QUICK = RetryPolicy(first_seconds=0.0, readiness_seconds=0.0)


class Request:
    """Fails as told, and then gives an answer."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def client() -> KubeClient:
    return KubeClient(ClientConfig("http://nowhere", None, lambda: None), policy=QUICK)


async def test_a_transient_failure_is_retried() -> None:
    assert await client().retry(Request(BUSY, NO_ANSWER, BUSY)) == "answer"


async def test_retries_are_limited() -> None:
    request = Request(BUSY, BUSY, BUSY, BUSY)
    with pytest.raises(ApiError, match="later"):
        await client().retry(request, 2)
    assert len(request.errors) == 1


async def test_a_final_refusal_is_not_retried() -> None:
    request = Request(FORBIDDEN, BUSY)
    with pytest.raises(ApiError, match="Forbidden"):
        await client().retry(request)
    assert request.errors == [BUSY]


class Recording(KubeClient):
    """Keeps the bodies of its requests."""

    def __init__(self) -> None:
        super().__init__(ClientConfig("http://nowhere", None, lambda: None))
        self.bodies: list[Any] = []

    async def _request(self, method: str, path: str, **options: Any) -> bytes:
        self.bodies.append(options["body"])
        return b"{}"


async def test_a_deletion_sends_its_preconditions() -> None:
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
async def test_the_refusal_of_a_starting_server_is_retried(refusal: int) -> None:
    server = Server([refusal, refusal, 200], ready=[403, 500, 500])
    async with serve(server) as port, api_server(port) as kube:
        assert (await kube.create("/a", {}))["message"] == "ok"
    assert server.answers == server.ready == []


async def test_the_refusal_of_a_ready_server_is_final() -> None:
    server = Server([403, 200], ready=[200])
    async with serve(server) as port, api_server(port) as kube:
        with pytest.raises(ApiError, match="cannot create resource") as raised:
            await kube.create("/a", {})
    assert raised.value.forbidden
    assert server.answers == [200]


async def test_a_refusal_is_final_if_readiness_may_not_be_read() -> None:
    server = Server([403], ready=[403] * 4)
    async with serve(server) as port, api_server(port) as kube:
        with pytest.raises(ApiError, match="cannot create resource") as raised:
            await kube.create("/a", {}, retries=0)
    assert raised.value.forbidden


async def test_a_server_that_never_becomes_ready_fails_the_request() -> None:
    server = Server([403] * 4, ready=[500] * 4)
    async with serve(server) as port, api_server(port) as kube:
        with pytest.raises(ApiError, match="cannot create resource"):
            await kube.create("/a", {}, retries=3)


async def test_a_refusal_just_after_a_broken_connection_is_transient() -> None:
    server = Server([403, 403, 200], ready=[])
    async with serve(server) as port, api_server(closed_port()) as kube:
        with pytest.raises(ApiUnreachableError):
            await kube.get("/a", retries=0)
        kube.config = api_server(port).config
        with pytest.raises(ApiError) as raised:
            [line async for line in kube.watch_lines("/a", {})]
        assert raised.value.transient
        assert (await kube.get("/a"))["message"] == "ok"


class Script(MemoryApi):
    """Raises errors before or after it has carried a request out."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Exception] = []
        self.after: list[Exception] = []

    async def _request(self, method: str, path: str, **options: Any) -> bytes:
        if self.before:
            raise self.before.pop(0)
        answer = await super()._request(method, path, **options)
        if self.after:
            raise self.after.pop(0)
        return answer


MAPS = "/api/v1/namespaces/n/configmaps"


def config_map(name: str = "a", **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


async def test_what_is_not_there_is_found_to_be_none() -> None:
    api = MemoryApi()
    assert await api.find(f"{MAPS}/a") is None
    await api.create(MAPS, config_map(k="v"))
    found = await api.find(f"{MAPS}/a")
    assert found is not None
    assert found["data"] == {"k": "v"}


async def test_a_creation_whose_answer_was_lost_is_a_success() -> None:
    api = Script()
    api.after = [NO_ANSWER]
    made = await api.create(MAPS, config_map(k="v"))
    assert made["data"] == {"k": "v"}
    with pytest.raises(ApiError, match="AlreadyExists"):
        await api.create(MAPS, config_map(k="w"))


async def test_a_creation_without_retries_is_sent_once() -> None:
    api = Script()
    api.before = [BUSY]
    with pytest.raises(ApiError, match="later"):
        await api.create(MAPS, config_map(), retries=0)
    assert api.objects == {}


async def test_an_object_is_created_or_replaced() -> None:
    api = MemoryApi()
    for value in ("1", "2"):
        await api.create_or_replace(MAPS, config_map(k=value))
        assert api.objects[f"{MAPS}/a"]["data"] == {"k": value}
    with pytest.raises(ApiError, match="AlreadyExists"):
        await api.create_or_replace(MAPS, config_map(k="3"), may_replace=lambda _: False)


async def test_a_deletion_returns_whether_there_was_an_object() -> None:
    api = MemoryApi()
    await api.create(MAPS, config_map())
    assert await api.delete(f"{MAPS}/a")
    assert not await api.delete(f"{MAPS}/a")


async def test_a_list_may_be_of_metadata_alone_and_of_a_kind_that_is_not_served() -> None:
    class Unserved(MemoryApi):
        async def admit(self, verb: str, path: str, body: dict[str, Any]) -> None:
            raise ApiError(404, "NotFound", path)

    api = MemoryApi()
    await api.create(MAPS, config_map(k="v"))
    [found] = await api.list(MAPS, metadata_only=True)
    assert set(found) == {"metadata"}
    assert await Unserved().find_all(MAPS) is None
