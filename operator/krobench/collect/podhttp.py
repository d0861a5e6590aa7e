"""HTTP to a port of kro's pod: directly, or through the API server's pod proxy.

Direct is better, because it puts no load on the API server; the proxy is used if the pod network
is out of reach, for example from outside of the cluster or behind a NetworkPolicy.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlencode

import httpx

from krobench.collect.source import HEADERS
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.kube.kropods import KroPod

_CONNECT_SECONDS = 2.0
_MAX_ERROR_BYTES = 300
_MAX_ANSWER_BYTES = 64 << 20
"""A profile of a large heap has some megabytes."""


class PodHttpError(Exception):
    """The pod did not answer, or refused the request; the message says which.

    The message never quotes what the pod answered: the author of a run chooses the pod. ``body``
    is the beginning of it.
    """

    def __init__(self, message: str, status: int | None = None, body: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class PodHttp:
    """Requests to one port of a pod.

    The first request finds the way, and the others use it: a request that fails later is not
    repeated the other way, because it may have been carried out.
    """

    def __init__(self, client: KubeClient, pod: KroPod, port: int) -> None:
        self._client = client
        self._pod = pod
        self._port = port
        self._http = httpx.AsyncClient(trust_env=False, headers=HEADERS)
        self._through_proxy: bool | None = None

    async def close(self) -> None:
        await self._http.aclose()

    async def get(
        self,
        path: str,
        query: Mapping[str, str | Sequence[str]] | None = None,
        timeout_seconds: float = 5.0,
    ) -> bytes:
        """Return the content of a path, which begins with a slash.

        A key of the query that has several values is repeated, once for each.

        Raises:
            PodHttpError: if the pod does not answer, its status is not 200, or it is too large.
        """
        async with self.stream(path, query, timeout_seconds) as content:
            answer = bytearray()
            async for chunk in content:
                answer += chunk
                if len(answer) > _MAX_ANSWER_BYTES:
                    raise PodHttpError(f"the answer has over {_MAX_ANSWER_BYTES >> 20} MiB")
            return bytes(answer)

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        query: Mapping[str, str | Sequence[str]] | None = None,
        timeout_seconds: float = 5.0,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield the content of a path as it arrives; otherwise like :meth:`get`."""
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        async with AsyncExitStack() as stack:
            if self._through_proxy is None:
                yield await self._find_way(stack, target, timeout_seconds)
            else:
                send = self._proxied if self._through_proxy else self._direct
                yield await stack.enter_async_context(send(target, timeout_seconds))

    async def _find_way(
        self, stack: AsyncExitStack, target: str, timeout_seconds: float
    ) -> AsyncIterator[bytes]:
        try:
            answer = await stack.enter_async_context(self._direct(target, timeout_seconds))
        except PodHttpError as direct:
            try:
                answer = await stack.enter_async_context(self._proxied(target, timeout_seconds))
            except PodHttpError as proxied:
                raise PodHttpError(
                    f"{proxied}; straight from the pod: {direct}", proxied.status, proxied.body
                ) from proxied
            self._through_proxy = True
        else:
            self._through_proxy = False
        return answer

    @asynccontextmanager
    async def _direct(
        self, target: str, timeout_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        host = f"[{self._pod.ip}]" if ":" in self._pod.ip else self._pod.ip
        timeout = httpx.Timeout(timeout_seconds, connect=_CONNECT_SECONDS)
        url = f"http://{host}:{self._port}{target}"
        try:
            async with self._http.stream("GET", url, timeout=timeout) as response:
                if response.status_code != 200:
                    status, body = response.status_code, b""
                    async for chunk in response.aiter_bytes(_MAX_ERROR_BYTES):
                        body = chunk
                        break
                    raise PodHttpError(f"HTTP {status}", status, body.decode(errors="replace"))
                yield response.aiter_bytes()
        except httpx.HTTPError as error:
            raise PodHttpError(str(error) or type(error).__name__) from error

    @asynccontextmanager
    async def _proxied(
        self, target: str, timeout_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        path = paths.core(
            "pods", self._pod.namespace, f"{self._pod.name}:{self._port}/proxy{target}"
        )
        try:
            async with self._client.stream(path, timeout_seconds) as content:
                yield content
        except ApiError as error:
            hint = "; grant get on pods/proxy" if error.forbidden else ""
            raise PodHttpError(f"HTTP {error.status}{hint}", error.status, error.message) from error
        except KubeError as error:
            raise PodHttpError(str(error)) from error
