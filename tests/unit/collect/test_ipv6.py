"""Everything that is asked by HTTP is asked as well in a cluster that has IPv6 only."""

import socket
from dataclasses import replace

import pytest
from aiohttp import web
from doubles.cluster import MemoryApi
from unit.collect.servers import kro_pod, serve

from krobench.api.specs.collect import EtcdEndpoint, Prometheus
from krobench.api.specs.kro import Target
from krobench.collect.kro import KroTracker
from krobench.collect.kubelet import KubeletSource
from krobench.collect.podhttp import PodHttp
from krobench.collect.prometheus import PrometheusApi, RangeResult
from krobench.collect.sources import EtcdSource
from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig

LOOPBACK = "::1"

pytestmark = pytest.mark.skipif(
    not socket.has_dualstack_ipv6(), reason="this machine has no IPv6 to try"
)


async def answer(request: web.Request) -> web.Response:
    host = request.headers["Host"]
    assert host.startswith("[::1]:"), host
    if request.path == "/api/v1/query_range":
        values = [[1700000000, "2"], [1700000001, "4"]]
        data = {"result": [{"values": values}]}
        return web.json_response({"status": "success", "data": data})
    if request.path == "/metrics":
        return web.Response(text="etcd_mvcc_db_total_size_in_bytes 7\n")
    if request.path == "/metrics/cadvisor":
        of_kro = 'container="kro",namespace="kro-system",pod="kro-0"'
        return web.Response(text=f"container_memory_rss{{{of_kro}}} 5 1000\n")
    return web.json_response({"metadata": {"name": request.path.rpartition("/")[2]}})


def config(port: int) -> ClientConfig:
    return ClientConfig(f"http://[{LOOPBACK}]:{port}", None, lambda: None)


async def test_the_api_server() -> None:
    async with serve(answer, LOOPBACK) as port, KubeClient(config(port)) as client:
        found = await client.get("/api/v1/namespaces/default")
    assert found["metadata"]["name"] == "default"


async def test_a_pod_of_kro_by_its_address() -> None:
    pod = replace(kro_pod(), ip=LOOPBACK)
    async with serve(answer, LOOPBACK) as port, KubeClient(config(1)) as unreachable:
        http = PodHttp(unreachable, pod, port)
        assert b"etcd_mvcc" in await http.get("/metrics")
        await http.close()


async def test_an_etcd_and_a_prometheus_by_their_urls() -> None:
    async with serve(answer, LOOPBACK) as port:
        url = f"http://[{LOOPBACK}]:{port}"
        etcd = EtcdSource(EtcdEndpoint(url=f"{url}/metrics").url, config(port))
        scrape = await etcd.scrape()
        await etcd.close()
        queries = [{"name": "up", "query": "up"}]
        spec = Prometheus.model_validate({"url": url, "queries": queries})
        prometheus = PrometheusApi(spec, None, None)
        result = await prometheus.query("up", 1700000000.0, 1700000001.0)
        await prometheus.close()
    assert [reading.value for reading in scrape.readings] == [7.0]
    assert result == RangeResult(3.0, 4.0)


async def test_a_kubelet_by_the_address_of_its_node() -> None:
    api = MemoryApi()
    async with serve(answer, LOOPBACK) as port:
        status = {
            "addresses": [{"type": "InternalIP", "address": LOOPBACK}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        api.put("/api/v1/nodes/n", {"metadata": {"name": "n"}, "status": status})
        tracker = KroTracker(api, Target(), kro_pod(), lambda: 0.0)
        source = KubeletSource(api, tracker, (), frozenset())
        scrape = await source.scrape()
        await source.close()
    assert 5.0 in [reading.value for reading in scrape.readings]
