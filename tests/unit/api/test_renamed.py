"""Fields that were renamed: the old name is refused by a message that names the new one."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from krobench.api.common import with_current_names
from krobench.api.crd import crd
from krobench.api.kinds import RunKind
from krobench.api.refusal import refusals
from krobench.api.specs.scaletest import KroScaleTestSpec

SCALE_TEST = {
    "axis": "instances",
    "sizes": {"from": 5, "to": 50},
    "slo": ["latency.instanceReady.max < 1.0"],
    "workload": {"scenario": "single"},
}
TEST = {"name": "a", "workload": {"scenario": "single"}}


@pytest.mark.parametrize(
    ("kind", "spec", "message"),
    [
        (
            RunKind.BENCHMARK,
            {"tests": [TEST | {"steps": [{"operation": "create"}]}]},
            "spec.tests[0].steps: steps was renamed: use phases",
        ),
        (
            RunKind.SCALE_TEST,
            {name: value for name, value in SCALE_TEST.items() if name != "sizes"}
            | {"steps": {"from": 5, "to": 50}},
            "spec.steps: steps was renamed: use sizes",
        ),
        (
            RunKind.SCALE_TEST,
            SCALE_TEST | {"repeats": 3},
            "spec.repeats: repeats was renamed: use iterations",
        ),
        (
            RunKind.SCALE_TEST,
            SCALE_TEST | {"sizes": {"values": [1], "hold": "1m"}},
            "spec.sizes.hold: hold was renamed: use soak",
        ),
        (
            RunKind.SCALE_TEST,
            SCALE_TEST | {"sizes": {"values": [1], "holdUntil": "Steady"}},
            "spec.sizes.holdUntil: holdUntil was renamed: use soakUntil",
        ),
        (
            RunKind.SCALE_TEST,
            SCALE_TEST | {"sizes": {"values": [1], "keep": True}},
            "spec.sizes.keep: keep was renamed: use cumulative",
        ),
    ],
)
def test_an_old_name_is_refused_with_the_new_one(
    kind: RunKind, spec: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError) as error:
        kind.spec.model_validate(spec)
    assert refusals(error.value) == [message]


def renamed_in_crds() -> Iterator[tuple[str, dict[str, Any]]]:
    def walk(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, child in schema.get("properties", {}).items():
            if child.get("description", "").startswith("Renamed"):
                yield f"{path}.{name}", schema
            yield from walk(child, f"{path}.{name}")
        if "items" in schema:
            yield from walk(schema["items"], f"{path}[]")

    for kind in RunKind:
        version = crd(kind)["spec"]["versions"][0]
        yield from walk(version["schema"]["openAPIV3Schema"]["properties"]["spec"], "spec")


def test_the_crds_keep_old_names_to_refuse_them() -> None:
    assert {path for path, _ in renamed_in_crds()} == {
        "spec.tests[].steps",
        "spec.steps",
        "spec.repeats",
        "spec.sizes.hold",
        "spec.sizes.holdUntil",
        "spec.sizes.keep",
    }
    for path, schema in renamed_in_crds():
        name = path.rpartition(".")[2]
        [refusal] = [
            rule
            for rule in schema["x-kubernetes-validations"]
            if rule.get("fieldPath") == f".{name}"
        ]
        # One that was stored with the old name may keep it, or it could get no status.
        kept = f"oldSelf.hasValue() && has(oldSelf.value().{name})"
        assert refusal["rule"] == f"!has(self.{name}) || ({kept})"
        assert refusal["optionalOldSelf"] is True
        # An API server checks no rules of an object that lacks a required field.
        new = refusal["message"].rpartition(" ")[2]
        assert new in schema["properties"]
        assert new not in schema.get("required", [])


def test_a_stored_spec_of_an_older_version_is_read_by_todays_names() -> None:
    stored = SCALE_TEST | {"steps": {"values": [1], "hold": "1m", "keep": True}, "repeats": 2}
    del stored["sizes"]
    spec = KroScaleTestSpec.model_validate(with_current_names(KroScaleTestSpec, stored))
    assert (spec.iterations, spec.sizes.soak, spec.sizes.cumulative) == (2, "1m", True)
    benchmark = {"tests": [TEST | {"steps": [{"operation": "create"}]}], "unknown": 1}
    named = with_current_names(RunKind.BENCHMARK.spec, benchmark)
    assert named == {"tests": [TEST | {"phases": [{"operation": "create"}]}], "unknown": 1}
