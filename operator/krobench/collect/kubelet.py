"""Figures of containers from the kubelet's cAdvisor."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

import httpx

from krobench.api.notation import labelled
from krobench.collect.exposition import Reading, Series
from krobench.collect.kro import KroTracker
from krobench.collect.source import (
    HEADERS,
    SCRAPE_TIMEOUT_SECONDS,
    ExpositionError,
    Scrape,
    SourceUnavailableError,
    read_through,
)
from krobench.figures.catalogue import metrics_of
from krobench.figures.rawdata import SourceName
from krobench.figures.reasons.sources import (
    ContainerNotNamed,
    Exposition,
    InvalidFormat,
    NotReadable,
)
from krobench.kube.client import KubeClient
from krobench.kube.cluster import ControlPlanePod, kubelet_authority
from krobench.kube.errors import KubeError

logger = logging.getLogger(__name__)

_DENIED = (401, 403)
_UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
_CPU = "container_cpu_usage_seconds_total"
_NO_CONTAINER = frozenset({"", "POD"})
_SYSTEM = "kube-system"
# Names of the catalogue without a label: other containers' names have one.
_OF_CONTAINER = (
    *dict.fromkeys(metric.name for metric in metrics_of("kubelet")),
    "container_memory_rss",
)
# The root of a node's tree is all that runs on it, in pods or not.
_WHOLE_NODE = Series(_CPU, {"id": "/"}, name=labelled(_CPU, {"of": "node"}))
# A pod's network belongs to none of its containers.
_OF_POD = (
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
)


class KubeletSource:
    """Figures of kro's container, and of the control plane's if it runs in pods.

    They are read from the port of each node's kubelet, which asks the API server whether the load
    Job may read its metrics. This takes no right to reach anything else behind the kubelet.
    Names of readings that are not of kro carry a label ``of``.
    """

    name: SourceName = "kubelet"

    def __init__(
        self,
        client: KubeClient,
        tracker: KroTracker,
        others: Sequence[ControlPlanePod],
        own_namespaces: frozenset[str] = frozenset(),
    ) -> None:
        self._client = client
        self._tracker = tracker
        self._others = others
        self._own_namespaces = own_namespaces
        self._silent: set[str] = set()
        """Nodes about whose silence a warning was logged."""
        self._authorities: dict[str, str] = {}
        """Host and port of each node's kubelet."""
        tls = client.config.kubelet_tls
        self._scheme = "http" if tls is None else "https"
        self._http = httpx.AsyncClient(
            timeout=SCRAPE_TIMEOUT_SECONDS,
            trust_env=False,
            verify=tls if tls is not None else True,
            headers=HEADERS,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def scrape(self) -> Scrape:
        pod = self._tracker.pod
        kro = _series(pod.namespace, pod.name, pod.container)
        others = [series for other in self._others for series in _series_of(other)]
        foreign = _foreign(self._own_namespaces | {pod.namespace})
        own_node = await self._scrape_node(pod.node, [*kro, *others, foreign, _WHOLE_NODE])
        if not any(reading.key in _OF_CONTAINER for reading in own_node.readings):
            raise SourceUnavailableError(
                ContainerNotNamed(
                    node=pod.node,
                    namespace=pod.namespace,
                    pod=pod.name,
                    container=pod.container,
                )
            )
        if not any(reading.key == foreign.key for reading in own_node.readings):
            # A zero: otherwise a container that starts during the run would count as not available.
            own_node.readings.append(Reading(foreign.key, 0.0, None))
        elsewhere = sorted({other.node for other in self._others} - {pod.node})
        return _joined([own_node, *[await self._scrape_other(node, others) for node in elsewhere]])

    async def _scrape_other(self, node: str, series: Iterable[Series]) -> Scrape:
        """Return a node's readings; none if its kubelet gives none: kro's are still valid."""
        try:
            return await self._scrape_node(node, series)
        except SourceUnavailableError as error:
            if node not in self._silent:
                logger.warning("%s", error)
            self._silent.add(node)
            return Scrape([], silent={f"kubelet of node {node}": error.reason})

    async def _scrape_node(self, node: str, series: Iterable[Series]) -> Scrape:
        url = f"{self._scheme}://{await self._authority(node)}/metrics/cadvisor"
        authorization = self._client.config.authorization()
        headers = {"Authorization": authorization} if authorization else {}
        try:
            async with self._http.stream("GET", url, headers=headers) as response:
                if response.status_code != 200:
                    forbidden = response.status_code in _DENIED
                    raise _not_readable(node, f"HTTP {response.status_code}", forbidden=forbidden)
                return await read_through(response.aiter_bytes(), series)
        except httpx.HTTPError as error:
            self._authorities.pop(node, None)
            detail = str(error) or type(error).__name__
            raise _not_readable(node, detail, untrusted=_UNTRUSTED in detail) from error
        except ExpositionError as error:
            raise SourceUnavailableError(
                InvalidFormat(exposition=Exposition.KUBELET, at=node, detail=str(error))
            ) from error

    async def _authority(self, node: str) -> str:
        if node not in self._authorities:
            try:
                found = await kubelet_authority(self._client, node)
            except KubeError as error:
                raise _not_readable(node, f"nodes cannot be listed: {error}") from error
            if found is None:
                raise _not_readable(node, "the node has no InternalIP")
            self._authorities[node] = found
        return self._authorities[node]


def _not_readable(
    node: str, detail: str, *, forbidden: bool = False, untrusted: bool = False
) -> SourceUnavailableError:
    return SourceUnavailableError(
        NotReadable(
            exposition=Exposition.KUBELET,
            at=node,
            forbidden=forbidden,
            untrusted=untrusted,
            detail=detail,
        )
    )


def _series(namespace: str, pod: str, container: str) -> list[Series]:
    of_pod = {"namespace": namespace, "pod": pod}
    of_container = of_pod | {"container": container}
    return [
        *(Series(metric, of_container) for metric in _OF_CONTAINER),
        *(Series(metric, of_pod) for metric in _OF_POD),
    ]


def _series_of(pod: ControlPlanePod) -> list[Series]:
    # A pod in its node's network has the traffic of the whole node.
    return [
        replace(series, name=labelled(series.metric, {"of": pod.component}))
        for series in _series(pod.namespace, pod.name, pod.container)
        if series.metric in _OF_CONTAINER
    ]


def _foreign(own_namespaces: frozenset[str]) -> Series:
    """Total use of all containers that are neither part of the system nor krobench's."""
    return Series(
        _CPU,
        # A pod's own sum, and that of a node's whole tree, have no name of a container.
        exclude={"container": _NO_CONTAINER, "namespace": own_namespaces | {_SYSTEM}},
        name=labelled(_CPU, {"of": "others"}),
    )


def _joined(scrapes: Sequence[Scrape]) -> Scrape:
    readings: list[Reading] = [reading for scrape in scrapes for reading in scrape.readings]
    return Scrape(
        readings,
        sum(scrape.scraped_bytes for scrape in scrapes),
        sum(scrape.parse_cpu_seconds for scrape in scrapes),
        {part: why for scrape in scrapes for part, why in scrape.silent.items()},
    )
