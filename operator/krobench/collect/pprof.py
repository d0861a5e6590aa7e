"""kro's profiles, by the endpoints of Go's ``net/http/pprof``.

kro has them in builds with ``-tags pprof`` only, which its chart runs with
``debug.pprof.enabled``.
"""

from krobench.collect.podhttp import PodHttp, PodHttpError
from krobench.kube.client import KubeClient
from krobench.kube.kro import KroPod

_BASE = "/debug/pprof"
_ANSWER_SECONDS = 30.0
"""Time for an answer beyond what was asked for: writing a profile takes kro a moment."""
_BUSY = "already in use"


class PprofError(Exception):
    """There is no profile; the message says why and what to do."""


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
            await self._http.get(f"{_BASE}/cmdline")
        except PodHttpError as error:
            if error.status == 403:
                raise PprofError(f"kro's pprof is forbidden: {error}") from error
            raise PprofError(
                f"kro's pprof does not answer on port {self._port}: {error}. It is in kro's builds "
                "with the tag pprof only (chart value debug.pprof.enabled, image VERSION-debug); "
                "spec.target.pprofPort names another port"
            ) from error

    async def cpu(self, seconds: int) -> bytes:
        """Return a CPU profile over that time from now on.

        Raises:
            PprofError: if there is none, for example because another one is in progress.
        """
        query = {"seconds": str(seconds)}
        try:
            return await self._http.get(f"{_BASE}/profile", query, seconds + _ANSWER_SECONDS)
        except PodHttpError as error:
            if _BUSY in str(error):
                raise PprofError(
                    "another client is taking a CPU profile of kro, and Go takes one at a time: "
                    f"{error}"
                ) from error
            raise PprofError(f"no CPU profile of {seconds}s: {error}") from error

    async def heap(self) -> bytes:
        """Return a heap profile, after a garbage collection.

        Raises:
            PprofError: if there is none.
        """
        try:
            return await self._http.get(f"{_BASE}/heap", {"gc": "1"}, _ANSWER_SECONDS)
        except PodHttpError as error:
            raise PprofError(f"no heap profile: {error}") from error
