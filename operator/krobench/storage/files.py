"""Files in a bucket or a directory: each is written whole, or not at all.

obstore speaks both, takes 11 MiB of a load Job's memory and needs no other package. It is imported
only if there is a store, so that a load Job without one does not pay for it.
"""

import asyncio
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from krobench.api.common import ErrorInfo
from krobench.api.storage import CREDENTIALS, SESSION_TOKEN, S3Location

if TYPE_CHECKING:
    from obstore.store import LocalStore, S3Store

T = TypeVar("T")

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
_OF_BUCKETS = {
    "BucketNotFound": "create the bucket, or correct results.storage.s3.bucket",
    "StoreForbidden": "check the access key and its rights to the bucket",
    "StoreFull": "free space, or raise the quota",
    "StoreUnreachable": "check the endpoint, its certificate, and network policies",
    "StoreFailed": "check the store",
}
_OF_DIRECTORIES = {
    "StoreForbidden": "make it writable for the user or group of podSecurityContext",
    "StoreFull": "free space, or enlarge the volume",
    "StoreUnreachable": "check its path, and that the volume is mounted",
    "StoreFailed": "check the volume",
}
# Why a connection failed is only in what the library prints for debugging.
_SYSTEM_ERROR = re.compile(r'(?:error|message): "([^"]+)"')
_CERTIFICATE_ERROR = re.compile(r"InvalidCertificate\(\s*(?:\w+\(\s*)*(\w+)")
_NO_TLS = "InvalidContentType"


class StoreError(Exception):
    """A store did not do what it was asked for; ``info`` says why, and what to do."""

    def __init__(
        self, reason: str, message: str, remedies: Mapping[str, str] = _OF_BUCKETS
    ) -> None:
        super().__init__(message)
        self.info = ErrorInfo(reason=reason, message=f"{message}; {remedies[reason]}")


class MissingFileError(StoreError):
    """There is no such file."""


class Files:
    """The files below one place, by their paths."""

    def __init__(
        self,
        backend: "LocalStore | S3Store",
        where: str,
        remedies: Mapping[str, str] = _OF_BUCKETS,
    ) -> None:
        self._backend = backend
        self._where = where
        self._remedies = remedies

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

    async def read_all(
        self, paths: Iterable[str], use: Callable[[str, bytes], T]
    ) -> list[T | None]:
        """Read several files at the same time; None for one that is missing.

        Of the others, return what ``use`` makes of the path and what the file holds. It is called
        as they arrive, so that the store reads on meanwhile.

        Raises:
            StoreError: if one could not be read.
        """
        slots = asyncio.Semaphore(_AT_ONCE)

        async def read(path: str) -> T | None:
            async with slots:
                try:
                    data = await self.read(path)
                except MissingFileError:
                    return None
            return use(path, data)

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
        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" not in str(error):
                raise MissingFileError("StoreFailed", f"{self} has no file {path}") from error
            raise self._error(verb, path, error) from error
        except Exception as error:
            # The library's errors, those of the system, and its panics, whose class has no name.
            raise self._error(verb, path, error) from error

    def _error(self, verb: str, path: str, error: Exception) -> StoreError:
        text = str(error)
        code, said = _CODE.search(text), _TEXT.search(text)
        short = text.partition("\n\nDebug source")[0].replace("\n", " ")[:_MOST_DETAIL]
        detail = code[1] if code else _no_connection(text) or short
        if code and said:
            detail += f": {said[1].rstrip('.')}"
        message = f"cannot {verb} {path} in {self}: {detail}"
        return StoreError(_reason(error, text, code), message, self._remedies)


def _no_connection(text: str) -> str | None:
    """Return why the connection failed; None if it did not."""
    if "error sending request" not in text:
        return None
    certificate = _CERTIFICATE_ERROR.search(text)
    if certificate:
        return f"the server's certificate is not accepted: {certificate[1]}"
    if _NO_TLS in text:
        return "the server does not speak TLS: the endpoint may have to begin with http://"
    causes = _SYSTEM_ERROR.findall(text)
    return f"cannot connect: {causes[-1]}" if causes else None


def _reason(error: Exception, text: str, code: re.Match[str] | None) -> str:
    if code and code[1] in _REASONS:
        return _REASONS[code[1]]
    if "No space left" in text or " 507 " in text or "quota" in text.lower():
        return "StoreFull"
    refused = (" 403 ", " 401 ", "Permission denied", "Read-only file system")
    if isinstance(error, PermissionError) or any(word in text for word in refused):
        return "StoreForbidden"
    if "error sending request" in text or "timed out" in text or " 503 " in text:
        return "StoreUnreachable"
    return "StoreFailed"


def bucket(location: S3Location, environment: Mapping[str, str] = os.environ) -> Files:
    """Return the files of a bucket.

    Without an access key in the environment, the credentials are those of the ServiceAccount or of
    the machine, as Amazon's own clients find them.

    Raises:
        StoreError: if a key or the certificates of authorities cannot be right.
    """
    from obstore.store import S3Store

    keys: dict[str, Any] = _keys(environment)
    options: dict[str, Any] = {
        "allow_http": location.endpoint.startswith("http://"),
        "connect_timeout": _CONNECT,
        "timeout": _REQUEST,
    }
    if location.ca_bundle:
        options["root_certificate"] = location.ca_bundle
    if location.endpoint:
        keys["endpoint"] = location.endpoint.rstrip("/")
    try:
        backend = S3Store(
            location.bucket,
            prefix=location.prefix or None,
            region=location.region,
            virtual_hosted_style_request=not location.endpoint,
            client_options=options,  # type: ignore[arg-type]
            retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_FOR},
            **keys,
        )
    except ValueError as error:  # it looks at the certificates alone
        message = "results.storage.s3.caBundle has no certificates in PEM"
        raise StoreError("StoreUnreachable", message) from error
    return Files(backend, str(location))


def _keys(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the access key, without the line break that ``echo`` leaves in many a Secret."""
    found = {name: environment.get(name, "").strip() for name in (*CREDENTIALS, SESSION_TOKEN)}
    for name, value in found.items():
        if not (value.isascii() and value.isprintable()):
            raise StoreError("StoreForbidden", f"{name} has characters that are in no key")
    missing = [name for name in CREDENTIALS if not found[name]]
    if len(missing) == 1:
        raise StoreError("StoreForbidden", f"{missing[0]} is not set")
    return {name.lower(): value for name, value in found.items() if value}


def directory(path: Path) -> Files:
    """Return the files of a directory.

    Raises:
        StoreError: if it does not exist.
    """
    from obstore.store import LocalStore

    if not path.is_dir():
        message = f"directory {path} does not exist"
        raise StoreError("StoreUnreachable", message, _OF_DIRECTORIES)
    return Files(LocalStore(path), str(path), _OF_DIRECTORIES)
