from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from aiohttp import web
from doubles.cluster import MemoryApi
from unit.collect.servers import serve

from krobench.analysis.validity.surroundings import FOREIGN_CPU
from krobench.api.specs.kro import Target
from krobench.collect.kro import KroTracker
from krobench.collect.kubelet import KubeletSource
from krobench.collect.source import SourceUnavailableError
from krobench.figures.environment import KroFingerprint
from krobench.figures.reasons.sources import Exposition, NotReadable
from krobench.kube.cluster import ControlPlanePod
from krobench.kube.kropods import KroPod
from krobench.report.words.reasons import reason_line

KRO = KroPod(
    "kro-system", "kro-1", "", "a", "kro", 8078, KroFingerprint(namespace="kro-system", pod="kro-1")
)
ETCD = ControlPlanePod("etcd", "kube-system", "etcd-b", "b", "etcd")
OF_KRO = 'namespace="kro-system",pod="kro-1"'
ON_A = f"""\
container_memory_rss{{container="kro",{OF_KRO}}} 5 1000
container_memory_rss{{container="",{OF_KRO}}} 9 1000
container_network_receive_bytes_total{{container="",interface="eth0",{OF_KRO}}} 7 1000
"""
ON_B = 'container_memory_rss{container="etcd",namespace="kube-system",pod="etcd-b"} 3 1000\n'


class Kubelets:
    """The kubelets of some nodes, and an API server that names their addresses."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self.client = MemoryApi()
        self.authorized: set[str | None] = set()

    def add(self, node: str, port: int) -> None:
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        self.client.put(f"/api/v1/nodes/{node}", {"metadata": {"name": node}, "status": status})

    async def answer(self, node: str, request: web.Request) -> web.Response:
        self.authorized.add(request.headers.get("Authorization"))
        assert request.path == "/metrics/cadvisor"
        if node not in self.texts:
            return web.Response(status=403, text="top secret")
        return web.Response(text=self.texts[node])


@asynccontextmanager
async def kubelets(*others: ControlPlanePod, **texts: str) -> AsyncIterator[KubeletSource]:
    """Serve these expositions on the nodes a and b; a node without one refuses."""
    found = Kubelets(texts)
    async with AsyncExitStack() as stack:
        for node in ("a", "b"):
            port = await stack.enter_async_context(serve(partial(found.answer, node)))
            found.add(node, port)
        found.client.config = replace(found.client.config, authorization=lambda: "Bearer t")
        tracker = KroTracker(found.client, Target(), KRO, lambda: 0.0)
        source = KubeletSource(found.client, tracker, others, frozenset({"krobench-system"}))
        yield source
        await source.close()
        assert found.authorized <= {"Bearer t"}


async def test_containers_on_other_nodes_have_labels_of_their_own() -> None:
    async with kubelets(ETCD, a=ON_A, b=ON_B) as source:
        scrape = await source.scrape()
    assert {reading.key: reading.value for reading in scrape.readings} == {
        "container_memory_rss": 5.0,
        "container_network_receive_bytes_total": 7.0,
        'container_memory_rss{of="etcd"}': 3.0,
        FOREIGN_CPU: 0.0,
    }
    assert scrape.scraped_bytes == len(ON_A) + len(ON_B)


async def test_a_node_that_hides_its_figures_is_named_with_what_to_grant() -> None:
    async with kubelets() as source:
        with pytest.raises(SourceUnavailableError, match="forbidden=True") as caught:
            await source.scrape()
    line = reason_line(caught.value.reason)
    assert "node a: HTTP 403" in line
    assert "grant get on nodes/metrics" in line
    assert "top secret" not in line


async def test_a_kubelet_that_does_not_know_kro_gives_nothing() -> None:
    async with kubelets(a="") as source:
        with pytest.raises(SourceUnavailableError, match=r"ContainerNotNamed.*kro"):
            await source.scrape()


# As cAdvisor writes them: sums of the node's tree and of pods have no name of a container.
CPU_ON_A = f"""\
container_memory_rss{{container="kro",{OF_KRO}}} 5 1000
container_cpu_usage_seconds_total{{container="",id="/",namespace="",pod=""}} 900 1000
container_cpu_usage_seconds_total{{container="",namespace="shop",pod="web-1"}} 30 1000
container_cpu_usage_seconds_total{{container="app",namespace="shop",pod="web-1"}} 29 1000
container_cpu_usage_seconds_total{{container="app",namespace="bank",pod="db-1"}} 11 1000
container_cpu_usage_seconds_total{{container="load",namespace="krobench-system",pod="l"}} 50 1000
container_cpu_usage_seconds_total{{container="etcd",namespace="kube-system",pod="e"}} 70 1000
container_cpu_usage_seconds_total{{container="kro",{OF_KRO}}} 80 1000
"""


async def test_what_others_take_of_the_node_is_neither_kro_nor_us_nor_the_system() -> None:
    async with kubelets(a=CPU_ON_A) as source:
        scrape = await source.scrape()
    readings = {reading.key: reading.value for reading in scrape.readings}
    assert readings[FOREIGN_CPU] == 40.0
    assert readings["container_cpu_usage_seconds_total"] == 80.0


async def test_another_nodes_silence_costs_only_what_runs_there() -> None:
    async with kubelets(ETCD, a=ON_A) as source:
        scrape = await source.scrape()
    assert {reading.key for reading in scrape.readings} == {
        "container_memory_rss",
        "container_network_receive_bytes_total",
        FOREIGN_CPU,
    }
    [(part, why)] = scrape.silent.items()
    assert part == "kubelet of node b"
    assert isinstance(why, NotReadable)
    assert (why.exposition, why.at, why.forbidden) == (Exposition.KUBELET, "b", True)


async def test_a_node_that_is_not_there_is_named() -> None:
    gone = ControlPlanePod("etcd", "kube-system", "etcd-c", "c", "etcd")
    async with kubelets(gone, a=ON_A) as source:
        scrape = await source.scrape()
    assert list(scrape.silent) == ["kubelet of node c"]
