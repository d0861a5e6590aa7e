"""The record and the raw lines of one run: in a file, in the store that KROBENCH_STORE names, or in
a cluster and wherever its results say."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from krobench.api.storage import StoredAt
from krobench.cli.cluster import in_cluster, parts_of, results_of
from krobench.cli.errors import CliError
from krobench.cli.names import RunName
from krobench.cli.saved import read_saved, saved_path
from krobench.cli.stores import named_store, read, store_of_run
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.kube.client import KubeClient
from krobench.record.reading import RecordError
from krobench.record.run import RunRecord
from krobench.record.store import (
    OBJECTS_KEY,
    SERIES_KEY,
    ConfigMap,
    read_line_file,
    read_objects,
    read_part,
    read_series,
)
from krobench.storage.files import Files
from krobench.storage.runs import StoredRuns, read_run


class FoundRun(Protocol):
    """A run, wherever it is."""

    @property
    def record(self) -> RunRecord: ...

    def lines(self) -> tuple[list[ObjectRecord], list[Sample]]:
        """Return its raw lines: objects and samples.

        Raises:
            CliError: if they cannot be read.
        """

    def file(self, key: str) -> bytes:
        """Return another file of the run, which must have it.

        Raises:
            CliError: if it cannot be read.
        """


@dataclass(frozen=True)
class FetchedRun:
    """A run in a cluster or in a store."""

    record: RunRecord

    def lines(self) -> tuple[list[ObjectRecord], list[Sample]]:
        return fetch_lines(self.record)

    def file(self, key: str) -> bytes:
        return fetch_file(self.record, key)


def find_run(argument: str, namespace: str) -> FoundRun:
    """Return the run in a file, or of ``[KIND/][NAMESPACE/]NAME``.

    Raises:
        CliError: if there is none, or it cannot be read.
    """
    path = saved_path(argument)
    if path is not None:
        return read_saved(path)
    return FetchedRun(fetch_run(RunName.parse(argument, namespace)))


def fetch_run(name: RunName) -> RunRecord:
    """Return the record of a run.

    Raises:
        CliError: if it does not exist, is ambiguous, has no results yet, or cannot be read.
    """
    files = named_store()
    if files is not None:
        return read(_newest_in(files, name))
    return in_cluster(partial(results_of, name=name))


async def _newest_in(files: Files, name: RunName) -> RunRecord:
    """Return the newest run of a name in a store."""
    found = {}
    for kind in name.kinds:
        folders = await StoredRuns(files, kind, name.namespace, name.name).folders()
        if folders:
            found[kind] = folders[-1]
    if not found:
        raise CliError(f"{files} has no run of {name} that was stored to its end")
    name.refuse_several(found)
    [folder] = found.values()
    return await read_run(files, folder)


def fetch_lines(run: RunRecord) -> tuple[list[ObjectRecord], list[Sample]]:
    """Return the raw lines of a run: its objects and its samples.

    Raises:
        CliError: if they cannot be fetched.
    """
    try:
        if run.store is not None:
            objects, samples = _fetch_stored(run, run.store, (OBJECTS_KEY, SERIES_KEY))
            return (
                read_line_file(objects, ObjectRecord, f"{OBJECTS_KEY} in {run.store}"),
                read_line_file(samples, Sample, f"{SERIES_KEY} in {run.store}"),
            )
        objects_in = _fetch_parts(run, OBJECTS_KEY)
        return read_objects(objects_in), read_series(_fetch_parts(run, SERIES_KEY))
    except RecordError as error:
        raise CliError(str(error)) from error


def fetch_file(run: RunRecord, key: str) -> bytes:
    """Return a file of a run, which must have it.

    Raises:
        CliError: if it cannot be fetched.
    """
    if run.store is not None and key in run.store.files:
        [pieces] = _fetch_stored(run, run.store, (key,))
        return b"".join(pieces)
    return read_part(_fetch_parts(run, key), key)


def _fetch_stored(run: RunRecord, at: StoredAt, names: Sequence[str]) -> list[list[bytes]]:
    """Return what files in a store hold, each as a list of one; of those not stored, none."""

    async def fetch(files: Files) -> list[list[bytes]]:
        paths = [f"{at.path}/{name}" for name in names]
        found = await files.read_all(paths, lambda _, data: [data])
        return [each or [] for each in found]

    files = named_store()
    if files is not None:
        return read(fetch(files))

    async def by_cluster(client: KubeClient) -> list[list[bytes]]:
        return await fetch(await store_of_run(client, at, run.namespace))

    return in_cluster(by_cluster)


def _fetch_parts(run: RunRecord, key: str) -> list[ConfigMap]:
    return in_cluster(partial(parts_of, run=run, key=key))
