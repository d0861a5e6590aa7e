from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from krobench.api.crd import crd, crd_files
from krobench.api.kinds import KINDS, Kind, RunKind, ScheduleKind

ROOT = Path(__file__).parents[3]


def schemas(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if isinstance(node.get("type"), str):
            yield path, node
        for key, value in node.items():
            yield from schemas(value, f"{path}.{key}")


def root_schema(kind: Kind) -> dict[str, Any]:
    schema: dict[str, Any] = crd(kind)["spec"]["versions"][0]["schema"]
    root: dict[str, Any] = schema["openAPIV3Schema"]
    return root


@pytest.mark.parametrize("directory", ["crds", "helm/krobench/files/crds"])
def test_generated_crds_are_current(directory: str) -> None:
    for name, text in crd_files().items():
        path = ROOT / directory / name
        assert path.read_text() == text, f"{path} is stale: run `make crds`"


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_has_nothing_that_an_api_server_refuses(kind: Kind) -> None:
    for path, schema in schemas(root_schema(kind)):
        assert not {"$ref", "anyOf", "oneOf", "title", "const"} & schema.keys(), path
        # In the JSON Schema of CRDs, they say of a bound that it is exclusive.
        for bound in ("exclusiveMinimum", "exclusiveMaximum"):
            assert schema.get(bound, True) is True, path


@pytest.mark.parametrize("kind", KINDS)
def test_whole_numbers_do_not_get_past_a_bound_that_is_none(kind: Kind) -> None:
    # An API server compares them with the whole part of a bound: 0 with that of 0.01.
    for path, schema in schemas(root_schema(kind)):
        whole = schema.get("minimum", 0)
        assert whole == int(whole), path
        for beside in schema.get("allOf", []):
            assert schema["exclusiveMinimum"] is True, path
            assert whole < beside["minimum"] < whole + 1, path


@pytest.mark.parametrize("kind", KINDS)
def test_every_list_map_and_string_is_bounded(kind: Kind) -> None:
    for path, schema in schemas(root_schema(kind)["properties"]["spec"]):
        if schema["type"] == "array":
            assert "maxItems" in schema, path
        if schema["type"] == "string":
            assert {"maxLength", "enum"} & schema.keys(), path
        if schema["type"] == "object" and "additionalProperties" in schema:
            assert "maxProperties" in schema, path


@pytest.mark.parametrize("kind", KINDS)
def test_no_object_loses_all_that_is_in_it(kind: Kind) -> None:
    kept = {"properties", "additionalProperties", "x-kubernetes-preserve-unknown-fields"}
    for path, schema in schemas(root_schema(kind)["properties"]["spec"]):
        if schema["type"] == "object":
            assert kept & schema.keys(), path


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_the_spec_is_described(kind: Kind) -> None:
    spec = root_schema(kind)["properties"]["spec"]
    for path, schema in schemas(spec):
        for name, child in schema.get("properties", {}).items():
            assert child.get("description"), f"{path}.{name}"


def columns(kind: Kind, *, wide: bool) -> list[str]:
    shown = crd(kind)["spec"]["versions"][0]["additionalPrinterColumns"]
    return [column["name"] for column in shown if ("priority" in column) == wide]


def test_kubectl_get_shows_the_columns_that_were_promised() -> None:
    benchmark, scale_test = RunKind.BENCHMARK, RunKind.SCALE_TEST
    assert columns(benchmark, wide=False) == [
        "Phase",
        "Progress",
        "Tests",
        "p99",
        "Verdict",
        "Age",
    ]
    assert columns(benchmark, wide=True) == ["Compared"]
    assert columns(scale_test, wide=False) == [
        "Phase",
        "Size",
        "Limit",
        "Bottleneck",
        "Verdict",
        "Age",
    ]
    assert columns(scale_test, wide=True) == ["Next to try", "Compared"]
    assert columns(ScheduleKind.SCHEDULE, wide=False) == [
        "Schedule",
        "Suspend",
        "Active",
        "Last",
        "Next",
        "Verdict",
        "kro",
        "Age",
    ]
