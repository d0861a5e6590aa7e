"""kro's own metrics."""

from dataclasses import replace

from krobench.api.notation import labelled, labels_of
from krobench.collect.exposition import families
from krobench.collect.podhttp import PodHttp, PodHttpError
from krobench.collect.source import (
    SCRAPE_TIMEOUT_SECONDS,
    Scrape,
    SourceUnavailableError,
    lines_of,
    read_through,
    with_present_names,
)
from krobench.collect.tracker import KroTracker
from krobench.figures.lines import SourceName
from krobench.kube.client import KubeClient

_START_TIME = "process_start_time_seconds"
_BUILD_ERRORS = "rgd_graph_build_errors_total"
_BUILD_SECONDS_OF, _BUILDS_OF = "build_seconds_of", "builds_of"
_FAILED_BUILD_SECONDS = "failed_build_seconds"
# kro 0.9.4 then writes these metrics only, for half of the CPU time; older ones write all.
_QUERY = {"name[]": families(lines_of("kro"))}


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
        self._series = lines_of("kro", instance_groups)
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
                return with_failed_build_time(with_present_names(scrape, "kro"))
        except (PodHttpError, ValueError) as error:
            await self.close()  # the next scrape looks for a way again
            raise SourceUnavailableError(f"kro's /metrics: {error}") from error

    async def _reach(self) -> PodHttp:
        pod, known = self._tracker.pod, self._pod
        if (pod.name, pod.ip) != (known.name, known.ip):
            await self.close()
        if self._http is None:
            self._pod, self._http = pod, PodHttp(self._client, pod, pod.metrics_port)
        return self._http


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
