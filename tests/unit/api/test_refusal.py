from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from krobench.api.refusal import refusals
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.scaletest import KroScaleTestSpec

WORKLOAD = {"scenario": "single", "instances": 5}
TEST = {"name": "a", "workload": WORKLOAD}
SCALE = {
    "workload": WORKLOAD,
    "axis": "instances",
    "sizes": {"from": 5, "to": 50},
    "slo": ["errors.total == 0"],
}


def refused(model: type[BaseModel], spec: Any) -> list[str]:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(spec)
    return refusals(raised.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"sizes": {"values": [9, 3]}},
            "spec.sizes.values: must be in ascending order, without repetitions",
        ),
        ({"sizes": {"from": 0, "to": 5}}, "spec.sizes.from: must be greater than or equal to 0.01"),
        ({"sizes": 5}, "spec.sizes: must be an object"),
        ({"steeps": {}}, "spec.steeps: unknown field"),
        ({"slo": []}, "spec.slo: must have at least 1 item, not 0"),
        ({"axis": "concurrency"}, "spec.workload: must be set"),
    ],
)
def test_a_refusal_names_the_field_and_says_what_it_must_be(
    change: dict[str, Any], sentence: str
) -> None:
    spec = {
        k: v for k, v in SCALE.items() if (k, change.get("axis")) != ("workload", "concurrency")
    }
    assert refused(KroScaleTestSpec, spec | change) == [sentence]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tests": [TEST, TEST]}, "spec.tests: the name 'a' is used more than once"),
        (
            {"tests": [TEST, TEST | {"name": "b", "minus": "c"}]},
            "spec.tests[1].minus: must name another test of this benchmark",
        ),
        (
            {"tests": [TEST | {"load": {"shards": 5}}], "defaults": {"concurrency": 2}},
            "spec.tests[0].load.shards: must not exceed defaults.concurrency",
        ),
        (
            {"tests": [TEST | {"iterations": 2}], "defaults": {"precision": {"target": "5%"}}},
            "spec.tests[0].iterations: must be at least 3 with precision",
        ),
        (
            {"tests": [{"name": "a", "workload": {"scenario": "single", "rgd": {}}}]},
            "spec.tests[0].workload.rgd: set exactly one of inline and configMapKeyRef",
        ),
        (
            {"variants": [{"name": "v"}] * 2},
            "spec.variants: the name 'v' is used more than once",
        ),
    ],
)
def test_a_rule_over_several_fields_names_the_one_to_change(
    change: dict[str, Any], sentence: str
) -> None:
    assert sentence in refused(KroBenchmarkSpec, {"tests": [TEST]} | change)


def test_everything_that_is_wrong_is_said() -> None:
    wrong = SCALE | {"axis": "pods", "slo": []}
    axis, slo = refused(KroScaleTestSpec, wrong)
    assert axis.startswith("spec.axis: must be 'instances', ")
    assert slo.startswith("spec.slo: ")


def test_a_spec_that_is_none_is_refused_as_a_whole() -> None:
    assert refused(KroScaleTestSpec, None) == ["spec: must be an object"]
