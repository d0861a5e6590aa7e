"""Reading stored records and baselines, and explaining why one cannot be read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from krobench import __version__
from krobench.api.refusal import field_path, words_of
from krobench.record import v1
from krobench.record.run import SCHEMA

ModelT = TypeVar("ModelT", bound=BaseModel)

BASELINE_SCHEMA: Literal["krobench.baseline/v2"] = "krobench.baseline/v2"

_UNKNOWN_FIELD = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls it, in a model and in a dataclass."""


class RecordError(ValueError):
    """This version cannot read a record; the message says where it is, and what to do."""


def read_json(text: str | bytes, where: str) -> Any:
    """Return what a JSON text holds.

    Raises:
        RecordError: if it is not JSON; the message names ``where``.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RecordError(f"{where} is not valid JSON: {error}") from error


def read_as(model: type[ModelT], raw: Any, where: str) -> ModelT:
    """Return a stored object, of this or an earlier version, as a run record or a baseline.

    Raises:
        RecordError: if a newer krobench wrote it, or it is damaged; the message names ``where`` and
            what is wrong.
    """
    try:
        return model.model_validate(v1.upgrade(raw))
    except ValidationError as error:
        raise RecordError(why_not(error.errors(), raw, where)) from error


def schema_of(raw: Any) -> str | None:
    """Return the schema that an object names."""
    found = raw.get("schema") if isinstance(raw, Mapping) else None
    return None if found is None else str(found)


def refuse_newer_schema(raw: Any, where: str) -> None:
    """Refuse an object whose schema is a newer version of one of ours.

    Raises:
        RecordError: if it is.
    """
    schema = schema_of(raw) or ""
    name, number = _name_and_number(schema)
    for known in (SCHEMA, BASELINE_SCHEMA):
        ours, highest = _name_and_number(known)
        if name == ours and number > highest:
            raise RecordError(_newer(raw, where, f"has schema {schema}, which"))


def why_not(errors: Sequence[ErrorDetails], raw: Any, where: str) -> str:
    """Return why an object could not be read; ``raw`` is None for a line of a file."""
    # A baseline does not say who wrote it.
    writers = [] if schema_of(raw) == BASELINE_SCHEMA else [*map(_comparable, _writers(raw))]
    is_older = bool(writers) and max(writers) < _comparable(__version__)
    # An unknown field explains most: other errors may come from the same change.
    unknown = [error for error in errors if error["type"] in _UNKNOWN_FIELD]
    [first, *_] = unknown or errors
    field = field_path(first["loc"])
    if unknown and not is_older:
        return _newer(raw, where, f"has a field {field}, which")
    if _newer_writer(raw) is not None:
        return _newer(raw, where, f"has a value of {field} that")
    damaged = f"{where} is not a valid {schema_of(raw) or SCHEMA}: "
    if unknown:
        return f"{damaged}it has a field {field}, which no krobench writes"
    if first["type"] == "missing":
        return f"{damaged}its field {field} is missing"
    return f"{damaged}{f'its field {field}' if field else 'it'} is wrong: {words_of(first)}"


def _name_and_number(schema: str) -> tuple[str, int]:
    name, _, number = schema.rpartition("/v")
    return name, int(number) if number.isdecimal() else 0


def _newer(raw: Any, where: str, what: str) -> str:
    writer = _newer_writer(raw)
    if writer is not None:
        by, use = f"krobench {writer}, which is newer", f"krobench {writer}"
    else:
        by, use = "a newer krobench", "the krobench that wrote it"
    return (
        f"{where} was written by {by} than this one ({__version__}), and {what} this one does not "
        f"know: use {use}, or a later one"
    )


def _newer_writer(raw: Any) -> str | None:
    """Return the version that wrote a record or was run last in a baseline, if it is newer."""
    latest = max(_writers(raw), key=_comparable, default=None)
    return latest if latest is not None and _comparable(latest) > _comparable(__version__) else None


def _writers(raw: Any) -> Iterator[str]:
    """Yield the versions of krobench that ran what is in a record or a baseline."""
    if not isinstance(raw, Mapping):
        return
    runs = raw.get("runs")
    for run in [raw, *(runs if isinstance(runs, list) else [])]:
        environment = run.get("environment") if isinstance(run, Mapping) else None
        version = environment.get("krobench") if isinstance(environment, Mapping) else None
        if isinstance(version, str):
            yield version


def _comparable(version: str) -> tuple[int, ...]:
    """Return the numbers of a version such as 1.2.3+build; none if it begins differently."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found.group().split("."))) if found else ()
