"""A raw-JSON client of the API server on aiohttp.

Raw JSON because typed models cost ten times the parse time, aiohttp because it carries twice
the rate of the alternatives at a fifth of their CPU; both matter in a load generator, whose
own cost is taken from the machine it measures.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Self, TypeVar

import aiohttp
import orjson

from krobench.kube.config import ClientConfig
from krobench.kube.errors import ApiError, ApiUnreachableError, api_error

JsonObject = dict[str, Any]
_Answer = TypeVar("_Answer")

JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""Objects of a watch without spec, status and data."""
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""The same of a list."""

_REQUEST_TIMEOUT_SECONDS = 60.0
_CONNECT_TIMEOUT_SECONDS = 10.0
_DEFAULT_CONNECTIONS = 64
_STARTING_SECONDS = 10.0
_READY_TIMEOUT_SECONDS = 5.0
_READY_AGAIN_SECONDS = 0.5
_READY_ATTEMPTS = 4
_REFUSED = (401, 403)
_NO_ANSWER = 503
_WATCH_LINE_LIMIT_BYTES = 4 << 20
_CHUNK_BYTES = 256 << 10
_MAX_RETRIES = 5
_FIRST_BACKOFF_SECONDS = 0.2
_MAX_BACKOFF_SECONDS = 10.0


class KubeClient:
    """Requests to one API server; an async context manager.

    Every request is counted in ``requests``, by HTTP method. All methods raise
    :class:`ApiError` where the server says no and :class:`ApiUnreachableError` where it says
    nothing.
    """

    def __init__(self, config: ClientConfig, connections: int = _DEFAULT_CONNECTIONS) -> None:
        self.config = config
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._broke_at = float("-inf")
        self.requests: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(
        self, path: str, params: Mapping[str, str] | None = None, accept: str = JSON
    ) -> JsonObject:
        """Read one object, or whatever JSON object stands at ``path``."""
        return await self._json("GET", path, params=params, accept=accept)

    async def get_text(self, path: str, accept: str = "text/plain") -> str:
        """Read text, such as a metrics endpoint."""
        return (await self._request("GET", path, accept=accept)).decode(errors="replace")

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, timeout_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give whatever stands at ``path`` as it comes in, such as an endpoint of a pod behind
        the proxy."""
        self.requests["GET"] += 1
        async with self._stream(path, {}, "*/*", timeout_seconds) as content:
            yield content.iter_chunked(_CHUNK_BYTES)

    async def chunks(self, path: str) -> AsyncIterator[bytes]:
        """Yield a large text as it comes in."""
        self.requests["GET"] += 1
        async with self._stream(path, {}, "text/plain", _REQUEST_TIMEOUT_SECONDS) as content:
            async for chunk in content.iter_chunked(_CHUNK_BYTES):
                yield chunk

    async def list(self, path: str, label_selector: str | None = None) -> list[JsonObject]:
        """Read all objects of a collection; a kind that is not served raises with 404."""
        items: list[JsonObject] = []
        params = {"limit": "500"}
        if label_selector:
            params["labelSelector"] = label_selector
        while True:
            page = await self.get(path, params)
            items += page.get("items") or []
            following = page.get("metadata", {}).get("continue")
            if not following:
                return items
            params["continue"] = following

    async def create(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        """Create an object in the collection ``path``; sent once, never repeated."""
        return await self._json("POST", path, body=body)

    async def replace(
        self, path: str, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> JsonObject:
        """Replace an object; a ``resourceVersion`` in it guards against lost updates.

        With ``dry_run``, say what it would then be, and change nothing.
        """
        params = {"dryRun": "All"} if dry_run else None
        return await self._json("PUT", path, params=params, body=body)

    async def patch(self, path: str, body: Mapping[str, Any]) -> JsonObject:
        """Apply a JSON merge patch."""
        return await self._json(
            "PATCH", path, body=body, content_type="application/merge-patch+json"
        )

    async def delete(
        self, path: str, propagation: str | None = None, uid: str | None = None
    ) -> None:
        """Delete an object; one that is not there raises with 404, one of another uid with 409."""
        asked = {"propagationPolicy": propagation, "preconditions": uid and {"uid": uid}}
        body = {key: value for key, value in asked.items() if value}
        await self._request("DELETE", path, body=body or None)

    async def watch_lines(
        self, path: str, params: Mapping[str, str], accept: str = JSON
    ) -> AsyncIterator[bytes]:
        """Yield the lines of a watch until the server ends it."""
        self.requests["WATCH"] += 1
        async with self._stream(path, dict(params) | {"watch": "true"}, accept, None) as content:
            async for line in content:
                yield line

    @contextlib.asynccontextmanager
    async def _stream(
        self, path: str, params: Mapping[str, str], accept: str, timeout_seconds: float | None
    ) -> AsyncIterator[aiohttp.StreamReader]:
        timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=_CONNECT_TIMEOUT_SECONDS, sock_read=None
        )
        try:
            async with self._open().get(
                self.config.server + path,
                params=params,
                headers=self._headers(accept),
                timeout=timeout,
            ) as response:
                if response.status >= 400:
                    raise await self._error_of(response, await response.read())
                yield response.content
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                ssl=self.config.tls if self.config.tls is not None else True,
                limit=self._connections,
                keepalive_timeout=75,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                auto_decompress=True,
                read_bufsize=_WATCH_LINE_LIMIT_BYTES,
                # Compressing costs the API server CPU time, which is part of what we measure.
                headers={"Accept-Encoding": "identity"},
            )
        return self._session

    def _headers(self, accept: str) -> dict[str, str]:
        headers = {"Accept": accept, "User-Agent": "krobench"}
        authorization = self.config.authorization()
        if authorization:
            headers["Authorization"] = authorization
        return headers

    async def _json(self, method: str, path: str, **options: Any) -> JsonObject:
        parsed: JsonObject = orjson.loads(await self._request(method, path, **options))
        return parsed

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str = JSON,
        content_type: str = JSON,
        timeout_seconds: float = _REQUEST_TIMEOUT_SECONDS,
    ) -> bytes:
        session = self._open()
        self.requests[method] += 1
        headers = self._headers(accept)
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            async with session.request(
                method,
                self.config.server + path,
                params=params,
                data=orjson.dumps(body) if body is not None else None,
                headers=headers,
                timeout=aiohttp.ClientTimeout(
                    total=timeout_seconds, sock_connect=_CONNECT_TIMEOUT_SECONDS
                ),
            ) as response:
                payload = await response.read()
                if response.status >= 400:
                    raise await self._error_of(response, payload)
                return payload
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def may_be_starting(self) -> bool:
        """Whether a refusal may be that of an API server which has just been started.

        Until it has read its roles, such a server refuses everybody everything, and is ready a
        second or more after that. Behind a load balancer it may be another one that says it is
        ready; so a connection that broke just before counts too.
        """
        if time.monotonic() - self._broke_at < _STARTING_SECONDS:
            return True
        for _ in range(_READY_ATTEMPTS):
            status = await self._readiness()
            if status not in _REFUSED:
                return status >= 500
            await asyncio.sleep(_READY_AGAIN_SECONDS)
        return False  # we may never ask that

    async def _readiness(self) -> int:
        """Return the status with which the API server says whether it is ready."""
        self.requests["GET"] += 1
        try:
            async with self._open().get(
                self.config.server + "/readyz",
                headers=self._headers("*/*"),
                timeout=aiohttp.ClientTimeout(total=_READY_TIMEOUT_SECONDS),
            ) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return _NO_ANSWER

    async def _error_of(self, response: aiohttp.ClientResponse, body: bytes) -> ApiError:
        error = api_error(response.status, body, response.headers.get("Retry-After"))
        error.starting = error.status in _REFUSED and await self.may_be_starting()
        return error

    def _unreachable(self, error: Exception) -> ApiUnreachableError:
        self._broke_at = time.monotonic()
        detail = str(error) or type(error).__name__
        return ApiUnreachableError(
            f"the API server at {self.config.server} did not answer: {detail}"
        )

    async def patiently(
        self, request: Callable[[], Awaitable[_Answer]], max_retries: int = _MAX_RETRIES
    ) -> _Answer:
        """Make a request, and repeat it after a transient failure; it has to bear repetition.

        Raises its last error where repeating was of no use.
        """
        attempt = 0
        while True:
            try:
                return await request()
            except (ApiError, ApiUnreachableError) as error:
                await self.backoff(error, attempt, max_retries)
                attempt += 1

    async def backoff(
        self, error: ApiError | ApiUnreachableError, attempt: int, max_retries: int = _MAX_RETRIES
    ) -> None:
        """Wait before repeating a request that failed for the ``attempt``-th time, from 0.

        Raises ``error`` again where repeating is of no use: it was no transient one, or there
        were attempts enough.
        """
        if attempt >= max_retries or not error.transient:
            raise error
        asked = error.retry_after_seconds if isinstance(error, ApiError) else None
        delay = asked if asked is not None else _FIRST_BACKOFF_SECONDS * 2**attempt
        await asyncio.sleep(min(delay, _MAX_BACKOFF_SECONDS))
