"""How the commands read results that are in an administrator's store.

With KROBENCH_STORE, they read a store and no cluster: a directory, or s3://BUCKET/PREFIX. Without
it, they follow what the results in the cluster say, with the user's own rights: the keys of the
environment or, without these, those of a Secret in the run's namespace.
"""

import asyncio
import os
from base64 import b64decode
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from krobench.api.storage import (
    CREDENTIALS,
    SESSION_TOKEN,
    STORAGE_CONFIG_MAP,
    STORAGE_KEY,
    S3Location,
    Storage,
    StoredAt,
)
from krobench.cli.errors import CliError
from krobench.kube import paths
from krobench.kube.errors import KubeError
from krobench.record.reading import RecordError
from krobench.storage.files import Files, StoreError, bucket, directory

if TYPE_CHECKING:
    from krobench.kube.client import KubeClient

T = TypeVar("T")

STORE_VARIABLE = "KROBENCH_STORE"
_SCHEME = "s3://"


def read(work: Coroutine[Any, Any, T]) -> T:
    """Read results.

    Raises:
        CliError: if that failed.
    """
    try:
        return asyncio.run(work)
    except (KubeError, RecordError) as error:
        raise CliError(str(error)) from error
    except StoreError as error:
        raise CliError(error.info.message) from error


def named_store(environment: Mapping[str, str] = os.environ) -> Files | None:
    """Return the store that KROBENCH_STORE names; None if it is not set.

    Raises:
        CliError: if it is malformed, or its directory or access key cannot be right.
    """
    text = environment.get(STORE_VARIABLE)
    if not text:
        return None
    try:
        return _named(text, environment)
    except StoreError as error:
        raise CliError(f"{STORE_VARIABLE}: {error.info.message}") from error


def _named(text: str, environment: Mapping[str, str]) -> Files:
    if not text.startswith(_SCHEME):
        return directory(Path(text))
    name, _, prefix = text.removeprefix(_SCHEME).partition("/")
    try:
        location = S3Location(
            bucket=name,
            prefix=prefix.rstrip("/"),
            endpoint=environment.get("AWS_ENDPOINT_URL", ""),
            region=environment.get("AWS_REGION") or "us-east-1",
        )
    except ValidationError as error:
        raise CliError(
            f"{STORE_VARIABLE}={text}: expected a directory or s3://BUCKET/PREFIX"
        ) from error
    return bucket(location, environment)


async def store_of_namespace(client: "KubeClient", namespace: str) -> Files | None:
    """Return the store that load Jobs use for this namespace; None if they use none.

    Raises:
        CliError: if it cannot be read from here.
        KubeError: if the cluster cannot be read.
    """
    found = await client.find(paths.core("configmaps", namespace, STORAGE_CONFIG_MAP))
    if found is None:
        return None
    where = f"{STORAGE_KEY} in ConfigMap {namespace}/{STORAGE_CONFIG_MAP}"
    try:
        storage = Storage.model_validate_json((found.get("data") or {}).get(STORAGE_KEY, ""))
    except ValidationError as error:
        raise CliError(f"{where} is malformed: {error}") from error
    return await _opened(
        client, storage.s3, storage.claim_name, storage.reader_secret_name, namespace
    )


async def store_of_run(client: "KubeClient", at: StoredAt, namespace: str) -> Files:
    """Return the store that a run is in; raises as :func:`store_of_namespace` does."""
    return await _opened(client, at.s3, at.claim_name, at.reader_secret_name, namespace)


async def _opened(
    client: "KubeClient",
    location: S3Location | None,
    claim: str | None,
    secret: str | None,
    namespace: str,
) -> Files:
    if location is None:
        raise CliError(
            f"these results are on the volume of PersistentVolumeClaim {claim} in krobench's "
            f"namespace: set {STORE_VARIABLE} to a directory where it is mounted, or run the "
            "command in a pod that mounts it"
        )
    if secret is None or os.environ.get(CREDENTIALS[0]):
        return bucket(location, os.environ)
    found = await client.find(paths.core("secrets", namespace, secret))
    if found is None:
        raise CliError(
            f"these results are in {location}: set {' and '.join(CREDENTIALS)}, or ask for Secret "
            f"{namespace}/{secret}, which does not exist"
        )
    data = found.get("data") or {}
    keys = {
        name: b64decode(data[name]).decode()
        for name in (*CREDENTIALS, SESSION_TOKEN)
        if name in data
    }
    return bucket(location, keys)
