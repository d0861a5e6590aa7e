"""Run records as ConfigMaps.

``<name>-results`` holds ``run.json`` uncompressed; ``objects.jsonl.gz``, ``series.jsonl.gz`` and,
if expressions were measured, ``cel.jsonl.gz`` are in the same ConfigMap if they fit, else in
``<name>-results-1`` and so on, each below the 1 MiB limit of an API server.
"""

import contextlib
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from pydantic import ValidationError

from krobench.api.common import COMPONENT_LABEL, RUN_LABEL
from krobench.api.kinds import RunRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.figures.rawdata import CelLine, ObjectRecord, Sample
from krobench.record import rawlines
from krobench.record.rawlines import LineFile
from krobench.record.reading import RecordError, read_as, read_json, refuse_newer_schema, why_not
from krobench.record.run import FULL_RUN_KEY, RunRecord, SampledLines
from krobench.record.test import TestRecord
from krobench.record.v1 import upgrade_line

RESULTS_COMPONENT = "results"
RUN_KEY = "run.json"
OBJECTS_KEY = "objects.jsonl.gz"
SERIES_KEY = "series.jsonl.gz"
CEL_KEY = "cel.jsonl.gz"

# The API server's limit is 1 MiB over all values; the rest is for keys and metadata.
MAX_CONFIG_MAP_BYTES = 1_000_000
_MAX_RUN_BYTES = 600_000
_UNFULL_BYTES = 300_000
"""Of the last lines of each file: they count only once there are 2,000 of them."""
# What a shortened run.json has of each: of the run's causes and of each test's as many as fit.
_MOST_CAUSES = (20, 5, 1)
_MOST_WARNINGS = 100

ConfigMap = dict[str, Any]


@dataclass(frozen=True)
class Room:
    """How many bytes of a run's results are stored."""

    lines: int = 8 << 20
    """Of the raw lines, gzipped."""
    profiles: int = 8 << 20
    """Over all profiles; a heap or CPU profile of kro takes some 50 to 200 kB."""
    whole_run: int = 8 << 20
    """Of the whole ``run.json``, gzipped, if it does not fit into its ConfigMap."""

    @classmethod
    def within(cls, result_bytes: int) -> Self:
        """Share a limit out; ``run.json`` comes first, and has its room in any case."""
        share = max(0, result_bytes - _MAX_RUN_BYTES - _UNFULL_BYTES) // 3
        return cls(min(share, cls.lines), min(share, cls.profiles), min(share, cls.whole_run))


@dataclass(frozen=True)
class RunLines:
    """The raw lines of a run."""

    objects: LineFile[ObjectRecord] = field(default_factory=lambda: LineFile(ObjectRecord))
    samples: LineFile[Sample] = field(default_factory=lambda: LineFile(Sample))
    cel: LineFile[CelLine] = field(default_factory=lambda: LineFile(CelLine))
    room_of_run: int = Room.whole_run
    """As :attr:`Room.whole_run`, which is stored with the lines."""

    @property
    def files(self) -> tuple[tuple[str, LineFile[Any]], ...]:
        """The files with their names."""
        return ((OBJECTS_KEY, self.objects), (SERIES_KEY, self.samples), (CEL_KEY, self.cel))

    @property
    def sampled(self) -> list[SampledLines]:
        """Those that do not hold all lines."""
        return [
            SampledLines(file=key, stored=file.kept, measured=file.added)
            for key, file in self.files
            if file.kept < file.added
        ]

    @classmethod
    def limited(cls, room: Room) -> Self:
        """Return files that together take about as many bytes as there is room for, gzipped."""
        return cls(
            LineFile(ObjectRecord, max_bytes=room.lines * 5 // 8),
            LineFile(Sample, max_bytes=room.lines * 2 // 8),
            LineFile(CelLine, max_bytes=room.lines // 8),
            room.whole_run,
        )


def results_name(name: str, spec: KroBenchmarkSpec | KroScaleTestSpec) -> str:
    """Return the name of the results ConfigMap of a custom resource."""
    return spec.results.config_map_name or f"{name}-results"


def write_config_maps(
    name: str, owner: RunRef, run: RunRecord, raw: RunLines
) -> tuple[RunRecord, list[ConfigMap]]:
    """Return the run with its ``parts`` filled in, and its ConfigMaps; the one of ``name`` is last.

    It must be written last, so that everything that ``run.json`` refers to exists. Parts that the
    run already has are stored elsewhere, and stay as they are.
    """
    run = run.model_copy(update={"sampled": raw.sampled})
    pieces = [
        (key, piece) for key, file in raw.files for piece in file.pieces(MAX_CONFIG_MAP_BYTES)
    ]
    if _is_too_large(run):
        full = rawlines.encode([run], MAX_CONFIG_MAP_BYTES)
        size = sum(map(len, full))
        if size <= raw.room_of_run:
            pieces += [(FULL_RUN_KEY, piece) for piece in full]
        else:
            warning = (
                f"{FULL_RUN_KEY} is not stored: it has {size} bytes, and limits.resultBytes leaves "
                f"{raw.room_of_run}; iterations cannot be shown or compared. Raise the limit, or "
                "measure fewer tests or iterations in a run"
            )
            run = run.model_copy(update={"warnings": [warning, *run.warnings]})
    room = MAX_CONFIG_MAP_BYTES - _MAX_RUN_BYTES
    main: list[tuple[str, bytes]] = []
    others: list[tuple[str, str, bytes]] = []
    for key, piece in pieces:
        single = sum(other == key for other, _ in pieces) == 1
        if single and len(piece) <= room:
            main.append((key, piece))
            room -= len(piece)
        else:
            others.append((key, f"{name}-{len(others) + 1}", piece))
    parts = dict(run.parts)
    for key, config_map_name, _ in [*((k, name, d) for k, d in main), *others]:
        parts.setdefault(key, []).append(config_map_name)
    stored = run.model_copy(update={"parts": parts})
    maps = [config_map(n, owner, {}, {key: piece}) for key, n, piece in others]
    return stored, [*maps, config_map(name, owner, run_json(stored), dict(main))]


def without_part(run: RunRecord, config_map_name: str, why: str) -> RunRecord:
    """Return a run without what a ConfigMap should hold that could not be stored.

    The rest of a file of raw lines can be read; a run that is not whole cannot.
    """
    parts = {
        key: [name for name in names if name != config_map_name]
        for key, names in run.parts.items()
        if key != FULL_RUN_KEY or config_map_name not in names
    }
    warning = f"raw lines in ConfigMap {config_map_name} could not be stored: {why}"
    kept = {key: names for key, names in parts.items() if names}
    return run.model_copy(update={"parts": kept, "warnings": [*run.warnings, warning]})


def run_json(run: RunRecord) -> dict[str, str]:
    """Return the ``data`` of the results ConfigMap, for an update of the progress alone."""
    if _is_too_large(run):
        run = _shortened(run)
    return {RUN_KEY: whole_run_json(run).decode()}


def whole_run_json(run: RunRecord) -> bytes:
    """Return ``run.json`` as it is where there is room for all of it."""
    return orjson.dumps(run.model_dump(by_alias=True, mode="json"), option=orjson.OPT_INDENT_2)


def read_run_record(config_map: Mapping[str, Any]) -> RunRecord:
    """Return the run record of a results ConfigMap.

    Raises:
        RecordError: if it has none, or one of another schema.
    """
    name = config_map.get("metadata", {}).get("name", "?")
    text = (config_map.get("data") or {}).get(RUN_KEY)
    if text is None:
        raise RecordError(f"ConfigMap {name} has no {RUN_KEY}: it holds no results of krobench")
    # Almost all are of this version. Parsed at once, a record takes less than half of the memory.
    with contextlib.suppress(ValidationError):
        return RunRecord.model_validate_json(text)
    where = f"{RUN_KEY} in ConfigMap {name}"
    raw = read_json(text, where)
    refuse_newer_schema(raw, where)
    return read_as(RunRecord, raw, where)


def whole_run(short: RunRecord, config_maps: Sequence[ConfigMap]) -> RunRecord:
    """Return all of a run, given the ConfigMaps that its ``parts`` name for it, in order.

    Raises:
        RecordError: if they do not hold it.
    """
    found = _read_lines(config_maps, FULL_RUN_KEY, dict)
    where = f"{FULL_RUN_KEY} of run {short.namespace}/{short.name}"
    if len(found) != 1:
        raise RecordError(f"{where} cannot be read: it holds {len(found)} records")
    return read_as(RunRecord, found[0], where).model_copy(update={"parts": short.parts})


def read_line_file(
    pieces: Sequence[bytes], model: type[rawlines.RecordT], where: str
) -> list[rawlines.RecordT]:
    """Return the lines in the gzipped pieces of a file, in order.

    Raises:
        RecordError: if they cannot be read; the message names ``where``.
    """
    try:
        return rawlines.decode(pieces, model, upgrade_line)
    except ValidationError as error:
        raise RecordError(why_not(error.errors(), None, where)) from error
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise RecordError(f"{where} cannot be read: {error}") from error


def read_objects(config_maps: Sequence[ConfigMap]) -> list[ObjectRecord]:
    """Return the per-object lines of a run, given all its ConfigMaps in order.

    Raises:
        RecordError: if they cannot be read.
    """
    return _read_lines(config_maps, OBJECTS_KEY, ObjectRecord)


def read_series(config_maps: Sequence[ConfigMap]) -> list[Sample]:
    """Return the samples of a run, given all its ConfigMaps in order.

    Raises:
        RecordError: if they cannot be read.
    """
    return _read_lines(config_maps, SERIES_KEY, Sample)


def read_part(config_maps: Sequence[ConfigMap], key: str) -> bytes:
    """Return a file of a run from the ConfigMaps that ``parts`` names for it, in order."""
    return b"".join(_pieces(config_maps, key))


def _read_lines(
    config_maps: Sequence[ConfigMap], key: str, model: type[rawlines.RecordT]
) -> list[rawlines.RecordT]:
    names = [item["metadata"]["name"] for item in config_maps if key in _binary(item)]
    where = f"{key} in ConfigMap {', '.join(names) or '-'}"
    return read_line_file(_pieces(config_maps, key), model, where)


def _pieces(config_maps: Sequence[ConfigMap], key: str) -> list[bytes]:
    return [
        b64decode(config_map["binaryData"][key])
        for config_map in config_maps
        if key in _binary(config_map)
    ]


def _binary(config_map: ConfigMap) -> Mapping[str, str]:
    return config_map.get("binaryData") or {}


def _is_too_large(run: RunRecord) -> bool:
    return len(whole_run_json(run)) > _MAX_RUN_BYTES


def _shortened(run: RunRecord) -> RunRecord:
    """Keep run.json readable and within its room; the whole of it is then stored gzipped."""
    where = "left out"
    if run.store is not None:
        where = f"in {run.store}/{RUN_KEY}"
    elif FULL_RUN_KEY in run.parts:
        where = f"in {FULL_RUN_KEY}"
    note = (
        f"run.json was too large for a ConfigMap: its iterations, and causes and warnings beyond "
        f"the first, are {where}"
    )
    store = run.store.model_copy(update={"whole": False}) if run.store is not None else None
    changes = {"warnings": [*run.warnings[:_MOST_WARNINGS], note], "store": store}
    short = run.model_copy(update=changes)
    for most in _MOST_CAUSES:
        short = short.model_copy(
            update={
                "tests": [
                    test.model_copy(update={"iterations": [], **_first_causes(test, most)})
                    for test in run.tests
                ],
                **_first_causes(run, most),
            }
        )
        if not _is_too_large(short):
            break
    return short


def _first_causes(of: RunRecord | TestRecord, most: int) -> dict[str, Any]:
    validity = of.validity
    if validity is not None:
        validity = validity.model_copy(update={"causes": validity.causes[:most]})
    return {"causes": of.causes[:most], "validity": validity}


def config_map(
    name: str, owner: RunRef, data: dict[str, str], binary: Mapping[str, bytes]
) -> ConfigMap:
    """Return a ConfigMap of results, which goes when its owner goes."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": owner.namespace,
            "labels": {
                "app.kubernetes.io/name": "krobench",
                "app.kubernetes.io/managed-by": "krobench",
                RUN_LABEL: owner.uid,
                COMPONENT_LABEL: RESULTS_COMPONENT,
            },
            "ownerReferences": [owner.owner_reference],
        },
        "data": data,
        "binaryData": {key: b64encode(value).decode() for key, value in binary.items()},
    }
