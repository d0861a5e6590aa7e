import pytest
from aiohttp import web
from doubles.cluster import MemoryApi
from unit.collect.servers import closed_port, serve

from krobench.collect.source import SourceUnavailableError
from krobench.collect.sources import EtcdSource, find_etcd
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


async def test_the_first_etcd_that_answers_is_sampled() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="etcd_mvcc_db_total_size_in_bytes 7\n")

    def slices(*ports: int) -> MemoryApi:
        api = MemoryApi()
        for number, port in enumerate(ports):
            item = {
                "metadata": {"name": f"{number}", "labels": {"jobLabel": "kube-etcd"}},
                "ports": [{"name": "metrics", "port": port}],
                "endpoints": [{"addresses": ["127.0.0.1"]}],
            }
            path = f"/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/{number}"
            api.put(path, item)
        return api

    async with serve(handler) as port:
        source = await find_etcd(slices(closed_port(), port))
        assert source is not None
        assert [reading.value for reading in (await source.scrape()).readings] == [7.0]
        await source.close()
    assert await find_etcd(slices(closed_port())) is None
