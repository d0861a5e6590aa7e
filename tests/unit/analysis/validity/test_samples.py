import math
from collections.abc import Iterable

from unit.records import some_summary, some_test

from krobench.analysis.validity.samples import (
    api_server_restarts,
    counters_backwards,
    samples_missing,
    too_few_samples,
)
from krobench.figures.environment import Replacement
from krobench.figures.rawdata import Sample, SourceName
from krobench.figures.summaries import Latencies, LatencySummary
from krobench.findings.validity import (
    AnyCause,
    APIServerRestarted,
    CounterFell,
    SamplesMissing,
    TooFewSamples,
)
from krobench.record.test import TestRecord, ThresholdResult

EPOCH = 1_000_000.0
P99 = "latency.instanceReady.p99"


def samples(
    source: SourceName, metric: str, values: Iterable[float], start: float = 0.0
) -> list[Sample]:
    return [
        Sample(seconds=start + second, source=source, metric=metric, value=value)
        for second, value in enumerate(values)
    ]


def missing(taken: list[Sample], interval: float = 1.0) -> list[AnyCause]:
    return samples_missing(taken, {"kro": interval}, 0.0, 20.0)


def test_half_of_the_due_samples_are_enough() -> None:
    assert missing(samples("kro", "x_total", range(21))) == []
    assert missing(samples("kro", "x_total", range(10))) == []


def test_fewer_than_half_are_a_cause() -> None:
    [cause] = missing(samples("kro", "x_total", range(9)))
    assert cause == SamplesMissing(source="kro", taken=9, due=20, seconds=20.0, least_ratio=0.5)
    assert cause.reason == "SamplesMissing"


def test_no_sample_of_kro_is_due_while_it_is_replaced() -> None:
    taken = samples("kro", "x_total", range(6))
    restart = Replacement(6.0, 19.0, frozenset())
    assert samples_missing(taken, {"kro": 1.0}, 0.0, 20.0)
    endless = Replacement(6.0, math.inf, frozenset())
    for each in (restart, endless):
        assert samples_missing(taken, {"kro": 1.0}, 0.0, 20.0, [each]) == []


def test_a_source_without_samples_is_unavailable_and_not_a_cause() -> None:
    assert missing([]) == []


def test_at_most_one_sample_a_second_is_due_and_few_due_prove_nothing() -> None:
    assert missing(samples("kro", "x_total", range(12)), interval=0.2) == []
    assert missing(samples("kro", "x_total", [1.0]), interval=5.0) == []


def test_a_counter_of_kro_that_fell_is_a_cause_with_its_values() -> None:
    fell = samples("kro", "process_cpu_seconds_total", [10.0, 12.0, 0.5])
    also = samples("kro", "y_count", [3.0, 1.0, 1.0])
    [cause] = counters_backwards([*fell, *also])
    assert cause.reason == "CountersWentBackwards"
    assert cause == CounterFell(
        metric="process_cpu_seconds_total",
        before=12.0,
        after=0.5,
        before_seconds=1.0,
        after_seconds=2.0,
        more=1,
    )


def test_gauges_may_fall_and_api_servers_may_take_turns() -> None:
    taken = [
        *samples("kro", "go_goroutines", [9.0, 3.0]),
        *samples("kro", "dynamic_controller_watch_count", [3.0, 2.0]),
        *samples("kro", 'dynamic_controller_instance_watch_count{gvr="a"}', [1.0, 0.0]),
        *samples("apiserver", "apiserver_request_total", [900.0, 20.0, 910.0]),
        *samples("apiserver", "process_start_time_seconds", [EPOCH - 500, EPOCH - 90, EPOCH - 500]),
    ]
    assert counters_backwards(taken) == []
    assert api_server_restarts(taken, EPOCH) == []


def test_an_api_server_that_started_between_two_samples_was_restarted() -> None:
    starts = [EPOCH - 500.0, EPOCH - 500.0, EPOCH + 1.5]
    [cause] = api_server_restarts(samples("apiserver", "process_start_time_seconds", starts), EPOCH)
    assert cause == APIServerRestarted(at_seconds=1.5)
    assert cause.reason == "CountersWentBackwards"


def test_a_start_soon_after_a_sample_seems_to_precede_it_by_up_to_a_second() -> None:
    # Samples are taken at 0, 1 and 2 s; the start was at 1.1 s, by a boot time rounded down.
    starts = [EPOCH - 500.0, EPOCH - 500.0, EPOCH + 0.2]
    [cause] = api_server_restarts(samples("apiserver", "process_start_time_seconds", starts), EPOCH)
    assert cause == APIServerRestarted(at_seconds=1.0)


def record(n: int, censored: int, **values: float | None) -> TestRecord:
    summary = some_summary(latency=Latencies(instance_ready=LatencySummary(n=n, censored=censored)))
    return some_test(
        instances=n,
        summary=summary,
        thresholds=[ThresholdResult(expression="…", passed=None, values=dict(values))],
    )


def test_a_percentile_of_too_few_observations_is_a_cause() -> None:
    [cause] = too_few_samples(record(30, 0, **{P99: None}))
    assert cause == TooFewSamples(figure=P99, needed=100, observations=30)
    assert cause.reason == "TooFewSamples"


def test_a_percentile_among_objects_that_never_became_ready_is_not_a_cause() -> None:
    assert too_few_samples(record(70, 30, **{P99: None})) == []


def test_other_missing_numbers_are_not_a_cause() -> None:
    assert too_few_samples(record(5, 0, **{"kro.cpu.seconds": None})) == []
    assert too_few_samples(record(5, 0, **{"latency.rgdReady.p99": None})) == []
    assert too_few_samples(record(5, 0, **{"latency.instanceReady.p90": 1.0})) == []
