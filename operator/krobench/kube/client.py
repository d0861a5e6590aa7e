"""An API server's verbs: reading, writing, watching, each with retries."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.kube.transport import JSON, REQUEST_TIMEOUT_SECONDS, Transport

JsonObject = dict[str, Any]
_Answer = TypeVar("_Answer")
JsonObjects = list[JsonObject]

METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
"""Objects of a watch without spec, status and data."""
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""The same of a list."""
_TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"

_CHUNK_BYTES = 256 << 10
_PAGE_OBJECTS = 500


_RECURSION_LIMIT = 50_000
"""Enough for the 10,000 levels that an API server admits; 8 MB of stack hold them."""


def allow_deep_objects() -> None:
    """Let Python's decoder read every object that an API server admits."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _RECURSION_LIMIT))


def decode(payload: bytes) -> Any:
    """Parse JSON of any depth: orjson gives up at 1,024 levels.

    Raises:
        JSONDecodeError: if the payload is not JSON.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        allow_deep_objects()
        return json.loads(payload)


class KubeClient(Transport):
    """Reads and writes objects; an async context manager.

    A request that fails in a way that may pass is sent again, as the ``RetryPolicy`` says, or as
    often as the ``retries`` of a call say.

    All methods raise :class:`ApiError` if the server refuses a request, and
    :class:`ApiUnreachableError` if it does not answer.
    """

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        accept: str = JSON,
        *,
        retries: int | None = None,
    ) -> JsonObject:
        """Read one object, or whatever JSON object is at ``path``."""
        return await self._json("GET", path, retries, params=params, accept=accept)

    async def find(
        self, path: str, accept: str = JSON, *, retries: int | None = None
    ) -> JsonObject | None:
        """Read one object; None if it, or its kind, does not exist."""
        try:
            return await self.get(path, accept=accept, retries=retries)
        except ApiError as error:
            if error.not_found:
                return None
            raise

    async def get_text(
        self, path: str, accept: str = "text/plain", *, retries: int | None = None
    ) -> str:
        """Read text, such as a metrics endpoint."""
        return (await self._send("GET", path, retries, accept=accept)).decode(errors="replace")

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, timeout_seconds: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read what is at ``path`` as it arrives, such as a pod's endpoint behind the proxy."""
        self.requests["GET"] += 1
        async with self._stream(path, {}, "*/*", timeout_seconds) as content:
            yield content.iter_chunked(_CHUNK_BYTES)

    async def chunks(self, path: str) -> AsyncIterator[bytes]:
        """Yield a large text as it arrives."""
        self.requests["GET"] += 1
        async with self._stream(path, {}, "text/plain", REQUEST_TIMEOUT_SECONDS) as content:
            async for chunk in content.iter_chunked(_CHUNK_BYTES):
                yield chunk

    async def list(
        self,
        path: str,
        label_selector: str | None = None,
        *,
        metadata_only: bool = False,
        retries: int | None = None,
    ) -> JsonObjects:
        """Read all objects of a collection; raises with 404 if the kind is not served."""
        accept = METADATA_LIST if metadata_only else JSON
        pages = self.pages(path, label_selector, accept=accept, retries=retries)
        return [item async for page in pages for item in page]

    async def find_all(
        self, path: str, label_selector: str | None = None, *, metadata_only: bool = False
    ) -> JsonObjects | None:
        """Read all objects of a collection; None if the kind is not served."""
        try:
            return await self.list(path, label_selector, metadata_only=metadata_only)
        except ApiError as error:
            if error.not_found:
                return None
            raise

    async def names(self, path: str) -> Sequence[str]:
        """Return the names of all objects of a cluster-scoped kind, as kubectl asks for its table.

        Metadata can be as large as the objects: ``kubectl apply`` puts a copy into an annotation.
        """
        table = await self.get(path, {"includeObject": "None"}, _TABLE)
        return [row["cells"][0] for row in table.get("rows") or []]

    async def pages(
        self,
        path: str,
        label_selector: str | None = None,
        *,
        accept: str = JSON,
        limit: int = _PAGE_OBJECTS,
        retries: int | None = None,
    ) -> AsyncIterator[JsonObjects]:
        """Yield the objects of a collection ``limit`` at a time, for those too large to keep."""
        params = {"limit": str(limit)}
        if label_selector:
            params["labelSelector"] = label_selector
        while True:
            page = await self.get(path, params, accept, retries=retries)
            yield page.get("items") or []
            following = page.get("metadata", {}).get("continue")
            if not following:
                return
            params["continue"] = following

    async def create(
        self, path: str, body: Mapping[str, Any], *, retries: int | None = None
    ) -> JsonObject:
        """Create an object in the collection ``path``.

        If a retry finds it there, the attempt before was carried out and only its answer was lost:
        that is a success. If the name is contended for, as that of a lock, ask for no retries.
        """
        if retries == 0:
            return await self._json("POST", path, 0, body=body)
        sent = 0

        async def attempt() -> JsonObject:
            nonlocal sent
            sent += 1
            try:
                return await self._json("POST", path, 0, body=body)
            except ApiError as error:
                if sent > 1 and error.already_exists:
                    return await self._json("GET", f"{path}/{body['metadata']['name']}", 0)
                raise

        return await self.retry(attempt, retries)

    async def replace(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        dry_run: bool = False,
        retries: int | None = None,
    ) -> JsonObject:
        """Replace an object; a ``resourceVersion`` in it guards against lost updates.

        With such a version, a retry after a lost answer raises Conflict although it was carried
        out. With ``dry_run``, return what it would then be, and change nothing.
        """
        params = {"dryRun": "All"} if dry_run else None
        return await self._json("PUT", path, retries, params=params, body=body)

    async def create_or_replace(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        may_replace: Callable[[JsonObject], bool] = lambda _: True,
        retries: int | None = None,
    ) -> JsonObject:
        """Create an object in the collection ``path``, or replace the one that has its name.

        Raises:
            ApiError: AlreadyExists, if ``may_replace`` is false for that one.
        """
        own = f"{path}/{body['metadata']['name']}"
        existing = await self.find(own, retries=retries)
        if existing is None:
            return await self.create(path, body, retries=retries)
        if not may_replace(existing):
            raise ApiError(409, "AlreadyExists", f"{own} exists, and is not to be replaced")
        return await self.replace(own, body, retries=retries)

    async def patch(
        self, path: str, body: Mapping[str, Any], *, retries: int | None = None
    ) -> JsonObject:
        """Apply a JSON merge patch."""
        return await self._json(
            "PATCH", path, retries, body=body, content_type="application/merge-patch+json"
        )

    async def delete(
        self,
        path: str,
        propagation: str | None = None,
        uid: str | None = None,
        *,
        retries: int | None = None,
    ) -> bool:
        """Delete an object; return whether there was one. One of another uid raises with 409."""
        options = {"propagationPolicy": propagation, "preconditions": uid and {"uid": uid}}
        body = {key: value for key, value in options.items() if value}
        try:
            await self._send("DELETE", path, retries, body=body or None)
        except ApiError as error:
            if error.not_found:
                return False
            raise
        return True

    async def watch_lines(
        self, path: str, params: Mapping[str, str], accept: str = JSON
    ) -> AsyncIterator[bytes]:
        """Yield the lines of a watch until the server ends it."""
        self.requests["WATCH"] += 1
        async with self._stream(path, dict(params) | {"watch": "true"}, accept, None) as content:
            async for line in content:
                yield line

    async def _json(
        self, method: str, path: str, retries: int | None, **options: Any
    ) -> JsonObject:
        parsed: JsonObject = decode(await self._send(method, path, retries, **options))
        return parsed

    def _send(
        self, method: str, path: str, retries: int | None = None, **options: Any
    ) -> Awaitable[bytes]:
        if retries == 0:  # as in loads, whose requests must cost little CPU time
            return self._request(method, path, **options)
        return self.retry(lambda: self._request(method, path, **options), retries)

    async def retry(
        self, request: Callable[[], Awaitable[_Answer]], retries: int | None = None
    ) -> _Answer:
        """Make a request, and again after a transient failure; it must bear being repeated.

        Raises the last error if no retry succeeds.
        """
        attempt = 0
        while True:
            try:
                return await request()
            except (ApiError, ApiUnreachableError) as error:
                await self.backoff(error, attempt, retries)
                attempt += 1

    async def backoff(
        self, error: ApiError | ApiUnreachableError, attempt: int, retries: int | None = None
    ) -> None:
        """Wait before a request that failed for the ``attempt``-th time, from 0, is sent again.

        Raises ``error`` again if it is not transient, or there were attempts enough.
        """
        most = self.policy.retries if retries is None else retries
        if attempt >= most or not error.transient:
            raise error
        asked = error.retry_after_seconds if isinstance(error, ApiError) else None
        delay = asked if asked is not None else self.policy.first_seconds * 2**attempt
        await asyncio.sleep(min(delay, self.policy.longest_seconds))
