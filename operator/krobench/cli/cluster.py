"""Runs in a cluster, and what it keeps of them."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from krobench.analysis.heads import head_of
from krobench.api.common import API_GROUP, API_VERSION, ErrorInfo
from krobench.api.kinds import Kind, RunRef
from krobench.cli.errors import CliError
from krobench.cli.kept import KeptRun
from krobench.cli.names import RunName
from krobench.cli.stores import read, store_of_run
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.kube.transport import NO_RETRIES
from krobench.loadjob.history import whole
from krobench.record.history import main_maps, selector
from krobench.record.run import RunRecord, as_given_up
from krobench.record.store import ConfigMap, read_run_record
from krobench.storage.runs import compact_time, read_run

T = TypeVar("T")


def in_cluster(use: Callable[[KubeClient], Awaitable[T]]) -> T:
    """Read something from the cluster; an error says why that failed, and is never retried.

    Raises:
        CliError: if it cannot be read.
    """

    async def with_client() -> T:
        async with KubeClient(load_client_config(), policy=NO_RETRIES) as client:
            return await use(client)

    return read(with_client())


async def find_run(client: KubeClient, name: RunName) -> tuple[RunRef, dict[str, Any]]:
    """Return the custom resource of this name, and a reference to it.

    Raises:
        CliError: if there is none, or there are several.
    """
    found = {}
    for each in name.kinds:
        path = paths.group(API_GROUP, API_VERSION, each.plural, name.namespace, name.name)
        resource = await client.find(path)
        if resource is not None:
            found[each] = resource
    if not found:
        kinds = " or ".join(each.value for each in name.kinds)
        plurals = ",".join(each.plural for each in name.kinds)
        raise CliError(f"{kinds} {name} not found: run kubectl get {plurals} -A to list all")
    name.refuse_several(found)
    [(kind, resource)] = found.items()
    return RunRef(kind, name.namespace, name.name), resource


async def results_of(client: KubeClient, name: RunName) -> RunRecord:
    """Return the record of a run, given up if the operator has given it up."""
    run, resource = await find_run(client, name)
    status = resource.get("status") or {}
    reference = status.get("resultsRef")
    if reference is None:
        detail = status.get("message") or f"its phase is {status.get('phase', 'unknown')}"
        raise CliError(f"{run} has no results: {detail}")
    main = await client.get(paths.core("configmaps", reference["namespace"], reference["name"]))
    record = await whole_record(client, read_run_record(main))
    failed = next((c for c in status.get("conditions") or [] if c["type"] == "Failed"), None)
    if failed is None or failed["status"] != "True":
        return record
    why = ErrorInfo(reason=failed["reason"], message=failed["message"])
    return as_given_up(record, why, status["completionTime"])


async def whole_record(client: KubeClient, run: RunRecord) -> RunRecord:
    """Return the run with its iterations, wherever they are stored."""
    if run.shortened and run.store is not None:
        files = await store_of_run(client, run.store, run.namespace)
        return await read_run(files, run.store.path)
    return await whole(client, run)


async def parts_of(client: KubeClient, run: RunRecord, key: str) -> list[ConfigMap]:
    """Return the ConfigMaps that hold a file of a run, in order."""
    return [
        await client.get(paths.core("configmaps", run.namespace, name))
        for name in run.parts.get(key, [])
    ]


async def kept_in_config_maps(client: KubeClient, kind: Kind, name: RunName) -> list[KeptRun]:
    collection = paths.core("configmaps", name.namespace)
    kept = []
    for item in main_maps(await client.list(collection, selector(kind, name.name))):
        record = await whole(client, read_run_record(item))

        async def read_again(record: RunRecord = record) -> RunRecord:
            return record

        kept.append(KeptRun(compact_time(record.start_time), head_of(record), read_again))
    return kept
