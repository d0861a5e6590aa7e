"""Where the commands find runs: in files, in directories and in a cluster.

``[KIND/][NAMESPACE/]NAME`` names a run in a cluster. A KroBenchmark and a KroScaleTest may have the
same name; the KIND, as in ``kroscaletest/NAME``, then says which one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import orjson
import yaml

from krobench.analysis.comparison.compare import Side
from krobench.analysis.comparison.estimates import condense
from krobench.analysis.heads import head_of
from krobench.api.common import API_GROUP, API_VERSION, ErrorInfo
from krobench.api.kinds import KINDS, Kind, RunKind, RunRef, ScheduleKind
from krobench.api.storage import StoredAt
from krobench.api.yaml import load, load_all, yaml_error
from krobench.cli.errors import CliError, NoKeptRunsError
from krobench.cli.stores import (
    STORE_VARIABLE,
    named_store,
    store_of_namespace,
    store_of_run,
)
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.findings.comparison import RunEstimates
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.kube.errors import KubeError
from krobench.kube.transport import NO_RETRIES
from krobench.loadjob.history import whole
from krobench.record.baseline import Baseline, parse_config_map, parse_object
from krobench.record.head import RunHead
from krobench.record.history import main_maps, selector
from krobench.record.reading import RecordError
from krobench.record.run import RunRecord, as_given_up
from krobench.record.store import (
    OBJECTS_KEY,
    SERIES_KEY,
    ConfigMap,
    read_line_file,
    read_objects,
    read_part,
    read_run_record,
    read_series,
)
from krobench.storage.files import Files, StoreError
from krobench.storage.runs import StoredRuns, compact_time, read_run

T = TypeVar("T")

logger = logging.getLogger(__name__)

_CONFIG_MAP = "configmap:"
_HISTORY = "history:"
_SUFFIXES = (".json", ".yaml", ".yml")
_KINDS: Mapping[str, Kind] = {
    f"{word}{group}": kind
    for kind in KINDS
    for word in (kind.singular, kind.plural)
    for group in ("", f".{API_GROUP}")
} | {"schedule": ScheduleKind.SCHEDULE}

Found = Sequence[RunEstimates | RunRecord]
"""Benchmarks as estimates, scale tests as records."""


@dataclass(frozen=True)
class RunName:
    """The name of a run as a user gives it."""

    kind: Kind | None
    """None if the name has no KIND. A schedule stands for all of its runs."""
    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str, namespace: str) -> Self:
        """Parse ``[KIND/][NAMESPACE/]NAME``; ``namespace`` is the default.

        A namespace that has the name of a kind needs the KIND before it.

        Raises:
            CliError: if the text is not such a name.
        """
        first, *rest = parts = text.split("/")
        kind = _KINDS.get(first.lower()) if rest else None
        *place, name = rest if kind is not None else parts
        if len(place) > 1 or not name or "" in place:
            kinds = " or ".join(each.singular for each in RunKind)
            raise CliError(
                f"invalid run name {text!r}: expected [KIND/][NAMESPACE/]NAME with KIND {kinds}"
            )
        return cls(kind, place[0] if place else namespace, name)

    @classmethod
    def of(cls, run: RunRef) -> Self:
        return cls(run.kind, run.namespace, run.name)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def kinds(self) -> list[RunKind]:
        """The kinds that the run may have.

        Raises:
            CliError: if it is a schedule.
        """
        if isinstance(self.kind, ScheduleKind):
            raise CliError(
                f"{self} is a schedule: name one of its runs, or use krobench history "
                f"schedule/{self}"
            )
        return list(RunKind) if self.kind is None else [self.kind]

    def refuse_several(self, found: Collection[Kind]) -> None:
        """Check that runs of only one kind have this name.

        Raises:
            CliError: if there are several.
        """
        if len(found) > 1:
            names = " or ".join(f"{kind.singular}/{self}" for kind in found)
            raise CliError(f"{self} is both a {' and a '.join(found)}: use {names}")


def fetch_run(name: RunName) -> RunRecord:
    """Return the record of a run in the cluster.

    Raises:
        CliError: if it does not exist, is ambiguous, has no results yet, or cannot be read.
    """
    files = _named_store()
    if files is not None:
        return _run(_newest_in(files, name))
    return _in_cluster(partial(results_of, name=name))


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


def _in_cluster(read: Callable[[KubeClient], Coroutine[Any, Any, T]]) -> T:
    """Read something from the cluster; an error says why that failed, and is never retried."""

    async def run() -> T:
        async with KubeClient(load_client_config(), policy=NO_RETRIES) as client:
            return await read(client)

    return _run(run())


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (KubeError, RecordError) as error:
        raise CliError(str(error)) from error
    except StoreError as error:
        raise CliError(error.info.message) from error


def _named_store() -> Files | None:
    try:
        return named_store()
    except StoreError as error:
        raise CliError(f"{STORE_VARIABLE}: {error.info.message}") from error


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
    record = await _whole(client, read_run_record(main))
    failed = next((c for c in status.get("conditions") or [] if c["type"] == "Failed"), None)
    if failed is None or failed["status"] != "True":
        return record
    why = ErrorInfo(reason=failed["reason"], message=failed["message"])
    return as_given_up(record, why, status["completionTime"])


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
        found = await files.read_all(f"{at.path}/{name}" for name in names)
        return [[data] if data is not None else [] for data in found]

    async def fetch_by_cluster(client: KubeClient) -> list[list[bytes]]:
        return await fetch(await store_of_run(client, at, run.namespace))

    files = _named_store()
    return _run(fetch(files)) if files is not None else _in_cluster(fetch_by_cluster)


async def _whole(client: KubeClient, run: RunRecord) -> RunRecord:
    """Return the run with its iterations, wherever they are stored."""
    if run.shortened and run.store is not None:
        files = await store_of_run(client, run.store, run.namespace)
        return await read_run(files, run.store.path)
    return await whole(client, run)


def _fetch_parts(run: RunRecord, key: str) -> list[ConfigMap]:
    async def fetch(client: KubeClient) -> list[ConfigMap]:
        return [
            await client.get(paths.core("configmaps", run.namespace, name))
            for name in run.parts.get(key, [])
        ]

    return _in_cluster(fetch)


@dataclass(frozen=True)
class KeptRun:
    """A run of a history."""

    time: str
    head: RunHead
    read: Callable[[], Awaitable[RunRecord]]
    """Reads all of it."""


def fetch_history(name: RunName) -> list[RunHead]:
    """Return the heads of the kept runs of a name or of a schedule, oldest first.

    Raises:
        CliError: if there are none, or several resources have this name, or they cannot be read.
    """

    async def heads(kept: Sequence[KeptRun]) -> list[RunHead]:
        return [run.head for run in kept]

    return _with_kept(name, heads)


def _with_kept(name: RunName, use: Callable[[Sequence[KeptRun]], Coroutine[Any, Any, T]]) -> T:
    """Use the kept runs of a name while what they are read from is open."""

    async def in_cluster(client: KubeClient) -> T:
        files, unread = None, None
        try:
            files = await store_of_namespace(client, name.namespace)
        except CliError as error:
            unread = error
        try:
            kept = await kept_runs(client, files, name)
        except NoKeptRunsError as error:
            raise unread or error from error
        if unread is not None:  # runs before a store was set up, or after it was given up
            logger.warning("only the runs in ConfigMaps are shown: %s", unread)
        return await use(kept)

    async def in_store(files: Files) -> T:
        return await use(await kept_runs(None, files, name))

    files = _named_store()
    return _run(in_store(files)) if files is not None else _in_cluster(in_cluster)


async def kept_runs(client: KubeClient | None, files: Files | None, name: RunName) -> list[KeptRun]:
    """Return the runs that are kept in ConfigMaps and in a store, oldest first.

    Raises:
        NoKeptRunsError: if there are none.
        CliError: if several resources have this name.
        RecordError: if one cannot be read by this version.
        KubeError: if the cluster cannot be read.
        StoreError: if the store cannot be read.
    """
    found: dict[Kind, list[KeptRun]] = {}
    for kind in KINDS if name.kind is None else (name.kind,):
        kept = await _kept_in_config_maps(client, kind, name) if client is not None else []
        if files is not None:
            kept += await _kept_in_store(files, kind, name)
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


async def _kept_in_config_maps(client: KubeClient, kind: Kind, name: RunName) -> list[KeptRun]:
    collection = paths.core("configmaps", name.namespace)
    kept = []
    for item in main_maps(await client.list(collection, selector(kind, name.name))):
        record = await whole(client, read_run_record(item))

        async def read(record: RunRecord = record) -> RunRecord:
            return record

        kept.append(KeptRun(compact_time(record.start_time), head_of(record), read))
    return kept


async def _kept_in_store(files: Files, kind: Kind, name: RunName) -> list[KeptRun]:
    runs = StoredRuns(files, kind, name.namespace, name.name)
    return [
        KeptRun(compact_time(head.run.start_time), head, partial(read_run, files, folder))
        for folder, head in await runs.heads()
    ]


@dataclass(frozen=True)
class NamedRuns:
    """The runs of one argument, which may list several sources."""

    label: str
    """The argument."""
    runs: list[RunEstimates | RunRecord]
    """Benchmarks as estimates; scale tests as records."""

    @property
    def scale_tests(self) -> list[RunRecord]:
        return [run for run in self.runs if isinstance(run, RunRecord)]

    @property
    def side(self) -> Side:
        """All of them for a comparison of benchmarks, which refuses scale tests."""
        condensed = [condense(run) if isinstance(run, RunRecord) else run for run in self.runs]
        return Side(self.label, condensed)


def read_sides(arguments: Sequence[str], namespace: str) -> list[NamedRuns]:
    """Return the runs of each argument, which lists sources separated by commas.

    A source is a file or a directory of files (a baseline, a run.json, a ConfigMap as kubectl
    prints it), ``configmap:[NAMESPACE/]NAME``, ``history:[KIND/][NAMESPACE/]NAME`` for all kept
    runs of a name, or ``[KIND/][NAMESPACE/]NAME``. A run that is listed twice counts once.

    Raises:
        CliError: if a source does not exist, has no runs, or cannot be read.
    """
    sides = []
    for argument in arguments:
        runs: dict[str, RunEstimates | RunRecord] = {}
        for part in filter(None, argument.split(",")):
            found = _from_path(part)
            for run in found if found is not None else _from_cluster(part, namespace):
                runs[run.id] = run
        if not runs:
            raise CliError(f"{argument} has no runs")
        sides.append(NamedRuns(argument, list(runs.values())))
    return sides


def _from_path(argument: str) -> Found | None:
    """Return the runs of a file or directory; None if the argument is not a path."""
    path = Path(argument)
    if not path.exists():
        if path.suffix in _SUFFIXES and not argument.startswith((_CONFIG_MAP, _HISTORY)):
            raise CliError(f"{path}: no such file")
        return None
    if not path.is_dir():
        return list(_from_file(path))
    files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)
    return [run for file in files for run in _from_file(file)]


def _from_file(path: Path) -> Iterator[RunEstimates | RunRecord]:
    raw = load_file(path)
    is_list = isinstance(raw, dict) and raw.get("kind") in ("List", "ConfigMapList")
    for item in raw.get("items") or [] if is_list else [raw]:
        yield from _found(parse_stored(item, path))


def read_documents(path: Path) -> list[Any]:
    """Return the documents of a YAML file that are not empty.

    Raises:
        CliError: if it cannot be read.
    """
    try:
        return load_all(path.read_text())
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise CliError(f"{path} is not valid YAML: {yaml_error(error)}") from error


def load_file(path: Path) -> Any:
    """Return the content of a JSON or YAML file.

    Raises:
        CliError: if it cannot be read.
    """
    try:
        text = path.read_text()
        return orjson.loads(text) if path.suffix == ".json" else load(text)
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise CliError(f"{path} is not JSON or YAML: {error}") from error


def parse_stored(item: Any, path: Path) -> Baseline | RunRecord:
    """Return the baseline or record in an object of a file, which may be a ConfigMap.

    Raises:
        CliError: if it is neither.
    """
    is_config_map = isinstance(item, dict) and item.get("kind") == "ConfigMap"
    try:
        return parse_config_map(item) if is_config_map else parse_object(item, str(path))
    except RecordError as error:
        raise CliError(str(error)) from error


def _found(parsed: Baseline | RunRecord) -> Found:
    if isinstance(parsed, Baseline):
        return [*parsed.runs, *parsed.scale_tests]
    return [parsed if parsed.kind == RunKind.SCALE_TEST else condense(parsed)]


async def _comparable(kept: Sequence[KeptRun]) -> Found:
    """Return what comparisons need; heads are enough for benchmarks."""
    return [
        await run.read() if run.head.run.kind == RunKind.SCALE_TEST else run.head.estimates
        for run in kept
    ]


def _from_cluster(argument: str, namespace: str) -> Found:
    prefix = next((each for each in (_CONFIG_MAP, _HISTORY) if argument.startswith(each)), "")
    name = argument.removeprefix(prefix)
    if prefix == _HISTORY:
        return _with_kept(RunName.parse(name, namespace), _comparable)
    if not prefix:
        return _found(fetch_run(RunName.parse(name, namespace)))

    async def read(client: KubeClient) -> Baseline | RunRecord:
        place, _, short = name.rpartition("/")
        config_map = await client.find(paths.core("configmaps", place or namespace, short))
        if config_map is None:
            raise CliError(f"ConfigMap {place or namespace}/{short} not found")
        parsed = parse_config_map(config_map)
        return await _whole(client, parsed) if isinstance(parsed, RunRecord) else parsed

    return _found(_in_cluster(read))
