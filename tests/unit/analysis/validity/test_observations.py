from unit.records import some_summary, some_test

from krobench.analysis.validity.observations import too_few_samples
from krobench.figures.measures import Latencies, LatencySummary
from krobench.record.test import TestRecord, ThresholdResult

P99 = "latency.instanceReady.p99"


def record(n: int, censored: int, **values: float | None) -> TestRecord:
    summary = some_summary(latency=Latencies(instance_ready=LatencySummary(n=n, censored=censored)))
    return some_test(
        instances=n,
        summary=summary,
        thresholds=[ThresholdResult(expression="…", passed=None, values=dict(values))],
    )


def test_a_percentile_that_few_observations_do_not_have_is_told_with_what_it_takes() -> None:
    [cause] = too_few_samples(record(30, 0, **{P99: None}))
    assert cause.reason == "TooFewSamples"
    assert f"{P99}, which needs 100 observations, and there are 30" in cause.message


def test_one_that_falls_among_objects_that_never_became_ready_is_kro_s_fault() -> None:
    assert too_few_samples(record(70, 30, **{P99: None})) == []


def test_other_numbers_that_are_not_available_are_no_matter_of_samples() -> None:
    assert too_few_samples(record(5, 0, **{"cpu.kroSeconds": None})) == []
    assert too_few_samples(record(5, 0, **{"latency.rgdReady.p99": None})) == []
    assert too_few_samples(record(5, 0, **{"latency.instanceReady.p90": 1.0})) == []
