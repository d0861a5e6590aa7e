from typing import Any

import pytest
from pydantic import ValidationError

from krobench.analysis.comparison.rules import check_baseline
from krobench.api.refusal import refusals
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.load import Load
from krobench.api.specs.scaletest import KroScaleTestSpec

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
            "rgds: must not exceed instances",
        ),
        ({"timeout": "25h"}, "between 1s and 24h"),
        ({"timeout": "soon"}, "should match pattern"),
        ({"name": "Not_A_Label"}, "should match pattern"),
        ({"unknown": 1}, "Extra inputs are not permitted"),
        ({"precision": {"target": "0%"}}, "should match pattern"),
        ({"precision": {"target": "5"}}, "should match pattern"),
        ({"precision": {}, "iterations": 2}, "must be at least 3 with precision"),
        ({"precision": {"maxIterations": 4}, "iterations": 5}, "must not be above precision.max"),
    ],
)
def test_what_is_wrong_is_refused_in_words(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        KroBenchmarkSpec.model_validate(spec(**change))


def test_rgds_that_stay_are_refused_if_they_are_what_is_measured() -> None:
    kept = {"scenario": "single", "keepRgds": True}
    update = [{"operation": "create"}, {"operation": "update-rgd"}]
    refused: list[dict[str, Any]] = [
        {"workload": kept, "phases": update},
        {"workload": {"cel": {}, "keepRgds": True}},
    ]
    for test in refused:
        with pytest.raises(ValidationError) as raised:
            KroBenchmarkSpec.model_validate({"tests": [{"name": "a"} | test]})
        assert "workload.keepRgds: leave it out" in refusals(raised.value)[0]
    scale = {
        "axis": "instances",
        "sizes": {"values": [1, 2]},
        "slo": ["errors.total == 0"],
        "workload": kept,
    }
    with pytest.raises(ValidationError) as raised:
        KroScaleTestSpec.model_validate(scale)
    assert "workload.keepRgds: leave it out" in refusals(raised.value)[0]


def test_two_tests_of_one_name_are_refused() -> None:
    test = {"name": "same", "workload": WORKLOAD}
    with pytest.raises(ValidationError, match="'same' is used more than once"):
        KroBenchmarkSpec.model_validate({"tests": [test, test]})


def test_variants_of_nothing_but_expressions_are_refused_as_these_are_not_compared() -> None:
    variants = [{"name": "plain"}, {"name": "other"}]
    expressions = {"name": "e", "workload": {"cel": {}}}
    with pytest.raises(ValidationError, match=r"add a test without workload\.cel"):
        KroBenchmarkSpec.model_validate({"tests": [expressions], "variants": variants})
    assert KroBenchmarkSpec.model_validate({"tests": [expressions]})
    beside_another = [expressions, *spec()["tests"]]
    assert KroBenchmarkSpec.model_validate({"tests": beside_another, "variants": variants})


def test_precision_and_iterations_may_come_from_the_test_and_the_defaults() -> None:
    defaults = {"precision": {"target": "2.5%", "maxIterations": 4}}
    assert KroBenchmarkSpec.model_validate(spec() | {"defaults": defaults})
    with pytest.raises(ValidationError, match=r"must not be above precision\.maxIterations"):
        KroBenchmarkSpec.model_validate(spec(iterations=6) | {"defaults": defaults})


@pytest.mark.parametrize(
    ("collect", "message"),
    [
        ({"profiles": ["goroutine"]}, "'cpu' or 'heap'"),
        ({"profiles": ["cpu", "cpu"]}, "'cpu' is listed more than once"),
        ({"profileWindow": "6m"}, "between 1s and 5m"),
    ],
)
def test_profiles_that_cannot_be_taken_are_refused(collect: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        KroBenchmarkSpec.model_validate(spec() | {"collect": collect})


BURST = {"size": 5, "interval": "1s"}
RAMP = {"arrival": "ramp", "rate": 1, "toRate": 10, "rampDuration": "1m"}


@pytest.mark.parametrize(
    "load",
    [
        {},
        {"arrival": "constant", "rate": 0.5},
        {"arrival": "poisson", "rate": 10, "seed": 7},
        {"arrival": "burst", "burst": BURST},
        RAMP,
    ],
)
def test_each_arrival_is_taken_with_what_it_needs(load: dict[str, Any]) -> None:
    assert Load.model_validate(load).max_send_lag_seconds == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        ({"arrival": "constant"}, "set rate with arrival"),
        ({"rate": 5}, "set rate with arrival"),
        ({"arrival": "constant", "rate": 0}, "greater than or equal to 0.01"),
        ({"arrival": "constant", "rate": 1, "toRate": 2}, "toRate and rampDuration"),
        (RAMP | {"rampDuration": None}, "toRate and rampDuration"),
        (RAMP | {"rampDuration": "48h"}, "between 1ms and 24h"),
        ({"arrival": "burst"}, "set burst with arrival"),
        ({"arrival": "burst", "burst": BURST | {"interval": "0s"}}, "between 1ms and 24h"),
        ({"burst": BURST}, "set burst with arrival"),
        ({"maxSendLag": "2m"}, "between 1ms and 1m"),
        ({"arrival": "sometimes"}, "'closed', 'constant'"),
    ],
)
def test_a_load_that_contradicts_itself_is_refused(load: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Load.model_validate(load)


def test_concurrency_is_for_the_closed_loop_only() -> None:
    workload = {"scenario": "single", "instances": 1}
    test = {"name": "a", "workload": workload, "concurrency": 3}
    KroBenchmarkSpec.model_validate({"tests": [test]})
    with pytest.raises(ValidationError, match=r"set concurrency only with load\.arrival closed"):
        KroBenchmarkSpec.model_validate(
            {"tests": [test | {"load": {"arrival": "constant", "rate": 1}}]}
        )


def with_baseline(baseline: dict[str, Any], retention: int | None = None) -> KroBenchmarkSpec:
    tests = [{"name": "a", "workload": {"scenario": "single", "instances": 1}}]
    results = {"retention": {"runs": retention}} if retention else {}
    return KroBenchmarkSpec.model_validate(
        {"tests": tests, "baseline": baseline, "results": results}
    )


@pytest.mark.parametrize(
    ("baseline", "retention", "words"),
    [
        ({}, None, "set exactly one of configMapRef and previousRuns"),
        ({"configMapRef": {"name": "x"}, "previousRuns": 2}, 2, "set exactly one of"),
        ({"previousRuns": 5}, None, "set results.retention.runs to at least as many"),
        ({"previousRuns": 5}, 4, "set results.retention.runs to at least as many"),
        ({"previousRuns": 1, "minimumEffect": "5"}, 1, "minimumEffect"),
        ({"previousRuns": 19, "failWhenWorse": True}, 19, "must be at least 20 with failWhenWorse"),
        ({"configMapRef": {"name": "x"}, "since": "2026-11-29T00:00:00Z"}, 1, "only with previous"),
        ({"previousRuns": 1, "since": "yesterday"}, 1, "since"),
        ({"previousRuns": 1, "allowDifferent": ["Weather"]}, 1, "allowDifferent"),
    ],
)
def test_a_baseline_that_contradicts_itself_is_refused(
    baseline: dict[str, Any], retention: int | None, words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        with_baseline(baseline, retention)


def test_a_primary_metric_that_does_not_exist_is_found_before_the_run() -> None:
    assert (
        check_baseline(with_baseline({"previousRuns": 1, "primary": ["kro.cpu.seconds:Lower"]}, 1))
        == []
    )
    [error] = check_baseline(with_baseline({"previousRuns": 1, "primary": ["latency.p99"]}, 1))
    assert error.reason == "InvalidBaseline"
    assert error.message.startswith("spec.baseline.primary: latency.p99 is not a metric of a test")
    assert "latency.instanceReady.p99" in error.message
    old = with_baseline({"previousRuns": 1, "primary": ["memory.residentMaxBytes"]}, 1)
    [error] = check_baseline(old)
    assert "is now called kro.memory.residentBytes.max: use that name" in error.message


UPGRADED = [{"operation": "create"}, {"operation": "upgrade", "image": "kro:2"}]
RESTARTED = {
    "name": "a",
    "workload": {"scenario": "single"},
    "phases": [{"operation": "create"}, {"operation": "restart"}],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phases": [{"operation": "restart"}]}, "the first phase must have operation create"),
        ({"phases": [{"operation": "create"}, {"operation": "restart", "count": 2}]}, "leave out"),
        ({"target": {"managed": True}}, r"tests\[0\]\.phases"),
        ({"phases": [{"operation": "create"}, {"operation": "upgrade"}]}, "set image"),
        ({"phases": [{"operation": "create", "image": "kro:2"}]}, "set image"),
        ({"phases": UPGRADED, "target": {}}, "leave out target"),
    ],
)
def test_a_replacement_of_kro_may_be_refused(change: dict[str, Any], message: str) -> None:
    KroBenchmarkSpec.model_validate({"tests": [RESTARTED]})
    with pytest.raises(ValidationError, match=message):
        KroBenchmarkSpec.model_validate({"tests": [RESTARTED | change]})


def test_kro_is_not_profiled_across_a_restart() -> None:
    with pytest.raises(ValidationError, match=r"collect\.profiles"):
        KroBenchmarkSpec.model_validate({"tests": [RESTARTED], "collect": {"profiles": ["cpu"]}})


def test_an_upgrade_is_not_one_of_a_variant() -> None:
    tests = [RESTARTED | {"phases": UPGRADED}]
    KroBenchmarkSpec.model_validate({"tests": tests})
    with pytest.raises(ValidationError, match="leave out target of the test and variants"):
        KroBenchmarkSpec.model_validate(
            {"tests": tests, "variants": [{"name": "a"}, {"name": "b"}]}
        )
