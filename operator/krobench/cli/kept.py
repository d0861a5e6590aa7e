"""The kept runs of a name or of a schedule, in a store, in ConfigMaps, or in both."""

import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from krobench.api.kinds import KINDS, Kind, ScheduleKind
from krobench.cli.errors import CliError, NoKeptRunsError
from krobench.cli.names import RunName
from krobench.cli.stores import named_store, read, store_of_namespace
from krobench.record.head import RunHead
from krobench.record.run import RunRecord
from krobench.storage.files import Files
from krobench.storage.runs import StoredRuns, compact_time, read_run

if TYPE_CHECKING:
    from krobench.kube.client import KubeClient

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeptRun:
    """A run of a history."""

    time: str
    head: RunHead
    read: Callable[[], Awaitable[RunRecord]]
    """Reads all of it."""


Place = Callable[[Kind, RunName], Awaitable[list[KeptRun]]]
"""Returns the runs of a kind and a name that are kept in one place."""


def fetch_history(name: RunName) -> list[RunHead]:
    """Return the heads of the kept runs of a name or of a schedule, oldest first.

    Raises:
        CliError: if there are none, or several resources have this name, or they cannot be read.
    """

    async def heads(kept: Sequence[KeptRun]) -> list[RunHead]:
        return [run.head for run in kept]

    return with_kept(name, heads)


def with_kept(name: RunName, use: Callable[[Sequence[KeptRun]], Coroutine[Any, Any, T]]) -> T:
    """Use the kept runs of a name, oldest first, while what they are read from is open.

    Raises:
        CliError: as :func:`fetch_history`.
    """
    files = named_store()
    if files is not None:

        async def in_store() -> T:
            return await use(await _kept(name, [partial(_kept_in_store, files)]))

        return read(in_store())
    # A store is read without the client of clusters, which takes 0.2 s to import.
    from krobench.cli.cluster import in_cluster, kept_in_config_maps

    async def in_both(client: "KubeClient") -> T:
        places: list[Place] = [partial(kept_in_config_maps, client)]
        unread = None
        try:
            files = await store_of_namespace(client, name.namespace)
        except CliError as error:
            unread = error
        else:
            places += [partial(_kept_in_store, files)] if files is not None else []
        try:
            kept = await _kept(name, places)
        except NoKeptRunsError as error:
            raise unread or error from error
        if unread is not None:  # runs before a store was set up, or after it was given up
            logger.warning("only the runs in ConfigMaps are shown: %s", unread)
        return await use(kept)

    return in_cluster(in_both)


async def _kept(name: RunName, places: Sequence[Place]) -> list[KeptRun]:
    """Return the runs that are kept in some places, oldest first.

    Raises:
        NoKeptRunsError: if there are none.
        CliError: if several resources have this name.
        RecordError: if one cannot be read by this version.
        KubeError: if the cluster cannot be read.
        StoreError: if the store cannot be read.
    """
    found: dict[Kind, list[KeptRun]] = {}
    for kind in KINDS if name.kind is None else (name.kind,):
        kept = [run for place in places for run in await place(kind, name)]
        if kept:
            found[kind] = sorted(kept, key=lambda run: run.time)
    if not found:
        where = "spec of its template" if name.kind is ScheduleKind.SCHEDULE else "spec"
        raise NoKeptRunsError(
            f"{name} has no kept runs: set results.retention in the {where} to keep them"
        )
    name.refuse_several(found)
    [runs] = found.values()
    return runs


async def _kept_in_store(files: Files, kind: Kind, name: RunName) -> list[KeptRun]:
    runs = StoredRuns(files, kind, name.namespace, name.name)
    return [
        KeptRun(compact_time(head.run.start_time), head, partial(read_run, files, folder))
        for folder, head in await runs.heads()
    ]
