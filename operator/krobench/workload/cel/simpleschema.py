"""SimpleSchema types taken from values."""

from collections.abc import Iterable
from typing import Any

from krobench.workload.blueprint import Manifest

_SCALARS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),  # before int, of which it is one
    (int, "integer"),
    (float, "float"),
    (str, "string"),
)


class UnknownTypeError(ValueError):
    """A value does not tell its type; the message begins with the path to it."""


def schema_of(values: Manifest, stated: Manifest) -> Manifest:
    """Return ``types`` and ``spec`` of a schema for these values.

    ``stated`` are types of fields that are not taken from the values.

    Raises:
        UnknownTypeError: if a value does not tell its type.
    """
    types: Manifest = {}
    fields = {name: value for name, value in values.items() if name not in stated}
    spec = _struct(fields, "", types) | stated
    return {"types": types, "spec": spec} if types else {"spec": spec}


def _struct(values: Manifest, path: str, types: Manifest) -> Manifest:
    return {name: _type(value, f"{path}{name}", types) for name, value in values.items()}


def _type(value: Any, path: str, types: Manifest) -> str | Manifest:
    if isinstance(value, dict) and value:
        return _struct(value, f"{path}.", types)
    if isinstance(value, list) and value:
        return _list(value, path, types)
    for kind, name in _SCALARS:
        if isinstance(value, kind):
            return name
    raise UnknownTypeError(
        f"{path}: {value!r} does not tell its type; say it in types of the expression"
    )


def _list(items: list[Any], path: str, types: Manifest) -> str:
    if all(isinstance(item, dict) for item in items):
        struct = _struct(_all_fields(items), f"{path}.", types)
        name = f"T{len(types)}"
        types[name] = struct
        return f"[]{name}"
    kinds = {str(_type(item, path, types)) for item in items}
    if kinds == {"integer", "float"}:
        return "[]float"
    if len(kinds) > 1:
        raise UnknownTypeError(
            f"{path}: its items are of different types, {', '.join(sorted(kinds))}"
        )
    return f"[]{kinds.pop()}"


def _all_fields(items: Iterable[Manifest]) -> Manifest:
    fields: Manifest = {}
    for item in items:
        fields = item | fields
    return fields
