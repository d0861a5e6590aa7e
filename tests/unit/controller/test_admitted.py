"""Whatever an API server admits is read, or refused by the name of its field, and quickly."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from thoroughness import at_least
from unit.admitted import changed_examples, specs

from krobench.analysis import thresholds
from krobench.api.kinds import RunKind
from krobench.controller.limits import longest_seconds
from krobench.controller.runs import may_change_kro, parse_run, shards_of
from krobench.workload import arrivals, phases

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

BENCHMARK, SCALE_TEST = RunKind.BENCHMARK, RunKind.SCALE_TEST
REASONS = {"InvalidSpec", "InvalidThreshold", "UnknownMetric", "TooManyObjects", "TooFewSamples"}
REASONS |= {"InvalidBaseline", "LimitExceeded"}


def resource(kind: RunKind, spec: Any) -> dict[str, Any]:
    metadata = {
        "name": "fuzzed",
        "namespace": "default",
        "uid": "00000000-0000-4000-8000-000000000000",
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"kind": kind.value, "metadata": metadata, "spec": spec}


def read(kind: RunKind, spec: Any) -> bool:
    """Read a resource as the operator does; return whether it is accepted."""
    run = parse_run(kind, resource(kind, spec))
    for error in run.errors:
        assert error.reason in REASONS, error
        assert error.message.startswith(("spec.", "spec: ", "test ")), error
        assert "cannot check it" not in error.message, error
    if run.spec is not None and not run.errors:
        assert longest_seconds(run.spec) > 0
        assert shards_of(run.spec) > 0
        may_change_kro(run.spec)
    return not run.errors


@pytest.fixture(autouse=True)
def only_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator plans no operation: there may be millions."""

    def planned(*_: Any) -> Any:
        raise AssertionError("operations were planned")

    monkeypatch.setattr(phases, "_Planner", planned)
    monkeypatch.setattr(arrivals, "_poisson", planned)


_FEW = 60
FUZZ = settings(
    max_examples=at_least(_FEW),
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("kind", RunKind)
def test_an_admitted_spec_is_read_or_refused_by_its_field(kind: RunKind) -> None:
    # A whole spec takes a quarter of a second to draw, and changes of the examples reach further.
    @settings(FUZZ, max_examples=at_least(40))
    @given(specs(kind))
    def each(spec: Any) -> None:
        read(kind, spec)

    each()


@pytest.mark.parametrize("kind", RunKind)
def test_an_example_with_other_values_is_read_or_refused_by_its_field(kind: RunKind) -> None:
    accepted = 0

    @settings(FUZZ)
    @given(changed_examples(kind))
    def each(spec: Any) -> None:
        nonlocal accepted
        accepted += read(kind, spec)

    each()
    assert accepted > at_least(_FEW) / 5, "too few specs reach what plans"


def repeated(threshold: str) -> dict[str, Any]:
    test = {"workload": {"scenario": "single"}, "thresholds": [threshold]}
    return {"tests": [test | {"name": f"t{index}"} for index in range(32)]}


LONG = "1<2" + "+1" * 250
PHASE = {"operation": "create", "count": 12_000}
MIX = {"operation": "mix", "count": 100_000, "mix": {"delete": 0}}
RAMP = {"arrival": "ramp", "rate": 0.01, "toRate": 0.01, "rampDuration": "24h"}
LOADED = {"name": "a", "workload": {"scenario": "single", "instances": 10_000}}
DEEP: Any = 1
for _ in range(900):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("kind", "spec", "words"),
    [
        (BENCHMARK, {"tests": [LOADED | {"phases": [PHASE] * 16}]}, "at once"),
        (BENCHMARK, {"tests": [LOADED | {"phases": [PHASE, *[MIX] * 15]}]}, "operations"),
        (BENCHMARK, {"tests": [LOADED | {"load": RAMP}]}, "spec.tests[0].timeout"),
        (BENCHMARK, {"tests": [LOADED | {"timeout": "9999999h"}]}, "timeout: must be between"),
        (BENCHMARK, {"tests": [LOADED | {"timeout": "9" * 23 + "h"}]}, "spec.tests[0].timeout"),
        (BENCHMARK, {"tests": [LOADED], "variants": [{"name": "x" * 70_000}] * 2}, "allowed"),
        (BENCHMARK, {"tests": [{"name": "a", "workload": {"values": DEEP}}]}, "too deeply"),
        (
            BENCHMARK,
            repeated("latency.instanceReady.max < 1.0 && [1].all(x, true)"),
            "x is not a metric",
        ),
        (SCALE_TEST, {"axis": "instances", "sizes": {"values": [1e5]}}, "spec."),
    ],
)
def test_what_is_too_much_is_refused_by_its_field(
    kind: RunKind, spec: dict[str, Any], words: str
) -> None:
    run = parse_run(kind, resource(kind, spec))
    assert words in run.errors[0].message
    assert len(run.errors[0].message) < 600


def test_many_long_thresholds_are_left_to_the_load_job(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_ = thresholds._compile

    def counting(expression: str) -> Any:
        compiled.append(expression)
        return compile_(expression)

    monkeypatch.setattr(thresholds, "_compile", counting)
    spec = repeated("")
    for index, test in enumerate(spec["tests"]):
        test["thresholds"] = [f"{index}{LONG}"]
    assert read(BENCHMARK, spec)
    assert compiled == []
