"""An expression that is measured, and its RGD: one ConfigMap that carries it many times.

kro evaluates equal texts once in a reconcile, and caches what it has compiled by the text. So the
copies differ by white space, which changes neither the parsed expression nor its value.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from typing import Any

from krobench.api.specs.cel import CelFamily, CelLevel
from krobench.workload.blueprint import Manifest, RgdParts, WorkloadError, config_map

COPIES = 50
"""Copies of the expression in an RGD: enough to outweigh the cost of the RGD itself."""


class Role(StrEnum):
    """What an RGD is measured for."""

    EXPRESSION = "expression"
    CONSTANTS = "constants"
    """The control: as many constants, whose evaluation costs only kro's and cel-go's framework."""
    ONE_CONSTANT = "one-constant"
    """An RGD with almost no CEL, to compare the compilation of others with."""


@dataclass(frozen=True)
class Expression:
    """An expression, with what kro needs to evaluate it and we need to check its value."""

    name: str
    text: str
    """CEL, without ``${`` and ``}``."""
    expected: Any
    level: CelLevel = CelLevel.SIMPLE
    family: CelFamily | None = None
    """None for a user's own expressions and for controls."""
    values: Manifest = field(default_factory=dict)
    """The spec of the instance."""
    types: dict[str, Any] = field(default_factory=dict)
    """SimpleSchema types of values whose types cannot be inferred."""
    copies: int = COPIES
    """Copies of it in its RGD."""
    distinct: bool = True
    """Whether the copies differ by white space, so kro compiles and evaluates each."""
    role: Role = Role.EXPRESSION


_SCALARS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),  # before int, its base class
    (int, "integer"),
    (float, "float"),
    (str, "string"),
)


class UnknownTypeError(ValueError):
    """The type of a value cannot be inferred; the message starts with the value's path."""


def schema_of(values: Manifest, stated: Manifest) -> Manifest:
    """Return ``types`` and ``spec`` of a schema for these values.

    ``stated`` are the types of fields that are not inferred.

    Raises:
        UnknownTypeError: if the type of a value cannot be inferred.
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
        f"{path}: cannot infer the type of {value!r}; set it in the expression's types"
    )


def _list(items: list[Any], path: str, types: Manifest) -> str:
    if all(isinstance(item, dict) for item in items):
        fields: Manifest = {}
        for item in items:
            fields = item | fields
        struct = _struct(fields, f"{path}.", types)
        name = f"T{len(types)}"
        types[name] = struct
        return f"[]{name}"
    kinds = {str(_type(item, path, types)) for item in items}
    if kinds == {"integer", "float"}:
        return "[]float"
    if len(kinds) > 1:
        raise UnknownTypeError(
            f"{path}: items have different types ({', '.join(sorted(kinds))}); "
            "give all the same type"
        )
    return f"[]{kinds.pop()}"


ROUND_FIELD = "round"
"""A field of each instance that no expression uses; changing it makes kro reconcile."""

_NODE = "rendered"


def expression_parts(expression: Expression, name: str, field_path: str) -> RgdParts:
    """Return the RGD that measures an expression; ``name`` names the ConfigMap.

    Raises:
        WorkloadError: if the type of one of its values is unknown.
    """
    try:
        schema = schema_of(expression.values, expression.types)
    except UnknownTypeError as error:
        raise WorkloadError(
            f"{field_path}.expressions[{expression.name}].values.{error}"
        ) from error
    schema["spec"][ROUND_FIELD] = "integer | default=0"
    return RgdParts(schema, resources(expression, name, 0))


def resources(expression: Expression, name: str, compilation: int) -> list[Manifest]:
    """Return spec.resources, with different white space for each ``compilation``.

    Nothing else differs, so kro compiles all of it again and then changes no object. The
    ConfigMap's name is a constant: kro evaluates only the copies.
    """
    copies = [expression.text] * expression.copies
    if expression.distinct:
        spaces = product(" \t", repeat=(expression.copies - 1).bit_length())
        copies = [f"({''.join(space)}{text})" for space, text in zip(spaces, copies, strict=False)]
    after = " " * compilation
    data = {f"e{index:02d}": f"${{{text}{after}}}" for index, text in enumerate(copies)}
    return [{"id": _NODE, "template": config_map(name, data)}]
