"""CustomResourceDefinitions generated from the pydantic models.

pydantic writes JSON Schema; an API server wants a *structural* OpenAPI v3 schema: no ``$ref``,
no ``anyOf`` with null, no titles, and a bound on every list, map and string, or the cost
estimate of the CEL rules rejects the CRD.
"""

import math
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from krobench.api.common import API_GROUP, API_VERSION, RENAMED, renamed_words
from krobench.api.kinds import RunKind
from krobench.api.yaml import dump

Schema = dict[str, Any]

MAX_NAME_LENGTH = 52
"""Longest name of a run: names of Jobs and ConfigMaps are made from it."""

_DROPPED = frozenset({"title", "$defs", "additionalProperties"})
_DEFAULT_MAX_ITEMS = 64
_DEFAULT_MAX_LENGTH = 1024

_ROOT_RULES = [
    {
        "rule": "!has(oldSelf.status) || !has(oldSelf.status.startTime) "
        "|| self.spec == oldSelf.spec",
        "message": "spec is immutable once the run has started: delete the object and apply it "
        "again, or apply it under another name",
        "fieldPath": ".spec",
    },
    {
        "rule": f"self.metadata.name.size() <= {MAX_NAME_LENGTH}",
        "message": f"metadata.name must not be longer than {MAX_NAME_LENGTH} characters",
    },
]


@dataclass(frozen=True)
class _Column:
    """A column of ``kubectl get``."""

    name: str
    path: str
    wide: bool = False
    """Whether it takes ``-o wide`` to show it."""


@dataclass(frozen=True)
class _Resource:
    """What tells the CRD of one kind from that of another."""

    kind: RunKind
    short_name: str
    description: str
    columns: tuple[_Column, ...]
    """Between the phase and the age."""


_RESOURCES = {
    resource.kind: resource
    for resource in (
        _Resource(
            kind=RunKind.BENCHMARK,
            short_name="kb",
            description="KroBenchmark measures a kro controller with a suite of tests, once.",
            columns=(
                _Column("Progress", ".status.progress"),
                _Column("Tests", ".status.testsSucceeded"),
                _Column("p99", ".status.headline.p99"),
                _Column("Verdict", ".status.verdict"),
                _Column("Compared", ".status.comparison.verdict", wide=True),
            ),
        ),
        _Resource(
            kind=RunKind.SCALE_TEST,
            short_name="kst",
            description="KroScaleTest finds, once, how far a kro controller goes along an axis, "
            "and what holds it back there.",
            columns=(
                _Column("Size", ".status.size"),
                _Column("Limit", ".status.limit.text"),
                _Column("Bottleneck", ".status.bottleneck"),
                _Column("Verdict", ".status.verdict"),
                _Column("Next to try", ".status.nextToTry", wide=True),
            ),
        ),
    )
}


def structural_schema(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model."""
    source = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(source, source.get("$defs", {}))


def _convert(node: Schema, definitions: dict[str, Schema]) -> Schema:
    # A reference may stand inside an anyOf, which in turn may stand behind a reference.
    node = _resolve(_without_null(_resolve(node, definitions)), definitions)
    result = {key: value for key, value in node.items() if key not in _DROPPED}
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    if "const" in result:
        result["enum"] = [result.pop("const")]
    if "properties" in node:
        result["properties"] = {
            name: _convert(child, definitions) for name, child in node["properties"].items()
        }
    if RENAMED in node:
        _add_old_names(result, result.pop(RENAMED))
    if "items" in node:
        result["items"] = _convert(node["items"], definitions)
        result.setdefault("maxItems", _DEFAULT_MAX_ITEMS)
    if result.get("type") == "object" and "properties" not in node:
        _convert_map(result, node, definitions)
    if result.get("type") == "string" and not {"maxLength", "enum"} & result.keys():
        result["maxLength"] = _DEFAULT_MAX_LENGTH
    if result.get("type") == "integer":
        result.setdefault("format", "int64")
    _convert_bounds(result)
    return result


def _add_old_names(result: Schema, renamed: dict[str, str]) -> None:
    """Keep the old names of fields in the schema, with rules that refuse them.

    An API server says no more of a field that a schema does not have than that it is unknown. A new
    name that is required becomes optional with a rule: a required field that is missing keeps the
    API server from checking any rules.
    """
    refusals: list[Schema] = []
    rules = result.pop("x-kubernetes-validations", [])
    for old, new in renamed.items():
        field = {
            "description": f"Renamed: use {new}.",
            "type": result["properties"][new]["type"],
        }
        if field["type"] == "array":
            field["items"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            field["maxItems"] = _DEFAULT_MAX_ITEMS
        elif field["type"] == "object":
            field["x-kubernetes-preserve-unknown-fields"] = True
        elif field["type"] == "string":
            field["maxLength"] = _DEFAULT_MAX_LENGTH
        result["properties"][old] = field
        refusals.append(
            {
                "rule": f"!has(self.{old})",
                "message": renamed_words(old, new),
                "fieldPath": f".{old}",
            }
        )
        if new in result.get("required", []):
            result["required"] = [name for name in result["required"] if name != new]
            refusals.append(
                {
                    "rule": f"has(self.{new}) || has(self.{old})",
                    "message": f"{new} must be set",
                }
            )
            rules = [
                rule | {"rule": f"!has(self.{new}) || ({rule['rule']})"}
                if f"self.{new}." in rule["rule"]
                else rule
                for rule in rules
            ]
    result["x-kubernetes-validations"] = refusals + rules


def _convert_bounds(result: Schema) -> None:
    """Say of a bound that it is exclusive; JSON Schema since draft 6 has it as a number of its own,
    which an API server does not take.

    An API server compares a whole number with the whole part of a bound (kube-openapi's
    MinimumNativeType), so that 0 would get past a minimum of 0.01. Here it must be above 0, too.
    """
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive{bound.capitalize()}"
        if exclusive in result:
            result[bound] = result[exclusive]
            result[exclusive] = True
    least = result.get("minimum", 0)
    if least != math.floor(least):
        result |= {"minimum": math.floor(least), "exclusiveMinimum": True}
        result["allOf"] = [{"minimum": least}]


def _resolve(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """Replace a ``$ref`` by what it names; keywords beside the reference win."""
    reference = node.get("$ref")
    if reference is None:
        return node
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return definitions[reference.removeprefix("#/$defs/")] | beside


def _without_null(node: Schema) -> Schema:
    """Turn ``anyOf: [X, null]`` into X: an optional field is one that may be left out."""
    if "anyOf" not in node:
        return node
    choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
    if len(choices) != 1:
        raise ValueError(f"a structural schema has no place for the union {node['anyOf']}")
    beside = {key: value for key, value in node.items() if key != "anyOf"}
    if beside.get("default", ...) is None:
        del beside["default"]
    merged: Schema = choices[0] | beside
    return merged


def _convert_map(result: Schema, node: Schema, definitions: dict[str, Schema]) -> None:
    if result.get("x-kubernetes-preserve-unknown-fields"):
        return
    for keyword in ("propertyNames", "patternProperties"):
        result.pop(keyword, None)
    # Of names with a pattern, the schema of the values stands behind it; a CRD cannot say more of
    # names, but without the values' schema the API server would drop them all.
    by_pattern = node.get("patternProperties", {}).values()
    values = next(iter(by_pattern), node.get("additionalProperties"))
    if isinstance(values, dict):
        result["additionalProperties"] = _convert(values, definitions)
    result.setdefault("maxProperties", _DEFAULT_MAX_ITEMS)


def crd(kind: RunKind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind."""
    resource = _RESOURCES[kind]
    names = {
        "kind": kind.value,
        "listKind": f"{kind}List",
        "plural": kind.plural,
        "singular": kind.singular,
        "shortNames": [resource.short_name],
        "categories": ["kro"],
    }
    version = {
        "name": API_VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": _printer_columns(resource),
        "schema": {"openAPIV3Schema": _root_schema(resource)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{API_GROUP}",
            "labels": {"app.kubernetes.io/name": "krobench"},
        },
        "spec": {
            "group": API_GROUP,
            "names": names,
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def _root_schema(resource: _Resource) -> Schema:
    return {
        "type": "object",
        "description": resource.description,
        "required": ["spec"],
        "x-kubernetes-validations": _ROOT_RULES,
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(resource.kind.spec),
            "status": structural_schema(resource.kind.status),
        },
    }


def _printer_columns(resource: _Resource) -> list[dict[str, Any]]:
    columns = [_Column("Phase", ".status.phase"), *resource.columns]
    age = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    return [
        *(_text_column(column) for column in columns if not column.wide),
        age,
        *(_text_column(column) | {"priority": 1} for column in columns if column.wide),
    ]


def _text_column(column: _Column) -> dict[str, Any]:
    return {"name": column.name, "type": "string", "jsonPath": column.path}


def crd_files() -> dict[str, str]:
    """Return the contents of ``crds/`` by file name."""
    header = "# Generated by `make crds` from operator/krobench/api: do not edit.\n"
    crds = [crd(kind) for kind in RunKind]
    return {f"{item['metadata']['name']}.yaml": header + dump(item) for item in crds}
