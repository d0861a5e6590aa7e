"""kro's own metrics."""

from dataclasses import replace

from krobench.api.notation import labelled, labels_of
from krobench.collect.exposition import Labels, Series, families
from krobench.collect.goruntime import NETWORK_SERIES, PROCESS_SERIES, RUNTIME_SERIES
from krobench.collect.podhttp import PodHttp, PodHttpError
from krobench.collect.source import (
    SCRAPE_TIMEOUT_SECONDS,
    Scrape,
    SourceUnavailableError,
    read_through,
)
from krobench.collect.tracker import KroTracker
from krobench.figures.catalogue import OWN_KINDS
from krobench.figures.lines import SourceName
from krobench.kube.client import KubeClient

_INSTANCE_QUEUE = "dynamic-controller-queue"
_QUEUE = {"name": _INSTANCE_QUEUE}
# The queues before kro's workers, by the name under which they are kept.
_POOLS = {
    "instance": _INSTANCE_QUEUE,
    "rgd": "ResourceGraphDefinition",
    "graph_revision": "graphrevision",
}
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_START_TIME = "process_start_time_seconds"
_BUILD_ERRORS = "rgd_graph_build_errors_total"
_BUILD_DURATION = "rgd_graph_build_duration_seconds"
_BUILD_SECONDS_OF, _BUILDS_OF = "build_seconds_of", "builds_of"
_FAILED_BUILD_SECONDS = "failed_build_seconds"


def _by_rgd(labels: Labels) -> Labels:
    return {"rgd": labels.get("name", "")}


def _of_pool(pool: str, queue: Labels) -> tuple[Series, ...]:
    wait, work = "workqueue_queue_duration_seconds", "workqueue_work_duration_seconds"
    return (
        Series(f"{wait}_sum", queue, name=f"{pool}_queue_wait_seconds_sum"),
        Series(f"{wait}_count", queue, name=f"{pool}_queue_wait_seconds_count"),
        Series(f"{work}_sum", queue, name=f"{pool}_work_seconds_sum"),
        Series(f"{work}_count", queue, name=f"{pool}_work_seconds_count"),
        # What is under way is in the sums only when it ends.
        Series("workqueue_unfinished_work_seconds", queue, name=f"{pool}_unfinished_seconds"),
    )


_HISTOGRAMS = (
    "instance_reconcile_duration_seconds",
    "cel_expr_eval_duration_seconds",
    _BUILD_DURATION,
    "graph_revision_compile_duration_seconds",
)
_SERIES = (
    *PROCESS_SERIES,
    *NETWORK_SERIES,
    *RUNTIME_SERIES,
    Series("rest_client_requests_total"),
    Series("rest_client_request_size_bytes_sum"),
    Series("rest_client_response_size_bytes_sum"),
    Series("instance_reconcile_total"),
    Series("instance_reconcile_errors_total"),
    *(Series(f"{name}_{end}") for name in _HISTOGRAMS for end in ("sum", "count")),
    Series("dynamic_controller_watch_count"),
    # The queue's own gauge; dynamic_controller_queue_length is set when something leaves the
    # queue, and goes stale.
    Series("workqueue_depth", _QUEUE, name="instance_queue_depth"),
    *(series for pool, queue in _POOLS.items() for series in _of_pool(pool, {"name": queue})),
    Series("rest_client_requests_total", {"code": "429"}, name="rest_client_requests_429_total"),
    *(
        Series("rest_client_requests_total", {"method": method}, name="rest_client_writes_total")
        for method in _WRITES
    ),
    Series("rest_client_request_duration_seconds_sum"),
    Series("rest_client_request_duration_seconds_count"),
    Series("dynamic_controller_requeue_total", {"type": "requeue_after"}, name="delayed_requeues"),
    # Only of RGDs whose graph could not be built, so there are few.
    Series(_BUILD_ERRORS, split=_by_rgd),
    # Of each RGD, and not kept.
    Series(f"{_BUILD_DURATION}_sum", name=_BUILD_SECONDS_OF, split=_by_rgd),
    Series(f"{_BUILD_DURATION}_count", name=_BUILDS_OF, split=_by_rgd),
)
# What kro before 0.9 calls the same; only taken where the name above is absent.
_OLDER = {
    "instance_reconcile_total": "dynamic_controller_reconcile_total",
    "instance_reconcile_duration_seconds_sum": "dynamic_controller_reconcile_duration_seconds_sum",
    "instance_reconcile_duration_seconds_count": (
        "dynamic_controller_reconcile_duration_seconds_count"
    ),
    "dynamic_controller_watch_count": "dynamic_controller_gvr_count",
}
_WORK = "dynamic_controller_reconcile_duration_seconds_sum"
_ALL = (*_SERIES, *(Series(older) for older in _OLDER.values()))
# kro 0.9.4 then writes these metrics only, for half of the CPU time; older ones write all.
_QUERY = {"name[]": families(_ALL)}


class KroSource:
    """kro's ``/metrics``.

    A kro that does not answer is looked for again: after a rollout it is another pod, and of
    several replicas another may lead.

    Of ``instance_groups``, every kind counts as the test's own: each iteration has its own.
    """

    name: SourceName = "kro"

    def __init__(
        self, client: KubeClient, tracker: KroTracker, instance_groups: frozenset[str]
    ) -> None:
        self._client = client
        self._tracker = tracker
        self._series = series_of(instance_groups)
        self._pod = tracker.pod
        self._http: PodHttp | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def scrape(self) -> Scrape:
        """Return current readings of kro."""
        await self._tracker.follow_lead()
        try:
            scrape = await self._scrape()
        except SourceUnavailableError:
            if not await self._tracker.find_again():
                raise
            scrape = await self._scrape()
        if await self._tracker.saw_start(_start_time(scrape)):
            # The leader is another pod now; what was read is of a kro that only waits.
            scrape = await self._scrape()
            await self._tracker.saw_start(_start_time(scrape))
        return scrape

    async def _scrape(self) -> Scrape:
        http = await self._reach()
        try:
            async with http.stream("/metrics", _QUERY, SCRAPE_TIMEOUT_SECONDS) as content:
                scrape = await read_through(content, self._series)
                return with_failed_build_time(with_present_names(scrape))
        except (PodHttpError, ValueError) as error:
            await self.close()  # the next scrape finds its way anew
            raise SourceUnavailableError(f"kro's /metrics: {error}") from error

    async def _reach(self) -> PodHttp:
        pod, known = self._tracker.pod, self._pod
        if (pod.name, pod.ip) != (known.name, known.ip):
            await self.close()
        if self._http is None:
            self._pod, self._http = pod, PodHttp(self._client, pod, pod.metrics_port)
        return self._http


def series_of(instance_groups: frozenset[str]) -> tuple[Series, ...]:
    """Return what is read of kro, whose kinds in these API groups are the test's own."""
    return (*_ALL, _work_by_kind(instance_groups))


def _work_by_kind(instance_groups: frozenset[str]) -> Series:
    def kind(labels: Labels) -> Labels:
        gvr = labels.get("gvr", "")
        return {"kind": OWN_KINDS if gvr.partition("/")[0] in instance_groups else gvr}

    return Series(_WORK, name="work_seconds_of", split=kind)


def with_present_names(scrape: Scrape) -> Scrape:
    """Return the scrape with older kro's metrics under the names that newer ones use."""
    by_key = {reading.key: reading for reading in scrape.readings}
    older = {old: by_key.pop(old, None) for old in _OLDER.values()}
    for newer, old in _OLDER.items():
        reading = older[old]
        if newer not in by_key and reading is not None:
            by_key[newer] = replace(reading, key=newer)
    return replace(scrape, readings=list(by_key.values()))


def with_failed_build_time(scrape: Scrape) -> Scrape:
    """Return the scrape with the time of the failed builds of each RGD, in place of that of all.

    kro has one time for builds that fail and that do not: it is shared out by their numbers.
    """
    of_each = (f"{_BUILD_SECONDS_OF}{{", f"{_BUILDS_OF}{{")
    by_key = {reading.key: reading.value for reading in scrape.readings}
    kept = [reading for reading in scrape.readings if not reading.key.startswith(of_each)]
    for errors in [reading for reading in kept if reading.key.startswith(f"{_BUILD_ERRORS}{{")]:
        rgd = labels_of(errors.key)
        builds = by_key.get(labelled(_BUILDS_OF, rgd))
        seconds = by_key.get(labelled(_BUILD_SECONDS_OF, rgd))
        if builds and seconds is not None:
            key = labelled(_FAILED_BUILD_SECONDS, rgd)
            kept.append(replace(errors, key=key, value=errors.value * seconds / builds))
    return replace(scrape, readings=kept)


def _start_time(scrape: Scrape) -> float | None:
    return next((r.value for r in scrape.readings if r.key == _START_TIME), None)
