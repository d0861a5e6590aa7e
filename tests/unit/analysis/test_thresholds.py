import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.analysis.figurenames import known_names
from krobench.analysis.thresholds import bounds, check_thresholds, evaluate
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.figures.reasons.figures import AnyReason
from krobench.figures.reasons.load import NothingObserved, TooFewObservations
from krobench.figures.reasons.samples import NotExposed, NotSampled
from krobench.record.test import TestSummary
from krobench.report.words.evidence import measured
from krobench.report.words.reasons import reason_line


def spec(*thresholds: str) -> KroBenchmarkSpec:
    test = {
        "name": "a",
        "workload": {"scenario": "single", "instances": 1},
        "thresholds": list(thresholds),
    }
    return KroBenchmarkSpec.model_validate({"tests": [test]})


def summary() -> TestSummary:
    return TestSummary.model_validate(
        {
            "iterations": 3,
            "latency": {"instanceReady": {"n": 50, "p50Seconds": 0.5, "p99Seconds": None}},
            "figures": {
                "throughput.instancesPerSecond": 12.5,
                "kro.cpu.seconds": 1.5,
                "kro.memory.residentBytes.max": 50_000_000,
                "kro.requests.total": 700.0,
                "kro.cel.evaluations": 100.0,
            },
            "durationSeconds": 9.0,
            "errorsTotal": 0,
        }
    )


@pytest.mark.parametrize(
    ("expression", "passed"),
    [
        ("latency.instanceReady.p50 < 1.0 && errors.total == 0", True),
        ("latency.instanceReady.p50 < 0.1", False),
        ("kro.memory.residentBytes.max < 100 * 1024 * 1024", True),
        ("kro.cel.evaluations >= 100.0", True),
        ("throughput.instancesPerSecond > 20.0 || kro.requests.total < 1000.0", True),
        ("latency.instanceReady.p50 < 1", True),
        ("kro.memory.residentBytes.max < 900000000.0 && errors.total == 0.0", True),
        ("1 > latency.instanceReady.p50", True),
        # A share of two counts is no whole number, which would be 0 here.
        ("latency.instanceReady.n / 1000 > 0.0", True),
    ],
)
def test_a_threshold_is_decided_by_the_results(expression: str, passed: bool) -> None:
    assert check_thresholds(spec(expression)) == []
    assert evaluate(expression, summary()).passed is passed


def test_the_values_that_decided_are_kept() -> None:
    result = evaluate("latency.instanceReady.p50 < 0.1", summary())
    assert result.values == {"latency.instanceReady.p50": 0.5}


@pytest.mark.parametrize("expression", ["latency.instanceReady.p99 < 5.0", "kro.cpu.meanCores < 1"])
def test_a_number_that_is_not_available_leaves_the_threshold_undecided(expression: str) -> None:
    result = evaluate(expression, summary())
    assert result.passed is None
    assert [*result.missing] == [*result.values]


@pytest.mark.parametrize(
    ("expression", "reason", "words"),
    [
        ("latency.instnceReady.p99 < 1", "UnknownMetric", "latency has instanceActive"),
        ("p99 < 1", "UnknownMetric", "a threshold has apiServer"),
        ("errors.total == 0 || metrics.nope < 2", "UnknownMetric", "metrics.nope"),
        ("latency.instanceReady.p99 <", "InvalidThreshold", "is not valid CEL"),
        ("cpu.kroSeconds < 1", "UnknownMetric", "is now called kro.cpu.seconds: use that name"),
        ('metrics["kro_x"] < 1', "UnknownMetric", "metrics.kro_x is not a metric"),
        ("errors.total", "InvalidThreshold", "must evaluate to true or false"),
        ('errors.total < "x"', "InvalidThreshold", "an operator does not accept double and string"),
    ],
)
def test_a_bad_threshold_is_found_before_the_run(expression: str, reason: str, words: str) -> None:
    [error] = check_thresholds(spec("errors.total == 0", expression))
    assert error.reason == reason
    assert error.message.startswith("spec.tests[0].thresholds[1]: ")
    assert words in error.message


@pytest.mark.parametrize(
    "expression",
    [
        "foo()",
        "latency.instanceReady.p99.foo()",
        "[1].all(1, true)",
        r"'\U99999999' == ''",
        "int(0.0/0.0) == 0",
        "(" * 200 + "true" + ")" * 200,
        "!" * 500 + "true",
        "nonsense() > 1",
    ],
)
def test_any_error_of_celpy_is_an_invalid_threshold(expression: str) -> None:
    [error] = check_thresholds(spec(expression))
    assert error.reason == "InvalidThreshold"
    assert "activation" not in error.message


def test_what_a_prometheus_is_asked_for_can_be_used() -> None:
    parsed = spec("prometheus.etcd_bytes.max < 1.0")
    assert check_thresholds(parsed)[0].reason == "UnknownMetric"
    query = {"name": "etcd_bytes", "query": "etcd_bytes"}
    raw = parsed.model_dump(by_alias=True, exclude_none=True)
    raw["collect"] |= {"prometheus": {"url": "http://prometheus", "queries": [query]}}
    assert check_thresholds(KroBenchmarkSpec.model_validate(raw)) == []


@pytest.mark.parametrize("name", known_names())
def test_every_known_name_can_be_used(name: str) -> None:
    assert check_thresholds(spec(f"{name} >= 0")) == []
    assert check_thresholds(spec(f"{name} >= 0.0")) == []


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (
            "latency.instanceReady.p50 < 0.4",
            "latency.instanceReady.p50 is 500 ms, 100 ms (25 %) above the bound 400 ms",
        ),
        ("0.4 > latency.instanceReady.p50", "is 500 ms, 100 ms (25 %) above the bound 400 ms"),
        ("throughput.instancesPerSecond >= 25.0", "is 12.5/s, 12.5/s (50 %) below the bound 25/s"),
        ("latency.instanceReady.p50 < 0.001", "is 500 ms, 500 times the bound 1 ms"),
        ("errors.total < 0", "errors.total is 0, which is the bound 0"),
        ("latency.instanceReady.n == 0", "is 50, above the bound 0"),
        (
            "errors.total == 0 && kro.memory.residentBytes.max < 40 * 1000000",
            "residentBytes.max is 47.7 MiB, 9.54 MiB (25 %) above the bound 38.1 MiB",
        ),
    ],
)
def test_a_missed_threshold_says_by_how_much(expression: str, words: str) -> None:
    result = evaluate(expression, summary())
    assert result.passed is False
    assert words in measured(result)
    assert measured(result).count(" bound ") == 1


def test_what_holds_within_a_missed_threshold_has_no_margin() -> None:
    assert evaluate("!(errors.total == 0)", summary()).margins == []
    assert evaluate("errors.total == 0", summary()).margins == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("latency.instanceReady.p99", TooFewObservations(needed=100, had=50)),
        ("latency.instanceUpdated.p50", NothingObserved()),
        ("kro.memory.workingSetBytes.max", NotExposed(source="kubelet", metric="x")),
        ("etcd.databaseBytes.max", NotSampled(source="etcd")),
    ],
)
def test_an_undecided_threshold_says_why_its_metric_is_missing(
    name: str, reason: AnyReason
) -> None:
    reasons: dict[str, AnyReason] = {
        "kro.memory.workingSetBytes.max": NotExposed(source="kubelet", metric="x"),
        "etcd.databaseBytes": NotSampled(source="etcd"),
    }
    result = evaluate(f"{name} < 5.0", summary(), reasons)
    assert result.passed is None
    assert result.missing == {name: reason}
    assert f"{name} ({reason_line(reason)})" in measured(result)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("latency.instanceReady.p99 < 2.0", [("latency.instanceReady.p99", "<", 2.0)]),
        ("2.0 * 60.0 > duration.seconds", [("duration.seconds", "<", 120.0)]),
        (
            "(errors.total == 0) && metrics['kro_x'] >= 3.0",
            [("errors.total", "==", 0.0), ("metrics.kro_x", ">=", 3.0)],
        ),
        ("errors.total == 0 || duration.seconds < 2.0", []),
        ("duration.seconds + 1.0 < 2.0", []),
        ("!(duration.seconds > 2.0)", []),
        ("kro.cpu.seconds < duration.seconds", []),
        ("((", []),
    ],
)
def test_bounds_of_single_metrics(expression: str, expected: list[tuple[str, str, float]]) -> None:
    assert [(b.figure, b.operator, b.value) for b in bounds(expression)] == expected


@given(
    name=st.sampled_from(["latency.instanceReady.p50", "errors.total", "kro.cpu.seconds"]),
    operator=st.sampled_from(["<", "<=", ">", ">=", "=="]),
    number=st.one_of(st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9)),
    space=st.sampled_from(["", " "]),
)
def test_celpy_agrees_that_a_plain_comparison_is_valid(
    name: str, operator: str, number: float, space: str
) -> None:
    expression = f"{name}{space}{operator}{space}{number!r}"
    assert check_thresholds(spec(expression)) == []
    result = evaluate(expression, summary())
    assert result.error is None
    assert result.values.keys() == {name}


def test_macros_over_lists_are_refused_by_their_variables_for_nested_ones_take_for_ever() -> None:
    nested = "[1,2,3].all(errors, [1,2,3].all(y, latency.instanceReady.p50 < 1.0))"
    [error] = check_thresholds(spec(nested))
    assert error.reason == "UnknownMetric"
