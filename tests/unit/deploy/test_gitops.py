"""Argo CD and Flux see resources as they are in Git, whatever the API server fills in."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.deploy.rendering import EXAMPLES

from krobench.api.crd import crd
from krobench.api.kinds import RunKind

Schema = dict[str, Any]


def with_defaults(value: Any, schema: Schema) -> Any:
    """Return a value as an API server stores it: with the defaults of its schema."""
    if isinstance(value, list):
        return [with_defaults(item, schema["items"]) for item in value]
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for name, field in schema.get("properties", {}).items():
        if name not in filled and "default" in field:
            filled[name] = copy.deepcopy(field["default"])
        if name in filled:
            filled[name] = with_defaults(filled[name], field)
    return filled


def differences(wanted: Any, live: Any, path: str) -> Iterator[str]:
    """Yield what Argo CD's merge of a custom resource changes: objects may have more, lists not."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        for name, value in wanted.items():
            yield from differences(value, live.get(name), f"{path}.{name}")
    elif wanted != live:
        yield path


def defaults_in_lists(schema: Schema, path: str, *, in_list: bool = False) -> Iterator[str]:
    if in_list and "default" in schema:
        yield path
    for name, child in schema.get("properties", {}).items():
        yield from defaults_in_lists(child, f"{path}.{name}", in_list=in_list)
    if "items" in schema:
        yield from defaults_in_lists(schema["items"], f"{path}[]", in_list=True)
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield from defaults_in_lists(values, f"{path}{{}}", in_list=in_list)


def root(kind: RunKind) -> Schema:
    schema: Schema = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


@pytest.mark.parametrize("kind", RunKind)
def test_no_default_is_inside_of_a_list(kind: RunKind) -> None:
    assert not list(defaults_in_lists(root(kind), kind.value))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_in_sync_after_it_was_applied(path: Path) -> None:
    for resource in yaml.safe_load_all(path.read_text()):
        schema = root(RunKind(resource["kind"]))
        live = with_defaults(resource, schema)
        assert live["spec"]["collect"], "defaults were filled in"
        assert not list(differences(resource, live, ""))


def test_a_default_inside_of_a_list_would_be_a_difference() -> None:
    field = {"type": "integer", "default": 1}
    item = {"type": "object", "properties": {"n": field}}
    schema = {"properties": {"tests": {"items": item}}}
    applied = {"tests": [{"name": "a"}]}
    assert list(differences(applied, with_defaults(applied, schema), "")) == [".tests"]
