"""``krobench sizing``: what kro needs for a wanted scale, by what runs have measured."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import orjson
import yaml

from krobench.analysis.sizing.size import Wanted, size_for
from krobench.api.yaml import dump
from krobench.cli.errors import ResultsError
from krobench.cli.names import parse_name
from krobench.cli.results import fetch_run
from krobench.findings.comparison import Baseline
from krobench.findings.sizing import Sizing
from krobench.record.baseline import parse_config_map, parse_object
from krobench.record.reading import RecordError
from krobench.record.run import RunRecord
from krobench.report import sizing as report


class Format(StrEnum):
    """How a sizing is printed."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def sizing_of(files: Sequence[Path], runs: Sequence[str], namespace: str, wanted: Wanted) -> Sizing:
    """Return the sizing by the records in these files and of these runs.

    Raises:
        ResultsError: if one cannot be read.
        SizingError: if they cannot tell.
    """
    records = [_read(file) for file in files]
    records += [fetch_run(parse_name(name, namespace)) for name in runs]
    return size_for(records, wanted)


def render(sizing: Sizing, output: Format) -> str:
    """Return a sizing in the format asked for."""
    if output is Format.TEXT:
        return report.text(sizing)
    plain = report.plain(sizing)
    if output is Format.YAML:
        return dump(plain)
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode() + "\n"


def _read(file: Path) -> RunRecord:
    try:
        raw = yaml.safe_load(file.read_text()) if file.suffix != ".json" else None
        raw = orjson.loads(file.read_bytes()) if raw is None else raw
        of_map = isinstance(raw, dict) and raw.get("kind") == "ConfigMap"
        found = parse_config_map(raw) if of_map else parse_object(raw, str(file))
    except OSError as error:
        raise ResultsError(f"{file}: {error.strerror}") from error
    except RecordError as error:
        raise ResultsError(str(error)) from error
    except (ValueError, yaml.YAMLError) as error:
        raise ResultsError(f"{file}: {error}") from error
    if isinstance(found, Baseline):
        raise ResultsError(f"{file} is a baseline: sizing needs the record of a run, run.json")
    return found
