"""CustomResourceDefinitions generated from the pydantic models.

pydantic writes JSON Schema. An API server requires a *structural* OpenAPI v3 schema: no ``$ref``,
no ``anyOf`` with null, no titles. Every list, map and string needs a bound, or the estimated cost
of the CEL rules is too high.

Fields inside lists have no defaults: GitOps tools compare lists as a whole, so a default that the
API server fills in there would be a permanent difference. krobench applies them when it reads a
spec.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from krobench.api.common import ANYTHING, API_GROUP, API_VERSION, RENAMED, renamed_words
from krobench.api.kinds import KINDS, Kind, RunKind, ScheduleKind
from krobench.api.yaml import dump

Schema = dict[str, Any]

MAX_NAME_LENGTH = 52
"""Longest name of a run: names of Jobs and ConfigMaps contain it."""

DEFAULT_WORDS = " Default: "
"""Begins the part of a description that names the default of a field."""

_DROPPED = frozenset({"title", "$defs", "additionalProperties"})
_DEFAULT_MAX_ITEMS = 64
_DEFAULT_MAX_LENGTH = 1024

# As Flux has it: without it, kstatus takes a resource for done until the operator has seen it.
_NOT_OBSERVED = {"default": {"observedGeneration": -1}}

MAX_SCHEDULE_NAME_LENGTH = MAX_NAME_LENGTH - len("-00000000-once")
"""Longest name of a schedule: names of its runs are it, a minute and a trigger."""


def _name_rule(longest: int) -> Schema:
    return {
        "rule": f"self.metadata.name.size() <= {longest}",
        "message": f"metadata.name must not be longer than {longest} characters",
    }


_RUN_RULES = (
    {
        "rule": "!has(oldSelf.status) || !has(oldSelf.status.startTime) "
        "|| self.spec == oldSelf.spec",
        "message": "is immutable after the run has started: delete the object and apply it "
        "again, or apply it under another name",
        "fieldPath": ".spec",
    },
    _name_rule(MAX_NAME_LENGTH),
)


@dataclass(frozen=True)
class _Column:
    """A column of ``kubectl get``."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    """Shown with ``-o wide`` only."""


@dataclass(frozen=True)
class _Resource:
    """What is specific to the CRD of a kind."""

    kind: Kind
    short_name: str
    description: str
    columns: tuple[_Column, ...]
    """Shown before the age."""
    rules: tuple[Schema, ...] = _RUN_RULES
    """Of the whole object."""


_PHASE = _Column("Phase", ".status.phase")


_RESOURCES = {
    resource.kind: resource
    for resource in (
        _Resource(
            kind=RunKind.BENCHMARK,
            short_name="kb",
            description="A KroBenchmark runs a suite of tests once and measures how kro performs.",
            columns=(
                _PHASE,
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
            description="A KroScaleTest runs growing sizes of a workload once, finds the largest "
            "size at which kro meets its SLOs, and names what limits it.",
            columns=(
                _PHASE,
                _Column("Size", ".status.size"),
                _Column("Limit", ".status.limit.text"),
                _Column("Bottleneck", ".status.bottleneck"),
                _Column("Verdict", ".status.verdict"),
                _Column("Next to try", ".status.nextToTry", wide=True),
                _Column("Compared", ".status.comparison.verdict", wide=True),
            ),
        ),
        _Resource(
            kind=ScheduleKind.SCHEDULE,
            short_name="kbs",
            description="A KroBenchmarkSchedule creates KroBenchmarks or KroScaleTests: at the "
            "times of a cron schedule, when kro changes, and on request.",
            columns=(
                _Column("Schedule", ".spec.schedule"),
                _Column("Suspend", '.status.conditions[?(@.type=="Suspended")].status'),
                _Column("Active", ".status.active[*].name"),
                _Column("Last", ".status.lastScheduleTime", type="date"),
                _Column("Next", ".status.nextScheduleTime"),
                _Column("Verdict", ".status.verdict"),
                _Column("kro", ".status.kroVersion"),
                _Column("Time zone", ".spec.timeZone", wide=True),
                _Column("Message", ".status.message", wide=True),
            ),
            rules=(_name_rule(MAX_SCHEDULE_NAME_LENGTH),),
        ),
    )
}


def structural_schema(model: type[BaseModel]) -> Schema:
    """The structural schema of a model."""
    source = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(source, source.get("$defs", {}))


def _convert(node: Schema, definitions: dict[str, Schema], *, in_list: bool = False) -> Schema:
    # An anyOf may contain a reference, and a reference may lead to an anyOf.
    node = _resolve(_without_null(_resolve(node, definitions)), definitions)
    result = {key: value for key, value in node.items() if key not in _DROPPED}
    if "description" in result:
        result["description"] = " ".join(result["description"].split()) + _default_words(result)
    if in_list:
        result.pop("default", None)
    if "const" in result:
        result["enum"] = [result.pop("const")]
    if "properties" in node:
        result["properties"] = {
            name: _convert(child, definitions, in_list=in_list)
            for name, child in node["properties"].items()
        }
    if RENAMED in node:
        _add_old_names(result, result.pop(RENAMED))
    if "items" in node:
        result["items"] = _convert(node["items"], definitions, in_list=True)
        result.setdefault("maxItems", _DEFAULT_MAX_ITEMS)
    if result.get("type") == "object" and "properties" not in node:
        _convert_map(result, node, definitions, in_list=in_list)
    if result.get("type") == "string" and not {"maxLength", "enum"} & result.keys():
        result["maxLength"] = _DEFAULT_MAX_LENGTH
    if result.get("type") == "integer":
        result.setdefault("format", "int64")
    _convert_bounds(result)
    return result


def _default_words(field: Schema) -> str:
    """Return what to add to the description of a field; nothing if it has no default of its own."""
    default = field.get("default")
    if default is None or default in ({}, []):
        return ""
    return f"{DEFAULT_WORDS}{default if isinstance(default, str) else json.dumps(default)}."


def _add_old_names(result: Schema, renamed: dict[str, str]) -> None:
    """Keep the old names of fields in the schema, with rules that refuse them.

    Without the old name in the schema, the API server would only report an unknown field, or drop
    it. An object that an older CRD admitted may keep its old names, or the API server would refuse
    every status of it, too: what it checks of an unchanged spec it lets pass by itself only if the
    schema knows all that is in the spec. krobench then ends such a run, and names the old field.

    If the new name is required, it becomes optional and gets a rule instead: an API server
    checks no rules while a required field is missing.
    """
    refusals: list[Schema] = []
    rules = result.pop("x-kubernetes-validations", [])
    for old, new in renamed.items():
        field = {
            "description": f"Renamed: use {new}.",
            "type": result["properties"][new]["type"],
        }
        if field["type"] == "array":
            field["items"] = {"type": "object", **ANYTHING}
            field["maxItems"] = _DEFAULT_MAX_ITEMS
        elif field["type"] == "object":
            field |= ANYTHING
        elif field["type"] == "string":
            field["maxLength"] = _DEFAULT_MAX_LENGTH
        result["properties"][old] = field
        refusals.append(
            {
                "rule": f"!has(self.{old}) || (oldSelf.hasValue() && has(oldSelf.value().{old}))",
                "optionalOldSelf": True,
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
    """Write exclusive bounds as booleans, as OpenAPI v3 does; JSON Schema has numbers.

    An API server compares integers with the integer part of a bound (kube-openapi's
    MinimumNativeType): 0 would pass a minimum of 0.01. Such a bound is therefore written as "above
    0", and the real one beside it.
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
    """Replace a ``$ref`` by its definition; keywords beside the reference win."""
    reference = node.get("$ref")
    if reference is None:
        return node
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return definitions[reference.removeprefix("#/$defs/")] | beside


def _without_null(node: Schema) -> Schema:
    """Turn ``anyOf: [X, null]`` into X: an optional field can be left out."""
    if "anyOf" not in node:
        return node
    choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
    if len(choices) != 1:
        raise ValueError(f"a structural schema cannot express the union {node['anyOf']}")
    beside = {key: value for key, value in node.items() if key != "anyOf"}
    if beside.get("default", ...) is None:
        del beside["default"]
    merged: Schema = choices[0] | beside
    return merged


def _convert_map(
    result: Schema, node: Schema, definitions: dict[str, Schema], *, in_list: bool
) -> None:
    if result.get("x-kubernetes-preserve-unknown-fields"):
        return
    for keyword in ("propertyNames", "patternProperties"):
        result.pop(keyword, None)
    # If names have a pattern, the schema of the values is under it. A CRD cannot restrict names,
    # but without the values' schema the API server would drop all entries.
    by_pattern = node.get("patternProperties", {}).values()
    values = next(iter(by_pattern), node.get("additionalProperties"))
    if isinstance(values, dict):
        result["additionalProperties"] = _convert(values, definitions, in_list=in_list)
    result.setdefault("maxProperties", _DEFAULT_MAX_ITEMS)


@cache
def crd(kind: Kind) -> dict[str, Any]:
    """The CustomResourceDefinition of a kind, which callers leave as it is."""
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
        "x-kubernetes-validations": list(resource.rules),
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(resource.kind.spec),
            "status": structural_schema(resource.kind.status) | _NOT_OBSERVED,
        },
    }


def _printer_columns(resource: _Resource) -> list[dict[str, Any]]:
    shown = [column for column in resource.columns if not column.wide]
    age = _Column("Age", ".metadata.creationTimestamp", type="date")
    return [
        *map(_printer_column, (*shown, age)),
        *(_printer_column(column) | {"priority": 1} for column in resource.columns if column.wide),
    ]


def _printer_column(column: _Column) -> dict[str, Any]:
    return {"name": column.name, "type": column.type, "jsonPath": column.path}


@cache
def crd_files() -> dict[str, str]:
    """The contents of ``crds/`` by file name."""
    header = "# Generated by `make crds` from operator/krobench/api: do not edit.\n"
    crds = [crd(kind) for kind in KINDS]
    return {f"{item['metadata']['name']}.yaml": header + dump(item) for item in crds}
