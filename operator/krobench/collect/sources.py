"""The sources of a run: the API server and etcd, and those in modules of their own."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from krobench.api.specs.collect import Collect
from krobench.api.specs.kro import Target
from krobench.collect.kro import KroSource, KroTracker
from krobench.collect.kubelet import KubeletSource
from krobench.collect.source import (
    HEADERS,
    SCRAPE_TIMEOUT_SECONDS,
    ExpositionError,
    Scrape,
    Source,
    SourceUnavailableError,
    lines_of,
    read_through,
    scrape_through,
    with_present_names,
)
from krobench.figures.rawdata import SourceName
from krobench.figures.reasons.sources import Exposition, InvalidFormat, NotReadable
from krobench.kube.client import KubeClient
from krobench.kube.cluster import find_control_plane, find_etcd_metrics
from krobench.kube.config import ClientConfig
from krobench.kube.kropods import KroPod

_ETCD_SERIES = lines_of("etcd")
_ETCD_TRIES = 3
_ETCD_TRY_SECONDS = 1.0
"""A found address that no pod reaches may swallow packets: the load waits for the answer."""


class ApiServerSource:
    """The ``/metrics`` of the API server that answers us.

    Of ``instance_groups``, every kind counts as an instance: each iteration has its own.
    """

    name: SourceName = "apiserver"

    def __init__(self, client: KubeClient, instance_groups: frozenset[str]) -> None:
        self._client = client
        self._series = lines_of("apiserver", instance_groups)

    async def close(self) -> None:
        """It has no connections of its own."""

    async def scrape(self) -> Scrape:
        scrape = await scrape_through(
            self._client,
            "/metrics",
            self._series,
            Exposition.API_SERVER,
        )
        return with_present_names(scrape, "apiserver")


class EtcdSource:
    """The ``/metrics`` of one etcd, by plain HTTP, or by HTTPS with the certificates of the
    connection to the API server.

    Its messages say nothing of what is at the URL, which the author of a run chooses.
    """

    name: SourceName = "etcd"

    def __init__(self, url: str, config: ClientConfig) -> None:
        self._url = url
        self._http = httpx.AsyncClient(
            timeout=SCRAPE_TIMEOUT_SECONDS,
            trust_env=False,
            verify=config.tls or True,
            headers=HEADERS,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def scrape(self) -> Scrape:
        try:
            async with self._http.stream("GET", self._url) as response:
                if response.status_code != 200:
                    raise self._not_readable("the answer is not 200 OK")
                return await read_through(response.aiter_bytes(), _ETCD_SERIES)
        except (httpx.HTTPError, ssl.SSLError) as error:
            raise self._not_readable("no answer") from error
        except ExpositionError as error:
            raise SourceUnavailableError(
                InvalidFormat(exposition=Exposition.ETCD, at=self._url, detail=str(error))
            ) from error

    def _not_readable(self, detail: str) -> SourceUnavailableError:
        return SourceUnavailableError(
            NotReadable(exposition=Exposition.ETCD, at=self._url, detail=detail)
        )


@dataclass(frozen=True)
class Scope:
    """What to sample."""

    target: Target
    kro: KroPod | None
    """None if it runs elsewhere."""
    collect: Collect
    instance_groups: frozenset[str]
    """API groups of the instances' kinds."""
    now: Callable[[], float]
    """The run's clock."""
    own_namespaces: frozenset[str] = frozenset()
    """Namespaces of the pods that this run creates or consists of."""


async def open_sources(client: KubeClient, scope: Scope) -> tuple[list[Source], KroTracker | None]:
    """Return the sources of a run, and the tracker that knows which pod is kro, if one is."""
    tracker: KroTracker | None = None
    sources: list[Source] = [ApiServerSource(client, scope.instance_groups)]
    if scope.kro is not None:
        tracker = KroTracker(client, scope.target, scope.kro, scope.now)
        control_plane = await find_control_plane(client)
        sources = [
            KroSource(client, tracker, scope.instance_groups),
            *sources,
            KubeletSource(client, tracker, control_plane, scope.own_namespaces),
        ]
    if scope.collect.etcd is not None:
        sources.append(EtcdSource(scope.collect.etcd.url, client.config))
    elif (etcd := await find_etcd(client)) is not None:
        sources.append(etcd)
    return sources, tracker


async def find_etcd(client: KubeClient) -> EtcdSource | None:
    """Return the first etcd of the control plane that serves its metrics to pods, if one does.

    Most clusters keep them from pods, which is ordinary, so nothing is raised.
    """
    for url in (await find_etcd_metrics(client))[:_ETCD_TRIES]:
        source = EtcdSource(url, client.config)
        try:
            async with asyncio.timeout(_ETCD_TRY_SECONDS):
                await source.scrape()
        except (SourceUnavailableError, TimeoutError):
            await source.close()
        else:
            return source
    return None
