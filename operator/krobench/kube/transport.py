"""A raw-JSON client of the API server on aiohttp.

Raw JSON because typed models cost ten times the parse time, aiohttp because it carries twice
the rate of the alternatives at a fifth of their CPU. Both matter in a load generator: it takes its
CPU time from the machine that it measures.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import orjson

from krobench.kube.config import ClientConfig
from krobench.kube.errors import ApiError, ApiUnreachableError, api_error

JSON = "application/json"

REQUEST_TIMEOUT_SECONDS = 60.0
_CONNECT_TIMEOUT_SECONDS = 10.0
_DEFAULT_CONNECTIONS = 64
_STARTING_SECONDS = 10.0
_READY_TIMEOUT_SECONDS = 5.0
_READY_ATTEMPTS = 4
_REFUSED = (401, 403)
_WATCH_LINE_LIMIT_BYTES = 4 << 20


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after which time, a request is sent again after a transient failure."""

    retries: int = 5
    first_seconds: float = 0.2
    """Doubles with each retry, unless the server asks for another time by ``Retry-After``."""
    longest_seconds: float = 10.0
    readiness_seconds: float = 0.5
    """Between two looks whether the server is ready."""
    reconnect_seconds: float = 0.5
    """Before a watch that was interrupted connects again."""


NO_RETRIES = RetryPolicy(retries=0)


class Transport:
    """Sends requests to one API server, each once, and counts them; an async context manager."""

    def __init__(
        self,
        config: ClientConfig,
        connections: int = _DEFAULT_CONNECTIONS,
        policy: RetryPolicy = RetryPolicy(),
    ) -> None:
        self.config = config
        self.policy = policy
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._broke_at = float("-inf")
        self.requests: Counter[str] = Counter()
        """How many were sent, by HTTP method."""

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

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

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str = JSON,
        content_type: str = JSON,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> bytes:
        """Send a request once."""
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
        """Whether a refusal may come from an API server that has just started.

        Until it has read its roles, such a server refuses every request, and it is ready a second
        or more after that. Behind a load balancer another server may answer that it is ready, so a
        connection that broke just before counts too.
        """
        if time.monotonic() - self._broke_at < _STARTING_SECONDS:
            return True
        for _ in range(_READY_ATTEMPTS):
            self.requests["GET"] += 1
            try:
                async with self._open().get(
                    self.config.server + "/readyz",
                    headers=self._headers("*/*"),
                    timeout=aiohttp.ClientTimeout(total=_READY_TIMEOUT_SECONDS),
                ) as response:
                    status = response.status
            except (aiohttp.ClientError, TimeoutError):
                return True
            if status not in _REFUSED:
                return status >= 500
            await asyncio.sleep(self.policy.readiness_seconds)
        return False  # we may not ask at all

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
