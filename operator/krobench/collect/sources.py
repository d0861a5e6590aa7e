"""The sources of samples: kro's own metrics, the API server's, and the kubelet's."""

import asyncio
from collections.abc import Sequence
from typing import Literal, Protocol

import httpx

from krobench.collect.exposition import Reading, Series, read
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.discover import KroPod
from krobench.kube.errors import ApiError, KubeError

SourceName = Literal["kro", "apiserver", "kubelet"]

_SCRAPE_TIMEOUT_SECONDS = 5.0
_QUEUE = {"name": "dynamic-controller-queue"}
# They last as long as the client wants, which says nothing about the server.
_LONG_REQUESTS = {"verb": frozenset({"WATCH", "CONNECT"})}

KRO_SERIES = (
    Series("process_cpu_seconds_total"),
    Series("process_start_time_seconds"),
    Series("process_resident_memory_bytes"),
    Series("go_memstats_heap_alloc_bytes"),
    Series("go_goroutines"),
    Series("rest_client_requests_total"),
    Series("instance_reconcile_total"),
    Series("instance_reconcile_errors_total"),
    Series("instance_reconcile_duration_seconds_sum"),
    Series("instance_reconcile_duration_seconds_count"),
    Series("cel_expr_eval_duration_seconds_sum"),
    Series("cel_expr_eval_duration_seconds_count"),
    Series("rgd_graph_build_duration_seconds_sum"),
    Series("rgd_graph_build_duration_seconds_count"),
    Series("graph_revision_compile_duration_seconds_sum"),
    Series("graph_revision_compile_duration_seconds_count"),
    Series("dynamic_controller_watch_count"),
    Series("workqueue_depth", _QUEUE, name="instance_queue_depth"),
    Series("workqueue_queue_duration_seconds_sum", _QUEUE, name="instance_queue_wait_seconds_sum"),
    Series(
        "workqueue_queue_duration_seconds_count", _QUEUE, name="instance_queue_wait_seconds_count"
    ),
)

API_SERVER_SERIES = (
    Series("apiserver_request_total"),
    Series("apiserver_request_total", {"code": "429"}, name="apiserver_request_429_total"),
    Series("apiserver_request_duration_seconds_sum", exclude=_LONG_REQUESTS),
    Series("apiserver_request_duration_seconds_count", exclude=_LONG_REQUESTS),
    Series("process_cpu_seconds_total"),
    Series("process_resident_memory_bytes"),
)


class SourceUnavailableError(Exception):
    """A source gave no samples; the message says why."""


class Source(Protocol):
    """Something that can be sampled."""

    name: SourceName

    async def scrape(self) -> list[Reading]:
        """Return current readings.

        Raises:
            SourceUnavailableError: if it gives none.
        """


async def _read(text: str, wanted: Sequence[Series]) -> list[Reading]:
    """Parse in a thread: megabytes of exposition would hold up the observer's watches."""
    return await asyncio.to_thread(read, text, wanted)


class KroSource:
    """kro's ``/metrics``: straight from the pod, or through the API server's pod proxy.

    Straight is better, as it puts no load on the API server; the proxy is for where the pod
    network is out of reach, as from outside of the cluster or behind a NetworkPolicy.
    """

    name: SourceName = "kro"

    def __init__(self, client: KubeClient, pod: KroPod) -> None:
        self._client = client
        self._pod = pod
        self._http = httpx.AsyncClient(timeout=_SCRAPE_TIMEOUT_SECONDS, trust_env=False)
        self._through_proxy = False

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def scrape(self) -> list[Reading]:
        """Return current readings of kro."""
        text = await (self._proxied() if self._through_proxy else self._direct_or_proxied())
        return await _read(text, KRO_SERIES)

    async def _direct_or_proxied(self) -> str:
        host = f"[{self._pod.ip}]" if ":" in self._pod.ip else self._pod.ip
        try:
            response = await self._http.get(f"http://{host}:{self._pod.metrics_port}/metrics")
            response.raise_for_status()
        except httpx.HTTPError as error:
            text = await self._proxied(str(error) or type(error).__name__)
            self._through_proxy = True
            return text
        return response.text

    async def _proxied(self, direct_problem: str | None = None) -> str:
        sub = f"{self._pod.name}:{self._pod.metrics_port}/proxy/metrics"
        try:
            return await self._client.get_text(paths.core("pods", self._pod.namespace, sub))
        except KubeError as error:
            direct = f"; straight from the pod: {direct_problem}" if direct_problem else ""
            raise SourceUnavailableError(f"kro's /metrics: {error}{direct}") from error


class ApiServerSource:
    """The ``/metrics`` of the API server that answers us."""

    name: SourceName = "apiserver"

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def scrape(self) -> list[Reading]:
        """Return current readings of the API server."""
        try:
            text = await self._client.get_text("/metrics")
        except ApiError as error:
            hint = "; grant get on the nonResourceURL /metrics" if error.forbidden else ""
            raise SourceUnavailableError(f"the API server's /metrics: {error}{hint}") from error
        except KubeError as error:
            raise SourceUnavailableError(f"the API server's /metrics: {error}") from error
        return await _read(text, API_SERVER_SERIES)


class KubeletSource:
    """What the kubelet's cAdvisor says of kro's container, through the API server."""

    name: SourceName = "kubelet"

    def __init__(self, client: KubeClient, pod: KroPod) -> None:
        self._client = client
        self._pod = pod
        match = {"namespace": pod.namespace, "pod": pod.name, "container": pod.container}
        self._series = tuple(
            Series(metric, match)
            for metric in (
                "container_cpu_usage_seconds_total",
                "container_cpu_cfs_periods_total",
                "container_cpu_cfs_throttled_periods_total",
                "container_memory_working_set_bytes",
            )
        )

    async def scrape(self) -> list[Reading]:
        """Return current readings of kro's container."""
        path = paths.core("nodes", None, self._pod.node, "proxy/metrics/cadvisor")
        try:
            text = await self._client.get_text(path)
        except ApiError as error:
            hint = "; grant get on nodes/proxy" if error.forbidden else ""
            raise SourceUnavailableError(f"the kubelet's cAdvisor: {error}{hint}") from error
        except KubeError as error:
            raise SourceUnavailableError(f"the kubelet's cAdvisor: {error}") from error
        readings = await _read(text, self._series)
        if not readings:
            raise SourceUnavailableError(
                f"the kubelet of node {self._pod.node} names no container {self._pod.container} "
                f"of pod {self._pod.namespace}/{self._pod.name}"
            )
        return readings
