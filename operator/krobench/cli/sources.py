"""Where runs come from: files, directories, ConfigMaps, and resources of a cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from krobench.analysis.comparison.compare import Side
from krobench.analysis.comparison.estimates import condense
from krobench.api.kinds import RunKind
from krobench.cli.errors import ResultsError
from krobench.cli.names import RunName, parse_name
from krobench.cli.results import results_of
from krobench.findings.comparison import Baseline, RunEstimates
from krobench.job.history import whole
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.kube.transport import NO_RETRIES
from krobench.record.baseline import parse_config_map, parse_object
from krobench.record.history import main_maps, selector
from krobench.record.reading import RecordError
from krobench.record.run import RunRecord
from krobench.record.store import read_run_record

_CONFIG_MAP = "configmap:"
_HISTORY = "history:"
_SUFFIXES = (".json", ".yaml", ".yml")

Found = Sequence[RunEstimates | RunRecord]
"""Runs of benchmarks, condensed, and of scale tests."""


@dataclass(frozen=True)
class NamedRuns:
    """The runs that an argument names."""

    label: str
    """The argument."""
    runs: list[RunEstimates | RunRecord]
    """A record where it is a scale test's, which is no part of a baseline."""

    @property
    def scale_tests(self) -> list[RunRecord]:
        """The scale tests among them."""
        return [run for run in self.runs if isinstance(run, RunRecord)]

    @property
    def side(self) -> Side:
        """All of them for a comparison of benchmarks, which leaves scale tests out."""
        condensed = [condense(run) if isinstance(run, RunRecord) else run for run in self.runs]
        return Side(self.label, condensed)


async def read_side(argument: str, namespace: str) -> NamedRuns:
    """Return the runs that an argument names, separated by commas; one given twice counts once.

    Each is a file or a directory of them (a baseline, a run.json, a ConfigMap as kubectl prints
    it), ``configmap:[NAMESPACE/]NAME``, ``history:[KIND/][NAMESPACE/]NAME`` for all kept runs of a
    name, or ``[KIND/][NAMESPACE/]NAME`` of a KroBenchmark or KroScaleTest.

    Raises:
        ResultsError: if one is not there, or holds no runs.
        RecordError: if one is of another schema.
        KubeError: if the cluster cannot be asked.
    """
    runs: dict[str, RunEstimates | RunRecord] = {}
    for part in filter(None, argument.split(",")):
        found = _from_path(part)
        for run in found if found is not None else await _from_cluster(part, namespace):
            runs[run.id] = run
    if not runs:
        raise ResultsError(f"{argument} holds no runs")
    return NamedRuns(argument, list(runs.values()))


async def read_history(name: RunName) -> list[RunRecord]:
    """Return the kept runs of what has, or had, this name, oldest first; all are of one kind.

    Raises:
        ResultsError: if none are kept, or some of each kind.
        RecordError: if one cannot be read.
        KubeError: if the cluster cannot be asked.
    """
    async with KubeClient(load_client_config(), policy=NO_RETRIES) as client:
        collection = paths.core("configmaps", name.namespace)
        found = {}
        for kind in name.kinds:
            kept = main_maps(await client.list(collection, selector(kind, name.name)))
            if kept:
                found[kind] = kept
        if not found:
            raise ResultsError(f"no runs of {name} are kept: set spec.results.retention")
        name.refuse_several(found)
        [items] = found.values()
        return [await whole(client, read_run_record(item)) for item in items]


def _from_path(argument: str) -> Found | None:
    """Return the runs of a file or directory; None where there is neither, nor was meant."""
    path = Path(argument)
    if not path.exists():
        if path.suffix in _SUFFIXES and not argument.startswith((_CONFIG_MAP, _HISTORY)):
            raise ResultsError(f"there is no file {path}")
        return None
    if not path.is_dir():
        return list(_from_file(path))
    files = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)
    return [run for file in files for run in _from_file(file)]


def _from_file(path: Path) -> Iterator[RunEstimates | RunRecord]:
    try:
        text = path.read_text()
        raw = orjson.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise RecordError(f"{path} is neither JSON nor YAML: {error}") from error
    for item in _items(raw):
        is_config_map = isinstance(item, dict) and item.get("kind") == "ConfigMap"
        parsed = parse_config_map(item) if is_config_map else parse_object(item, str(path))
        yield from _found(parsed)


def _items(raw: Any) -> list[Any]:
    is_list = isinstance(raw, dict) and raw.get("kind") in ("List", "ConfigMapList")
    return list(raw.get("items") or []) if is_list else [raw]


def _found(parsed: Baseline | RunRecord) -> Found:
    if isinstance(parsed, Baseline):
        return parsed.runs
    return [parsed if parsed.kind == RunKind.SCALE_TEST else condense(parsed)]


async def _from_cluster(argument: str, namespace: str) -> Found:
    kind = next((k for k in (_CONFIG_MAP, _HISTORY) if argument.startswith(k)), "")
    name = argument.removeprefix(kind)
    if kind == _HISTORY:
        kept = await read_history(parse_name(name, namespace))
        return [found for run in kept for found in _found(run)]
    async with KubeClient(load_client_config(), policy=NO_RETRIES) as client:
        if not kind:
            return _found(await results_of(client, parse_name(name, namespace)))
        place, _, short = name.rpartition("/")
        config_map = await client.find(paths.core("configmaps", place or namespace, short))
        if config_map is None:
            raise ResultsError(f"there is no ConfigMap {place or namespace}/{short}")
        parsed = parse_config_map(config_map)
        return _found(await whole(client, parsed) if isinstance(parsed, RunRecord) else parsed)
