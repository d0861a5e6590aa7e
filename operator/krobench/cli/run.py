"""``krobench run``: a run from a file to a verdict, for people and for CI."""

import asyncio
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from rich.console import Console

from krobench.api.common import API_GROUP, API_VERSION
from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.api.status import Verdict
from krobench.api.yaml import yaml_error
from krobench.cli.progress import progress_display
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError
from krobench.kube.transport import NO_RETRIES

_POLL_SECONDS = 2.0
_DELETE_SECONDS = 300.0
_TIMEOUT_SECONDS = 3600.0
_KINDS = " or ".join(RunKind)


class ExitCode(IntEnum):
    """How ``krobench run`` ends; 2 is left to wrong usage, as everywhere."""

    PASSED = 0
    FAILED = 1
    INVALID = 3
    ERROR = 4


class RunError(Exception):
    """The run could not be started or followed; the message says why."""


class LeftAloneError(Exception):
    """The user does not wait any longer; the message says what becomes of the run."""


@dataclass(frozen=True)
class Finished:
    """A run that has ended."""

    key: RunRef
    status: dict[str, Any]

    @property
    def exit_code(self) -> ExitCode:
        """Return the exit code that stands for its verdict."""
        verdict = self.status.get("verdict")
        return {
            Verdict.PASSED.value: ExitCode.PASSED,
            Verdict.FAILED.value: ExitCode.FAILED,
            "Invalid": ExitCode.INVALID,
        }.get(str(verdict), ExitCode.ERROR)


def run_file(path: Path, timeout_seconds: float | None, *, replace: bool) -> Finished:
    """Apply what a file asks for, and wait for its end; as long as it may well take, if need be.

    Raises:
        RunError: if the file holds none, one of this name exists, or time is over.
        LeftAloneError: if the user does not wait for its end.
    """
    manifest = read_manifest(path)
    if timeout_seconds is None:
        timeout_seconds = _TIMEOUT_SECONDS + _budget_seconds(manifest)
    try:
        return asyncio.run(_run(manifest, timeout_seconds, replace=replace))
    except TimeoutError as error:
        raise RunError(
            f"the run had not ended after {timeout_seconds:g}s; {_goes_on(_key(manifest))}"
        ) from error
    except KubeError as error:
        raise RunError(str(error)) from error


def _goes_on(key: RunRef) -> str:
    which = f"{key.kind.singular} {key.name} --namespace={key.namespace}"
    return f"the run goes on: kubectl get {which} shows it, and kubectl delete {which} ends it"


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the one ``KroBenchmark`` or ``KroScaleTest`` in a file.

    Raises:
        RunError: if it cannot be read, or holds something else.
    """
    try:
        documents = [document for document in yaml.safe_load_all(path.read_text()) if document]
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise RunError(f"{path} is no YAML: {yaml_error(error)}") from error
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise RunError(f"{path} must hold one {_KINDS}, and holds {len(documents)} documents")
    manifest: dict[str, Any] = documents[0]
    known = manifest.get("kind") in list(RunKind)
    if not known or "name" not in (manifest.get("metadata") or {}):
        raise RunError(f"{path} must hold a {_KINDS} with a metadata.name")
    manifest["metadata"].setdefault("namespace", "default")
    return manifest


def _budget_seconds(manifest: dict[str, Any]) -> float:
    """Return what a scale test's steps may take; nothing for another, or a wrong, spec."""
    if manifest["kind"] != RunKind.SCALE_TEST:
        return 0.0
    try:
        return KroScaleTestSpec.model_validate(manifest.get("spec")).budget.duration_seconds
    except ValidationError:
        return 0.0


def _key(manifest: dict[str, Any]) -> RunRef:
    metadata = manifest["metadata"]
    return RunRef(RunKind(manifest["kind"]), metadata["namespace"], metadata["name"])


async def _run(manifest: dict[str, Any], timeout_seconds: float, *, replace: bool) -> Finished:
    key = _key(manifest)
    collection = paths.group(API_GROUP, API_VERSION, key.kind.plural, key.namespace)
    path = f"{collection}/{key.name}"
    async with KubeClient(load_client_config(), policy=NO_RETRIES) as client:
        if replace:
            await _delete(client, path, key)
        try:
            await client.create(collection, manifest)
        except ApiError as error:
            if error.already_exists:
                raise RunError(f"{key} exists already: delete it, or give --replace") from error
            raise
        try:
            async with asyncio.timeout(timeout_seconds):
                return Finished(key, await _follow(client, path))
        except asyncio.CancelledError as error:  # by Ctrl-C
            raise LeftAloneError(f"no longer waiting; {_goes_on(key)}") from error


async def _delete(client: KubeClient, path: str, key: RunRef) -> None:
    """Delete the resource and wait until it is gone, with all that its run made.

    Raises:
        RunError: if it does not go.
    """
    try:
        await client.delete(path)
        async with asyncio.timeout(_DELETE_SECONDS):
            while await client.find(path) is not None:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise RunError(f"{key} was not deleted within {_DELETE_SECONDS:g}s") from error


async def _follow(client: KubeClient, path: str) -> dict[str, Any]:
    """Show what goes on until the run has ended; an API server that is away, or just back, is
    waited for."""
    with progress_display(Console(stderr=True)) as show:
        while True:
            try:
                status: dict[str, Any] = (await client.get(path)).get("status", {})
            except (ApiError, ApiUnreachableError) as error:
                if not error.transient:
                    raise
                status = {"message": str(error)}
            show(status)
            conditions = {c["type"]: c["status"] for c in status.get("conditions") or []}
            if conditions.get("Finished") == "True":
                return status
            await asyncio.sleep(_POLL_SECONDS)
