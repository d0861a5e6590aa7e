"""The sides of a comparison: runs in files, in directories, in stores and in a cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from krobench.analysis.comparison.compare import Side
from krobench.analysis.comparison.estimates import condense
from krobench.api.kinds import RunKind
from krobench.cli.cluster import in_cluster, whole_record
from krobench.cli.errors import CliError
from krobench.cli.files import existing_path, files_in, load_file, parse_stored
from krobench.cli.kept import KeptRun, with_kept
from krobench.cli.names import RunName
from krobench.cli.sources import fetch_run
from krobench.findings.estimates import RunEstimates
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.record.baseline import Baseline, parse_config_map
from krobench.record.run import RunRecord

_CONFIG_MAP = "configmap:"
_HISTORY = "history:"

Found = Sequence[RunEstimates | RunRecord]
"""Benchmarks as estimates, scale tests as records."""


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
    path = None if argument.startswith((_CONFIG_MAP, _HISTORY)) else existing_path(argument)
    if path is None or not path.is_dir():
        return None if path is None else list(_from_file(path))
    return [run for file in files_in(path) for run in _from_file(file)]


def _from_file(path: Path) -> Iterator[RunEstimates | RunRecord]:
    raw = load_file(path)
    is_list = isinstance(raw, dict) and raw.get("kind") in ("List", "ConfigMapList")
    for item in raw.get("items") or [] if is_list else [raw]:
        yield from _found(parse_stored(item, path))


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
        return with_kept(RunName.parse(name, namespace), _comparable)
    if not prefix:
        return _found(fetch_run(RunName.parse(name, namespace)))

    async def stored(client: KubeClient) -> Baseline | RunRecord:
        place, _, short = name.rpartition("/")
        config_map = await client.find(paths.core("configmaps", place or namespace, short))
        if config_map is None:
            raise CliError(f"ConfigMap {place or namespace}/{short} not found")
        parsed = parse_config_map(config_map)
        return await whole_record(client, parsed) if isinstance(parsed, RunRecord) else parsed

    return _found(in_cluster(stored))
