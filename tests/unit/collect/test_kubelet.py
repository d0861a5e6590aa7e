from typing import cast

import pytest

from krobench.collect.kubelet import KubeletSource
from krobench.collect.source import SourceUnavailableError
from krobench.collect.tracker import KroTracker
from krobench.kube.client import KubeClient
from krobench.kube.controlplane import ControlPlanePod
from krobench.kube.discover import KroPod
from krobench.kube.errors import ApiError
from krobench.model.benchmark import Target
from krobench.model.environment import KroFingerprint

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


class Nodes:
    def __init__(self, **texts: str) -> None:
        self._texts = texts

    async def get_text(self, path: str) -> str:
        node = path.split("/")[4]
        if node not in self._texts:
            raise ApiError(403, "Forbidden", "no")
        return self._texts[node]


def source(nodes: Nodes, *others: ControlPlanePod) -> KubeletSource:
    client = cast("KubeClient", nodes)
    return KubeletSource(client, KroTracker(client, Target(), KRO, lambda: 0.0), others)


async def test_containers_on_other_nodes_are_told_apart_from_kros() -> None:
    scrape = await source(Nodes(a=ON_A, b=ON_B), ETCD).scrape()
    assert {reading.key: reading.value for reading in scrape.readings} == {
        "container_memory_rss": 5.0,
        "container_network_receive_bytes_total": 7.0,
        'container_memory_rss{of="etcd"}': 3.0,
    }
    assert scrape.scraped_bytes == len(ON_A) + len(ON_B)


async def test_a_node_that_hides_its_figures_is_named_with_what_to_grant() -> None:
    with pytest.raises(SourceUnavailableError, match=r"node a: 403.*grant get on nodes/proxy"):
        await source(Nodes()).scrape()


async def test_a_kubelet_that_does_not_know_kro_gives_nothing() -> None:
    with pytest.raises(SourceUnavailableError, match="names no container kro"):
        await source(Nodes(a="")).scrape()
