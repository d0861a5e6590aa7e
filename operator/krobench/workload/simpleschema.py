"""kro's SimpleSchema: the fields of an instance's spec, as an RGD declares them.

What kro would refuse has no type here, as it is kro's to say so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from krobench.api.yaml import load
from krobench.workload.blueprint import Manifest

_ATOMS = ("string", "integer", "float", "boolean", "object")
_MARKER = re.compile(
    r"""\s*(\w+)\s*=\s*( "(?:[^"\\]|\\.)*" | (?:\{[^}]*\}|\[[^]]*\]|[^\s\[{])* )""", re.VERBOSE
)
_DEEPEST = 16


@dataclass(frozen=True)
class Field:
    """A field of a spec, or an item of a list or a map."""

    type: str
    """string, integer, float, boolean, object, list, map or struct; empty if it is unknown."""
    markers: Mapping[str, str] = field(default_factory=dict)
    item: "Field | None" = None
    """Of a list or a map."""
    fields: Mapping[str, "Field"] = field(default_factory=dict)
    """Of a struct."""

    @property
    def required(self) -> bool:
        return self.markers.get("required") == "true"

    @property
    def default(self) -> Any:
        """Return its default; of a struct, the defaults of its fields; None if it has none."""
        if self.type == "struct" and "default" not in self.markers:
            found = {name: each.default for name, each in self.fields.items()}
            given = {name: value for name, value in found.items() if value is not None}
            return given if given and not any(e.required for e in self.fields.values()) else None
        text = self.markers.get("default")
        if text is None or self.type == "string":
            return text
        try:
            return load(text)
        except yaml.YAMLError:
            return None

    def at(self, path: tuple[str, ...]) -> "Field | None":
        """Return the field at this path below it, or None if the schema has none."""
        if not path:
            return self
        inner = self.fields.get(path[0]) if self.type == "struct" else self.item
        return inner.at(path[1:]) if inner is not None else None


def spec_schema(schema: Manifest) -> Field:
    """Return the fields of an instance's spec, from the ``spec.schema`` of an RGD."""
    types = schema.get("types")
    return _field(schema.get("spec") or {}, types if isinstance(types, dict) else {}, 0)


def _field(declared: Any, types: Manifest, depth: int) -> Field:
    if isinstance(declared, dict):
        fields = {name: _field(each, types, depth + 1) for name, each in declared.items()}
        return Field("struct", fields=fields) if depth < _DEEPEST else Field("")
    if not isinstance(declared, str) or depth >= _DEEPEST:
        return Field("")
    name, _, text = declared.partition("|")
    markers = {key: _unquoted(value) for key, value in _MARKER.findall(text)}
    name = name.strip()
    if name in _ATOMS:
        return Field(name, markers)
    for prefix, kind in (("[]", "list"), ("map[string]", "map")):
        if name.startswith(prefix):
            return Field(kind, markers, item=_field(name.removeprefix(prefix), types, depth + 1))
    if name not in types:
        return Field("", markers)
    own = _field(types[name], types, depth + 1)
    return Field(own.type, {**own.markers, **markers}, own.item, own.fields)


def _unquoted(value: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", value[1:-1]) if value.startswith('"') else value
