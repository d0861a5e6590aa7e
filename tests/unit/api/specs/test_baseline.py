from typing import Any

import pytest
from pydantic import ValidationError

from krobench.analysis.comparison.settings import check_baseline
from krobench.api.specs.benchmark import KroBenchmarkSpec


def spec(baseline: dict[str, Any], retention: int | None = None) -> KroBenchmarkSpec:
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
        ({"previousRuns": 5}, None, "needs results.retention.runs of at least as many"),
        ({"previousRuns": 5}, 4, "needs results.retention.runs of at least as many"),
        ({"previousRuns": 1, "minimumEffect": "5"}, 1, "minimumEffect"),
        ({"previousRuns": 1, "allowDifferent": ["Weather"]}, 1, "allowDifferent"),
    ],
)
def test_what_contradicts_itself_is_refused(
    baseline: dict[str, Any], retention: int | None, words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        spec(baseline, retention)


def test_a_primary_metric_that_does_not_exist_is_found_before_the_run() -> None:
    assert check_baseline(spec({"previousRuns": 1, "primary": ["cpu.kroSeconds:Lower"]}, 1)) == []
    [error] = check_baseline(spec({"previousRuns": 1, "primary": ["latency.p99"]}, 1))
    assert error.reason == "InvalidBaseline"
    assert error.message.startswith("spec.baseline.primary: latency.p99 is no metric of a test")
    assert "latency.instanceReady.p99" in error.message
