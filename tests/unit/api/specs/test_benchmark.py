from typing import Any

import pytest
from pydantic import ValidationError

from krobench.api.specs.benchmark import KroBenchmarkSpec

WORKLOAD = {"scenario": "single", "instances": 10}


def spec(**test: Any) -> dict[str, Any]:
    return {"tests": [{"name": "a", "workload": WORKLOAD} | test]}


def test_a_spec_of_one_test_has_sensible_defaults() -> None:
    parsed = KroBenchmarkSpec.model_validate(spec())
    assert parsed.defaults.iterations == 3
    assert parsed.target.namespace == "kro-system"
    assert parsed.cleanup == "Always"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"workload": {"scenario": "nope", "instances": 1}}, "'single', 'chain', 'wide'"),
        ({"workload": {"scenario": "single", "instances": 0}}, "greater than or equal to 1"),
        ({"workload": {"instances": 1}}, "exactly one of scenario, rgd, generator and cel"),
        (
            {"workload": {"scenario": "single", "instances": 1, "rgds": 2}},
            "rgds must not exceed instances",
        ),
        ({"timeout": "25h"}, "between 1s and 24h"),
        ({"timeout": "soon"}, "should match pattern"),
        ({"name": "Not_A_Label"}, "should match pattern"),
        ({"unknown": 1}, "Extra inputs are not permitted"),
        ({"precision": {"target": "0%"}}, "should match pattern"),
        ({"precision": {"target": "5"}}, "should match pattern"),
        ({"precision": {}, "iterations": 2}, "iterations of at least 3"),
        ({"precision": {"maxIterations": 4}, "iterations": 5}, "must not be below iterations"),
    ],
)
def test_what_is_wrong_is_refused_in_words(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        KroBenchmarkSpec.model_validate(spec(**change))


def test_two_tests_of_one_name_are_refused() -> None:
    test = {"name": "same", "workload": WORKLOAD}
    with pytest.raises(ValidationError, match="'same' is used more than once"):
        KroBenchmarkSpec.model_validate({"tests": [test, test]})


def test_variants_of_nothing_but_expressions_are_refused_as_these_are_not_compared() -> None:
    variants = [{"name": "plain"}, {"name": "other"}]
    expressions = {"name": "e", "workload": {"cel": {}}}
    with pytest.raises(ValidationError, match="variants need a test whose workload is not cel"):
        KroBenchmarkSpec.model_validate({"tests": [expressions], "variants": variants})
    assert KroBenchmarkSpec.model_validate({"tests": [expressions]})
    beside_another = [expressions, *spec()["tests"]]
    assert KroBenchmarkSpec.model_validate({"tests": beside_another, "variants": variants})


def test_a_precision_and_the_iterations_it_goes_with_may_stand_apart() -> None:
    defaults = {"precision": {"target": "2.5%", "maxIterations": 4}}
    assert KroBenchmarkSpec.model_validate(spec() | {"defaults": defaults})
    with pytest.raises(ValidationError, match="must not be below iterations"):
        KroBenchmarkSpec.model_validate(spec(iterations=6) | {"defaults": defaults})


@pytest.mark.parametrize(
    ("collect", "message"),
    [
        ({"profiles": ["goroutine"]}, "'cpu' or 'heap'"),
        ({"profiles": ["cpu", "cpu"]}, "must not name one twice"),
        ({"profileWindow": "6m"}, "between 1s and 5m"),
    ],
)
def test_profiles_that_cannot_be_taken_are_refused(collect: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        KroBenchmarkSpec.model_validate(spec() | {"collect": collect})
