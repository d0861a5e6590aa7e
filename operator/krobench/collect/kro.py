"""What is read from kro: which pod it is, its metrics, its counters on request, and its profiles.

Profiles come from the endpoints of Go's ``net/http/pprof``. kro has them in builds with
``-tags pprof`` only, which its chart runs with ``debug.pprof.enabled``.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from krobench.api.notation import labelled, labels_of
from krobench.api.specs.kro import Target
from krobench.collect.exposition import Series, families, read
from krobench.collect.podhttp import PodHttp, PodHttpError
from krobench.collect.source import (
    SCRAPE_TIMEOUT_SECONDS,
    ExpositionError,
    Scrape,
    SourceUnavailableError,
    lines_of,
    read_through,
    with_present_names,
)
from krobench.figures.rawdata import SourceName
from krobench.figures.reasons.profiles import (
    CpuProfileFailed,
    HeapProfileFailed,
    PprofForbidden,
    PprofReason,
    PprofSilent,
    ProfilerBusy,
)
from krobench.figures.reasons.sources import (
    Exposition,
    InvalidFormat,
    NoHeapSize,
    NoPprof,
    NotReadable,
)
from krobench.figures.summaries import KroRestart
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.kropods import KroPod, find_kro

_LEAD_SECONDS = 10.0


class KroTracker:
    """The kro that is measured now, and the restarts that were seen.

    ``restarts`` holds each moment at which another process was found to be kro, in order.
    """

    def __init__(
        self, client: KubeClient, target: Target, pod: KroPod, now: Callable[[], float]
    ) -> None:
        self._client = client
        self._target = target
        self._now = now
        self._started: float | None = None
        self._measured = pod.name
        self._looked_at = now()
        self.pod = pod
        self.restarts: list[KroRestart] = []

    async def follow_lead(self) -> None:
        """Ask now and then which replica leads, if there are several.

        The lease of a leader that died passes to another replica only when it has expired. Until
        then, nothing shows that the restarted pod no longer leads.
        """
        due = self._now() - self._looked_at >= _LEAD_SECONDS
        if due and self.pod.fingerprint.replicas > 1:
            await self.find_again()

    async def find_again(self) -> bool:
        """Look for kro; whether it is another pod, or has another address, than before."""
        self._looked_at = self._now()
        try:
            found = await find_kro(self._client, self._target)
        except KubeError:
            return False  # between two leaders there is none; the next scrape looks again
        changed = (found.name, found.ip) != (self.pod.name, self.pod.ip)
        self.pod = found
        return changed

    async def saw_start(self, started: float | None) -> bool:
        """Note when the process that answered was started.

        Returns whether another pod is kro now, because the restarted one did not come back as the
        leader; its readings must then be discarded.
        """
        if started is None or started == self._started:
            return False
        if self._started is None:
            self._started = started
            return False
        if self.pod.name == self._measured and await self.find_again():
            return True
        self.restarts.append(
            KroRestart(
                seconds=round(self._now(), 3),
                pod=self.pod.name,
                previous_pod=self._measured if self._measured != self.pod.name else None,
            )
        )
        self._started, self._measured = started, self.pod.name
        return False


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
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def scrape(self) -> Scrape:
        await self._tracker.follow_lead()
        try:
            scrape = await self._scrape()
        except SourceUnavailableError:
            if not await self._tracker.find_again():
                raise
            scrape = await self._scrape()
        if await self._tracker.saw_start(_start_time(scrape)):
            # The leader is another pod now; these readings are of a kro that only waits.
            scrape = await self._scrape()
            await self._tracker.saw_start(_start_time(scrape))
        return scrape

    async def _scrape(self) -> Scrape:
        pod, known = self._tracker.pod, self._pod
        if (pod.name, pod.ip) != (known.name, known.ip):
            await self.close()
        if self._http is None:
            self._pod, self._http = pod, PodHttp(self._client, pod, pod.metrics_port)
        try:
            async with self._http.stream("/metrics", _QUERY, SCRAPE_TIMEOUT_SECONDS) as content:
                scrape = await read_through(content, self._series)
                return with_failed_build_time(with_present_names(scrape, "kro"))
        except PodHttpError as error:
            await self.close()  # the next scrape looks for a way again
            raise _not_readable(error) from error
        except ExpositionError as error:
            await self.close()
            raise SourceUnavailableError(
                InvalidFormat(exposition=Exposition.KRO, detail=str(error))
            ) from error


def with_failed_build_time(scrape: Scrape) -> Scrape:
    """Return the scrape with the time of each RGD's failed builds, instead of that of all builds.

    kro counts the time of all builds together: it is divided by the numbers of builds.
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


def _not_readable(error: PodHttpError) -> SourceUnavailableError:
    return SourceUnavailableError(NotReadable(exposition=Exposition.KRO, detail=str(error)))


def _start_time(scrape: Scrape) -> float | None:
    return next((r.value for r in scrape.readings if r.key == _START_TIME), None)


_PPROF = "/debug/pprof"
_ANSWER_SECONDS = 30.0
"""Time for an answer beyond what was asked for: writing a profile takes kro a moment."""
_HEAP_QUERY = {"gc": "1", "debug": "1"}
_HEAP_ALLOC = re.compile(rb"^# HeapAlloc = (\d+)$", re.MULTILINE)
_STEADY_BYTES = 64 * 1024
_MOST_READINGS = 6


class KroCounters:
    """Reads one pod of kro on request."""

    def __init__(self, client: KubeClient, pod: KroPod, pprof_port: int) -> None:
        self._metrics = PodHttp(client, pod, pod.metrics_port)
        self._pprof = PodHttp(client, pod, pprof_port)
        self._pprof_port = pprof_port

    async def close(self) -> None:
        await self._metrics.close()
        await self._pprof.close()

    async def read(self, wanted: Sequence[Series]) -> dict[str, float]:
        """Return the series that kro exposes now, by key; one that it does not is missing.

        Raises:
            SourceUnavailableError: if kro does not answer.
        """
        # kro 0.9.4 then writes these metrics only; older ones write all.
        query = {"name[]": families(wanted)}
        try:
            text = (await self._metrics.get("/metrics", query)).decode(errors="replace")
        except PodHttpError as error:
            raise _not_readable(error) from error
        readings = await asyncio.to_thread(read, text, wanted)
        return {reading.key: reading.value for reading in readings}

    async def settled_heap_bytes(self) -> int:
        """Return the size of kro's heap after a garbage collection.

        Work in progress holds memory too, so kro collects until its heap no longer shrinks.

        Raises:
            SourceUnavailableError: if kro has no pprof, which makes it collect garbage.
        """
        least = await self._heap_bytes()
        for _ in range(_MOST_READINGS):
            now = await self._heap_bytes()
            steady = now > least - _STEADY_BYTES
            least = min(least, now)
            if steady:
                break
        return least

    async def _heap_bytes(self) -> int:
        # Go collects before it writes the profile, and in this form shows the heap as it was then.
        try:
            profile = await self._pprof.get(f"{_PPROF}/heap", _HEAP_QUERY, _ANSWER_SECONDS)
        except PodHttpError as error:
            raise SourceUnavailableError(
                NoPprof(port=self._pprof_port, detail=str(error))
            ) from error
        found = _HEAP_ALLOC.search(profile)
        if found is None:
            raise SourceUnavailableError(NoHeapSize())
        return int(found[1])


_BUSY = "already in use"


class PprofError(Exception):
    """kro gave no profile."""

    def __init__(self, reason: PprofReason) -> None:
        super().__init__(repr(reason))
        self.reason = reason


class Pprof:
    """The profiles of one pod of kro."""

    def __init__(self, client: KubeClient, pod: KroPod, port: int) -> None:
        self._http = PodHttp(client, pod, port)
        self._port = port

    async def close(self) -> None:
        await self._http.close()

    async def check(self) -> None:
        """Find out whether kro can be profiled.

        Raises:
            PprofError: if not.
        """
        try:
            await self._http.get(f"{_PPROF}/cmdline")
        except PodHttpError as error:
            if error.status == 403:
                raise PprofError(PprofForbidden(detail=str(error))) from error
            raise PprofError(PprofSilent(port=self._port, detail=str(error))) from error

    async def cpu(self, seconds: int) -> bytes:
        """Return a CPU profile over that time from now on.

        Raises:
            PprofError: if there is none, for example because another one is in progress.
        """
        query = {"seconds": str(seconds)}
        try:
            return await self._http.get(f"{_PPROF}/profile", query, seconds + _ANSWER_SECONDS)
        except PodHttpError as error:
            if _BUSY in error.body:
                raise PprofError(ProfilerBusy(detail=str(error))) from error
            raise PprofError(CpuProfileFailed(seconds=seconds, detail=str(error))) from error

    async def heap(self) -> bytes:
        """Return a heap profile, after a garbage collection.

        Raises:
            PprofError: if there is none.
        """
        try:
            return await self._http.get(f"{_PPROF}/heap", {"gc": "1"}, _ANSWER_SECONDS)
        except PodHttpError as error:
            raise PprofError(HeapProfileFailed(detail=str(error))) from error
