"""Files that users give: manifests, stored runs and baselines."""

from pathlib import Path
from typing import Any

import orjson
import yaml

from krobench.api.yaml import load, load_all, yaml_error
from krobench.cli.errors import CliError
from krobench.record.baseline import Baseline, parse_config_map, parse_object
from krobench.record.reading import RecordError
from krobench.record.run import RunRecord

_SUFFIXES = (".json", ".yaml", ".yml")


def existing_path(argument: str) -> Path | None:
    """Return the file or directory that an argument names; None if it names something else.

    Raises:
        CliError: if it is clearly a file, and does not exist.
    """
    path = Path(argument)
    if path.exists():
        return path
    if path.suffix in _SUFFIXES:
        raise CliError(f"{path}: no such file")
    return None


def files_in(path: Path) -> list[Path]:
    """Return the files of a directory that may hold runs or baselines, in the order of names."""
    return sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)


def read_documents(path: Path) -> list[Any]:
    """Return the documents of a YAML file that are not empty.

    Raises:
        CliError: if it cannot be read.
    """
    try:
        return load_all(path.read_bytes())
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
        content = path.read_bytes()
        return orjson.loads(content) if path.suffix == ".json" else load(content)
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
