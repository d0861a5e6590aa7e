import pytest
from aiohttp import web
from unit.collect.servers import closed_port, serve

from krobench.collect.source import SourceUnavailableError
from krobench.collect.sources import EtcdSource
from krobench.kube.config import ClientConfig


async def problem_at(port: int, path: str = "/metrics") -> str:
    url = f"http://127.0.0.1:{port}{path}"
    source = EtcdSource(url, ClientConfig("", None, lambda: None))
    with pytest.raises(SourceUnavailableError, match=url) as raised:
        await source.scrape()
    await source.close()
    return str(raised.value)


async def test_an_etcd_that_does_not_answer_is_named_with_its_address() -> None:
    assert "no answer" in await problem_at(closed_port())


async def test_what_else_may_be_at_the_address_cannot_be_learnt_from_the_message() -> None:
    followed: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        followed.append(request.path)
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        text = "etcd_mvcc_db_total_size_in_bytes top-secret\n"
        return web.Response(status=200 if request.path == "/text" else 404, text=text)

    async with serve(handler) as port:
        moved, missing = await problem_at(port, "/moved"), await problem_at(port, "/missing")
        assert moved.replace("/moved", "") == missing.replace("/missing", "")
        assert "secret" not in await problem_at(port, "/text")
    assert "/elsewhere" not in followed
