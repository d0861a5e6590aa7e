"""Fetching results from a cluster, for a person at a terminal."""

import asyncio

from krobench.api.common import API_GROUP, API_VERSION, ErrorInfo
from krobench.api.kinds import RunRef
from krobench.cli.errors import ResultsError
from krobench.cli.names import RunName
from krobench.figures.lines import ObjectRecord, Sample
from krobench.job.history import whole
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.config import load_client_config
from krobench.kube.errors import KubeError
from krobench.kube.transport import NO_RETRIES
from krobench.record.ending import as_given_up
from krobench.record.reading import RecordError
from krobench.record.run import RunRecord
from krobench.record.store import (
    OBJECTS_KEY,
    SERIES_KEY,
    ConfigMap,
    read_objects,
    read_part,
    read_run_record,
    read_series,
)


def fetch_run(name: RunName) -> RunRecord:
    """Return the run record of a custom resource.

    Raises:
        ResultsError: if there is no such object, or one of each kind, or it has no results yet.
    """
    try:
        return asyncio.run(_fetch_run(name))
    except (KubeError, RecordError) as error:
        raise ResultsError(str(error)) from error


async def _fetch_run(name: RunName) -> RunRecord:
    async with KubeClient(load_client_config(), policy=NO_RETRIES) as client:
        return await results_of(client, name)


async def results_of(client: KubeClient, name: RunName) -> RunRecord:
    """Return the run record of a custom resource.

    Raises:
        ResultsError: if there is no such object, or one of each kind, or it has no results yet.
        RecordError: if they cannot be read.
        KubeError: if the cluster cannot be asked.
    """
    key, status = await _status_of(client, name)
    reference = status.get("resultsRef")
    if reference is None:
        detail = status.get("message") or f"its phase is {status.get('phase', 'unknown')}"
        raise ResultsError(f"{key} has no results: {detail}")
    main = await client.get(config_map_path(reference["namespace"], reference["name"]))
    run = await whole(client, read_run_record(main))
    failed = next((c for c in status.get("conditions") or [] if c["type"] == "Failed"), None)
    if failed is None or failed["status"] != "True":
        return run
    why = ErrorInfo(reason=failed["reason"], message=failed["message"])
    return as_given_up(run, why, status["completionTime"])


async def _status_of(client: KubeClient, name: RunName) -> tuple[RunRef, JsonObject]:
    """Return what the name stands for, and its status."""
    found = {}
    for each in name.kinds:
        path = paths.group(API_GROUP, API_VERSION, each.plural, name.namespace, name.name)
        resource = await client.find(path)
        if resource is not None:
            found[each] = resource
    if not found:
        first, *others = [each.value for each in name.kinds]
        nor = "".join(f", and no {other} of this name" for other in others)
        plurals = ",".join(each.plural for each in name.kinds)
        raise ResultsError(f"there is no {first} {name}{nor}: kubectl get {plurals} -A")
    name.refuse_several(found)
    [(chosen, resource)] = found.items()
    return RunRef(chosen, name.namespace, name.name), resource.get("status") or {}


def fetch_lines(run: RunRecord) -> tuple[list[ObjectRecord], list[Sample]]:
    """Return the raw lines of a run: its objects and its samples.

    Raises:
        ResultsError: if they cannot be fetched.
    """
    try:
        objects = read_objects(asyncio.run(_fetch_parts(run, OBJECTS_KEY)))
        return objects, read_series(asyncio.run(_fetch_parts(run, SERIES_KEY)))
    except (KubeError, RecordError) as error:
        raise ResultsError(str(error)) from error


def fetch_file(run: RunRecord, key: str) -> bytes:
    """Return a file of a run, whose name is in ``parts``.

    Raises:
        ResultsError: if it cannot be fetched.
    """
    try:
        return read_part(asyncio.run(_fetch_parts(run, key)), key)
    except KubeError as error:
        raise ResultsError(str(error)) from error


async def _fetch_parts(run: RunRecord, key: str) -> list[ConfigMap]:
    async with KubeClient(load_client_config(), policy=NO_RETRIES) as client:
        return [
            await client.get(config_map_path(run.namespace, name))
            for name in run.parts.get(key, [])
        ]


def config_map_path(namespace: str, name: str) -> str:
    """Return the path of a ConfigMap."""
    return paths.core("configmaps", namespace, name)
