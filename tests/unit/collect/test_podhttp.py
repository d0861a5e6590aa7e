from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from unit.collect.servers import Handler, api_server, closed_port, kro_pod, serve

from krobench.collect.podhttp import PodHttp, PodHttpError


class Answers:
    """Answers each request alike, and remembers what was asked for."""

    def __init__(self, text: str, status: int = 200) -> None:
        self.text, self.status = text, status
        self.asked: list[str] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        return web.Response(text=self.text, status=self.status)


@asynccontextmanager
async def pod(api: Handler, port: int) -> AsyncIterator[PodHttp]:
    async with serve(api) as api_port, api_server(api_port) as client:
        http = PodHttp(client, kro_pod(), port)
        yield http
        await http.close()


async def test_a_pod_within_reach_is_asked_straight() -> None:
    api, direct = Answers("proxied"), Answers("direct")
    async with serve(direct) as port, pod(api, port) as http:
        assert await http.get("/x", {"a": "1 2"}) == b"direct"
    assert (direct.asked, api.asked) == (["/x?a=1+2"], [])


async def test_a_pod_out_of_reach_is_asked_through_the_api_server() -> None:
    api, port = Answers("proxied"), closed_port()
    async with pod(api, port) as http:
        assert await http.get("/x", {"a": "1"}) == b"proxied"
    path = f"/api/v1/namespaces/kro-system/pods/kro-0:{port}/proxy/x?a=1"
    assert api.asked == [path]


async def test_a_later_refusal_is_final() -> None:
    api, direct = Answers("proxied"), Answers("fine")
    async with serve(direct) as port, pod(api, port) as http:
        await http.get("/x")
        direct.text, direct.status = "busy", 500
        with pytest.raises(PodHttpError, match="HTTP 500") as error:
            await http.get("/x")
    assert "busy" not in str(error.value), "what a pod answers is not for the author of a run"
    assert error.value.body == "busy"
    assert api.asked == []


async def test_if_both_ways_fail_both_reasons_are_given() -> None:
    async with pod(Answers("no such pod", 404), closed_port()) as http:
        with pytest.raises(PodHttpError, match="HTTP 404; straight from the pod: ") as error:
            await http.get("/x")
    assert error.value.status == 404


async def test_a_missing_right_is_named() -> None:
    async def refusing(request: web.Request) -> web.Response:
        return web.Response(text="no", status=200 if request.path == "/readyz" else 403)

    async with pod(refusing, closed_port()) as http:
        with pytest.raises(PodHttpError, match="grant get on pods/proxy"):
            await http.get("/x")


async def test_nothing_is_compressed_and_values_of_one_key_are_given_each() -> None:
    encodings: list[str | None] = []

    async def direct(request: web.Request) -> web.Response:
        encodings.append(request.headers.get("Accept-Encoding"))
        assert request.query.getall("name[]") == ["a", "b"]
        return web.Response(text="fine")

    async with serve(direct) as port, pod(Answers("proxied"), port) as http:
        await http.get("/metrics", {"name[]": ["a", "b"]})
    assert encodings == ["identity"]
