"""kro's counters and its heap at chosen moments, as measuring expressions needs them."""

import asyncio
import re
from collections.abc import Sequence

from krobench.collect.exposition import Series, families, read
from krobench.collect.podhttp import PodHttp, PodHttpError
from krobench.collect.source import SourceUnavailableError
from krobench.kube.client import KubeClient
from krobench.kube.kro import KroPod

_HEAP_SECONDS = 30.0
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
        """Close all connections."""
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
            raise SourceUnavailableError(f"kro's /metrics: {error}") from error
        readings = await asyncio.to_thread(read, text, wanted)
        return {reading.key: reading.value for reading in readings}

    async def settled_heap_bytes(self) -> int:
        """Return what kro's heap holds: as allocated just after a garbage collection, again and
        again until it shrinks no more, because what is in progress is held as well.

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
            profile = await self._pprof.get("/debug/pprof/heap", _HEAP_QUERY, _HEAP_SECONDS)
        except PodHttpError as error:
            raise SourceUnavailableError(
                f"kro has no pprof on port {self._pprof_port}, and without it the garbage in its "
                f"heap cannot be separated from what is in use: {error}"
            ) from error
        found = _HEAP_ALLOC.search(profile)
        if found is None:
            raise SourceUnavailableError("kro's heap profile has no size of the allocated heap")
        return int(found[1])
