"""A run in files: its results ConfigMaps as kubectl prints them, or run.json with the other files
of a store next to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from krobench.cli.errors import CliError
from krobench.cli.files import existing_path, load_file, parse_stored
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.record.baseline import Baseline
from krobench.record.reading import RecordError
from krobench.record.run import FULL_RUN_KEY, RunRecord
from krobench.record.store import (
    OBJECTS_KEY,
    RUN_KEY,
    SERIES_KEY,
    ConfigMap,
    read_line_file,
    read_part,
    read_run_record,
    whole_run,
)


@dataclass(frozen=True)
class SavedRun:
    """A run and what there is of its other files; those that are missing are empty."""

    record: RunRecord
    directory: Path
    config_maps: Sequence[ConfigMap] = field(default=(), repr=False)

    def lines(self) -> tuple[list[ObjectRecord], list[Sample]]:
        """Return the raw lines: objects and samples.

        Raises:
            CliError: if they cannot be read.
        """
        try:
            return (
                read_line_file(self._pieces(OBJECTS_KEY), ObjectRecord, OBJECTS_KEY),
                read_line_file(self._pieces(SERIES_KEY), Sample, SERIES_KEY),
            )
        except RecordError as error:
            raise CliError(str(error)) from error

    def file(self, key: str) -> bytes:
        """Return another file of the run.

        Raises:
            CliError: if it was not saved.
        """
        pieces = self._pieces(key)
        if not pieces:
            place = "its ConfigMaps" if self.config_maps else str(self.directory)
            raise CliError(f"{key} of run {self.record.name} is not in {place}: save it there, too")
        return b"".join(pieces)

    def _pieces(self, key: str) -> list[bytes]:
        if self.config_maps:
            content = read_part(self.config_maps, key)
            return [content] if content else []
        path = self.directory / key
        return [path.read_bytes()] if path.exists() else []


def saved_path(argument: str) -> Path | None:
    """Return the file of a run that an argument names; None if it names a run in a cluster.

    Raises:
        CliError: if the file does not exist.
    """
    path = existing_path(argument)
    if path is None or not path.is_dir():
        return path
    return path / RUN_KEY if (path / RUN_KEY).exists() else None


def read_saved(path: Path) -> SavedRun:
    """Return the run in a file.

    Raises:
        CliError: if it holds none, or several.
    """
    content = load_file(path)
    items = content.get("items") if isinstance(content, dict) else None
    maps = _by_name(items if isinstance(items, list) else [content])
    if not maps:
        found = parse_stored(content, path)
        if isinstance(found, Baseline):
            raise CliError(f"{path} is a baseline: use the run.json of a run instead")
        return SavedRun(found, path.parent)
    mains = [each for each in maps.values() if RUN_KEY in (each.get("data") or {})]
    if len(mains) != 1:
        raise CliError(f"{path} has {len(mains)} ConfigMaps with {RUN_KEY}: leave exactly one")
    try:
        record = read_run_record(mains[0])
        whole = [maps[name] for name in record.parts.get(FULL_RUN_KEY, ()) if name in maps]
        if whole:
            record = whole_run(record, whole)
    except RecordError as error:
        raise CliError(f"{path}: {error}") from error
    return SavedRun(record, path.parent, _in_order(record, maps))


def _by_name(items: Sequence[Any]) -> dict[str, ConfigMap]:
    found = [each for each in items if isinstance(each, dict) and each.get("kind") == "ConfigMap"]
    return {str((each.get("metadata") or {}).get("name")): each for each in found}


def _in_order(record: RunRecord, maps: Mapping[str, ConfigMap]) -> list[ConfigMap]:
    """Return the ConfigMaps so that the pieces of each file are in order."""
    names = dict.fromkeys(name for parts in record.parts.values() for name in parts)
    return [maps[name] for name in names if name in maps] or list(maps.values())
