"""What the annotation of a field demands of its value, in the CRD and in Python.

Rules between fields are in :mod:`krobench.api.rules`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from krobench.api.refusal import FieldError
from krobench.api.rules import VALIDATIONS, Rule, this, time


class _Annotation:
    """Checks a value that is valid otherwise, and adds to its schema."""

    def checked(self, value: Any) -> Any:
        """Return the value; raises ``ValueError`` if it is refused."""
        raise NotImplementedError

    def in_schema(self) -> JsonSchemaValue:
        """Return what the schema of the CRD has of it."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | self.in_schema()


@dataclass(frozen=True)
class Between(_Annotation):
    """In the annotation of a duration: the shortest and the longest that it may be."""

    shortest: str
    longest: str

    def in_schema(self) -> JsonSchemaValue:
        return {VALIDATIONS: [self._rule.validation(BaseModel)]}

    def checked(self, text: str) -> str:
        self._rule.check(text)
        return text

    @cached_property
    def _rule(self) -> Rule:
        within = (time(this) >= time(self.shortest)) & (time(this) <= time(self.longest))
        return Rule(within, f"must be between {self.shortest} and {self.longest}")


@dataclass(frozen=True)
class Keyed(_Annotation):
    """In the annotation of a list: its items have different values of a field."""

    key: str = "name"

    def in_schema(self) -> JsonSchemaValue:
        return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.key]}

    def checked(self, items: Sequence[Any]) -> Sequence[Any]:
        repeated = _repeated([getattr(item, self.key) for item in items])
        if repeated is not None:
            raise ValueError(f"the {self.key} {repeated!r} is used more than once")
        return items


@dataclass(frozen=True)
class Unique(_Annotation):
    """In the annotation of a list: its items differ."""

    def in_schema(self) -> JsonSchemaValue:
        return {"x-kubernetes-list-type": "set"}

    def checked(self, items: Sequence[Any]) -> Sequence[Any]:
        repeated = _repeated(items)
        if repeated is not None:
            raise ValueError(f"{str(repeated)!r} is listed more than once")
        return items


@dataclass(frozen=True, eq=False)
class Shaped(_Annotation):
    """In the annotation of an object that is not ours, such as an RGD: the fields that we read.

    ``schema`` is a JSON Schema of types and required fields, with rules as the validations of a
    field; other fields may be anything.
    """

    schema: Mapping[str, Any]

    def in_schema(self) -> JsonSchemaValue:
        return dict(_with_cel(self.schema))

    def checked(self, value: Any) -> Any:
        _check_shape(value, self.schema, "")
        return value


_TYPES: Mapping[str, tuple[type[Any], str]] = {
    "object": (dict, "an object"),
    "array": (list, "a list"),
    "string": (str, "a string"),
}


def _with_cel(schema: Any) -> Any:
    """Return the schema with its rules as the API server has them."""
    if isinstance(schema, Rule):
        return schema.validation(BaseModel)
    if isinstance(schema, Mapping):
        return {key: _with_cel(value) for key, value in schema.items()}
    return [_with_cel(value) for value in schema] if isinstance(schema, list) else schema


def _check_shape(value: Any, schema: Mapping[str, Any], path: str) -> None:
    expected, words = _TYPES[schema["type"]]
    if not isinstance(value, expected):
        raise FieldError(path, f"must be {words}")
    for rule in schema.get(VALIDATIONS, ()):
        if not rule.allows(value):
            raise FieldError(path, rule.message)
    for name in schema.get("required", ()):
        if name not in value:
            raise FieldError(f"{path}.{name}".removeprefix("."), "must be set")
    for inner, item, child in _inside(value, schema):
        _check_shape(item, child, f"{path}{inner}".removeprefix("."))


def _inside(value: Any, schema: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Yield the path, value and schema of what is in a value."""
    for name, child in schema.get("properties", {}).items():
        if name in value:
            yield f".{name}", value[name], child
    if "items" in schema:
        yield from ((f"[{at}]", item, schema["items"]) for at, item in enumerate(value))
    if "additionalProperties" in schema:
        values = schema["additionalProperties"]
        yield from ((f".{name}", item, values) for name, item in value.items())


def _repeated(values: Sequence[Any]) -> Any:
    return next((value for i, value in enumerate(values) if value in values[:i]), None)
