"""Files in a bucket or a directory: each is written whole, or not at all.

obstore speaks both, takes 11 MiB of a load Job's memory and needs no other package. It is imported
only if there is a store, so that a load Job without one does not pay for it.
"""

import asyncio
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from krobench.api.common import ErrorInfo
from krobench.api.storage import CREDENTIALS, SESSION_TOKEN, S3Location

if TYPE_CHECKING:
    from obstore.store import LocalStore, S3Store

_CONNECT = timedelta(seconds=5)
_REQUEST = timedelta(seconds=30)
_RETRIES = 4
_RETRY_FOR = timedelta(seconds=20)
_AT_ONCE = 32
"""Files that are read at the same time."""
_CODE = re.compile(r"<Code>(\w+)</Code>")
_TEXT = re.compile(r"<Message>([^<]*)</Message>")
_MOST_DETAIL = 300
_REASONS = {
    "NoSuchBucket": "BucketNotFound",
    "InvalidAccessKeyId": "StoreForbidden",
    "SignatureDoesNotMatch": "StoreForbidden",
    "AccessDenied": "StoreForbidden",
    "QuotaExceeded": "StoreFull",
    "XMinioStorageFull": "StoreFull",
    "InsufficientCapacity": "StoreFull",
}
_REMEDIES = {
    "BucketNotFound": "create the bucket, or correct results.storage.s3.bucket",
    "StoreForbidden": "check the access key and its rights to the bucket",
    "StoreFull": "free space, or raise the quota",
    "StoreUnreachable": "check the endpoint, its certificate, and network policies",
    "StoreFailed": "check the store",
}


class StoreError(Exception):
    """A store did not do what it was asked for; ``info`` says why, and what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.info = ErrorInfo(reason=reason, message=f"{message}; {_REMEDIES[reason]}")


class MissingFileError(StoreError):
    """There is no such file."""


class Files:
    """The files below one place, by their paths."""

    def __init__(self, backend: "LocalStore | S3Store", where: str) -> None:
        self._backend = backend
        self._where = where

    def __str__(self) -> str:
        return self._where

    async def write(self, path: str, data: bytes) -> None:
        """Write a file, or replace it. A reader sees all of the old one or all of the new one.

        Raises:
            StoreError: if it could not be written.
        """
        with self._explained("write", path):
            await self._backend.put_async(path, data)

    async def read(self, path: str) -> bytes:
        """Return what a file holds.

        Raises:
            MissingFileError: if there is none.
            StoreError: if it could not be read.
        """
        with self._explained("read", path):
            found = await self._backend.get_async(path)
            return bytes(await found.bytes_async())

    async def read_all(self, paths: Iterable[str]) -> list[bytes | None]:
        """Return what several files hold, read at the same time; None for one that is missing.

        Raises:
            StoreError: if one could not be read.
        """
        slots = asyncio.Semaphore(_AT_ONCE)

        async def read(path: str) -> bytes | None:
            async with slots:
                try:
                    return await self.read(path)
                except MissingFileError:
                    return None

        return list(await asyncio.gather(*map(read, paths)))

    async def paths(self, folder: str) -> list[str]:
        """Return the paths of all files below a folder, in order; none if there is no such folder.

        Raises:
            StoreError: if they could not be listed.
        """
        with self._explained("list", folder):
            found = await self._backend.list(folder).collect_async()
        return sorted(item["path"] for item in found)

    async def delete(self, paths: Sequence[str]) -> None:
        """Delete files.

        Raises:
            StoreError: if that failed; what is left can be deleted again.
        """
        with self._explained("delete", paths[0] if paths else ""):
            await self._backend.delete_async(list(paths))

    @contextmanager
    def _explained(self, verb: str, path: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" not in str(error):
                raise MissingFileError("StoreFailed", f"{self} has no file {path}") from error
            raise self._error(verb, path, error) from error
        except (BaseError, OSError) as error:
            raise self._error(verb, path, error) from error

    def _error(self, verb: str, path: str, error: Exception) -> StoreError:
        text = str(error)
        code, said = _CODE.search(text), _TEXT.search(text)
        short = text.partition("\n\nDebug source")[0].replace("\n", " ")[:_MOST_DETAIL]
        detail = code[1] if code else short
        if code and said:
            detail += f": {said[1].rstrip('.')}"
        return StoreError(_reason(error, text, code), f"cannot {verb} {path} in {self}: {detail}")


def _reason(error: Exception, text: str, code: re.Match[str] | None) -> str:
    if code and code[1] in _REASONS:
        return _REASONS[code[1]]
    if "No space left" in text or " 507 " in text or "quota" in text.lower():
        return "StoreFull"
    if isinstance(error, PermissionError) or " 403 " in text or " 401 " in text:
        return "StoreForbidden"
    if "error sending request" in text or "timed out" in text or " 503 " in text:
        return "StoreUnreachable"
    return "StoreFailed"


def bucket(location: S3Location, environment: Mapping[str, str] = os.environ) -> Files:
    """Return the files of a bucket.

    Without an access key in the environment, the credentials are those of the ServiceAccount or of
    the machine, as Amazon's own clients find them.
    """
    from obstore.store import S3Store

    keys: dict[str, Any] = {}
    for name in (*CREDENTIALS, SESSION_TOKEN):
        if environment.get(name):
            keys[name.lower()] = environment[name]
    options: dict[str, Any] = {
        "allow_http": location.endpoint.startswith("http://"),
        "connect_timeout": _CONNECT,
        "timeout": _REQUEST,
    }
    if location.ca_bundle:
        options["root_certificate"] = location.ca_bundle
    if location.endpoint:
        keys["endpoint"] = location.endpoint.rstrip("/")
    backend = S3Store(
        location.bucket,
        prefix=location.prefix or None,
        region=location.region,
        virtual_hosted_style_request=not location.endpoint,
        client_options=options,  # type: ignore[arg-type]
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_FOR},
        **keys,
    )
    return Files(backend, str(location))


def directory(path: Path) -> Files:
    """Return the files of a directory.

    Raises:
        StoreError: if it does not exist.
    """
    from obstore.store import LocalStore

    if not path.is_dir():
        raise StoreError("StoreUnreachable", f"directory {path} does not exist")
    return Files(LocalStore(path), str(path))
