from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from unit.records import some_iteration, some_line

from krobench.analysis.iterations import (
    Schedule,
    cloud_lateness,
    count_instances,
    lateness,
    measure_cloud,
    measure_generator,
    summarise_generators,
    summarise_test,
    throughput,
)
from krobench.api.specs.load import Load
from krobench.figures.latencies import latencies
from krobench.figures.rawdata import ObjectRecord
from krobench.figures.summaries import LoadGenerator
from krobench.findings.validity import (
    AnyCause,
    RateNotReached,
    RequestsNotSent,
    ResourcesNotReady,
    ResourcesReadyLate,
    SendLagTooLong,
)
from krobench.record.test import IterationRecord

LOAD = Load.model_validate({"arrival": "constant", "rate": 10})
LONG_AFTER = 1000.0


def line(intended: float, lag: float = 0.0, **changes: Any) -> ObjectRecord:
    record = some_line(
        name=f"n{intended}",
        intended_seconds=intended,
        sent_seconds=intended + lag,
        acknowledged_seconds=intended + lag + 0.01,
        ready_seconds=intended + lag + 0.5,
    )
    return replace(record, **changes)


def check(
    lags: Sequence[float], count: int | None = None, ended: float = LONG_AFTER
) -> tuple[LoadGenerator, list[AnyCause]]:
    times = [position / 10 for position in range(count or len(lags))]
    lines = [line(moment, lag) for moment, lag in zip(times, lags, strict=False)]
    schedule = Schedule(LOAD, times, ended, len(lines))
    generator = measure_generator(schedule, lines)
    return generator, lateness(generator, schedule)


def test_a_schedule_that_was_kept_is_valid_and_has_its_rate() -> None:
    generator, causes = check([0.001] * 100)
    assert causes == []
    assert generator.requested_per_second == pytest.approx(10)
    assert generator.achieved_per_second == pytest.approx(10)
    assert generator.send_lag_p99_seconds == pytest.approx(0.001)


def test_a_lag_within_the_bound_keeps_a_short_schedule() -> None:
    assert check([0.0, 0.049])[1] == []


def test_one_late_request_in_a_hundred_is_accepted_and_two_are_not() -> None:
    assert check([0.0] * 99 + [0.2])[1] == []
    late = SendLagTooLong(p99_seconds=0.2, allowed_seconds=0.05)
    assert late in check([0.0] * 98 + [0.2] * 2)[1]


def test_of_few_requests_none_may_be_late() -> None:
    generator, causes = check([0.0] * 24 + [0.06])
    assert generator.send_lag_p99_seconds == pytest.approx(0.06)
    assert len(causes) == 1


def test_a_few_requests_that_are_very_late_lower_the_rate() -> None:
    generator, causes = check([0.0] * 199 + [30.0])
    assert generator.send_lag_p99_seconds == 0
    assert generator.achieved_per_second == pytest.approx(199 / 49.85, rel=0.001)
    assert isinstance(causes[0], RateNotReached)
    assert causes[0].least_ratio == 0.98
    assert causes[0].requested_per_second == pytest.approx(10)


def test_requests_that_were_due_and_never_sent_are_missed() -> None:
    _, causes = check([0.0] * 90, count=100)
    assert causes[0] == RequestsNotSent(sent=90, due=100)


def test_what_was_not_due_when_the_iteration_ended_is_not_missed() -> None:
    generator, causes = check([0.0] * 50, count=100, ended=4.96)
    assert causes == []
    assert generator.achieved_per_second == pytest.approx(10)


def test_what_was_sent_just_before_the_end_counts() -> None:
    generator, causes = check([0.0] * 100, ended=9.91)
    assert causes == []
    assert generator.requested_per_second == generator.achieved_per_second
    assert generator.requested_per_second == pytest.approx(10)


def test_an_iteration_that_sent_nothing_has_no_lag() -> None:
    generator, causes = check([], count=100, ended=0.0)
    assert generator == LoadGenerator()
    assert causes == []


def test_a_single_burst_has_no_rate() -> None:
    schedule = Schedule(LOAD, [0.0] * 20, LONG_AFTER, sent=20)
    generator = measure_generator(schedule, [line(0.0, lag=0.01)] * 20)
    assert generator.requested_per_second is generator.achieved_per_second is None
    assert lateness(generator, schedule) == []


def test_iterations_are_summarised_by_median_rate_and_worst_lag() -> None:
    known = [
        LoadGenerator(achieved_per_second=rate, send_lag_max_seconds=lag)
        for rate, lag in ((9, 0.1), (10, 0.3), (7, 0.2))
    ]
    summary = summarise_generators([None, *known])
    assert summary is not None
    assert (summary.achieved_per_second, summary.send_lag_max_seconds) == (9, 0.3)
    assert summarise_generators([None]) is None


def test_latency_and_throughput_count_from_the_intended_time() -> None:
    lines = [line(0.0, lag=2.0), line(1.0, lag=2.0)]
    summary = latencies(lines).instance_ready
    assert summary is not None
    assert summary.p50_seconds == pytest.approx(2.5)
    assert throughput(lines) == pytest.approx(2 / 3.5, rel=0.001)


def test_late_and_refused_requests_are_counted_apart() -> None:
    refused = line(1.0, acknowledged_seconds=None, ready_seconds=None, retries=2, throttled=3)
    lines = [line(0.0), line(0.5, lag=0.1), refused]
    counts = count_instances(5, lines, max_send_lag_seconds=0.05)
    assert (counts.requested, counts.sent, counts.late) == (5, 3, 1)
    assert (counts.created, counts.failed) == (2, 1)
    assert (counts.retried, counts.throttled, counts.server_errors) == (2, 3, 0)


def created(sent: float, ready: float | None, acknowledged: bool = True) -> ObjectRecord:
    return some_line(
        name=f"i{sent}",
        sent_seconds=sent,
        acknowledged_seconds=sent + 0.01 if acknowledged else None,
        ready_seconds=ready,
    )


LINES = [created(0.0, 1.0), created(1.0, 3.0), created(2.0, None), created(3.0, None, False)]


def test_refused_and_unfinished_instances_are_counted_apart() -> None:
    counts = count_instances(5, LINES, max_send_lag_seconds=0.05)
    assert (counts.requested, counts.sent, counts.created) == (5, 4, 3)
    assert (counts.ready, counts.failed, counts.censored) == (2, 1, 1)


def test_latency_is_from_the_sending_and_counts_the_unfinished() -> None:
    ready = latencies(LINES).instance_ready
    assert ready is not None
    assert (ready.n, ready.censored, ready.p50_seconds) == (2, 1, 2.0)


def test_throughput_is_over_the_time_from_first_request_to_last_ready() -> None:
    assert throughput(LINES) == pytest.approx(2 / 3, abs=1e-4)
    assert throughput(LINES[:1]) is None


def iteration(index: int, warmup: bool, duration: float, success: bool = True) -> IterationRecord:
    return some_iteration(index=index, warmup=warmup, duration_seconds=duration, success=success)


def test_warm_up_is_left_out_of_a_summary() -> None:
    records = [iteration(0, True, 100.0), iteration(1, False, 2.0), iteration(2, False, 4.0)]
    summary = summarise_test(records, [])
    assert summary is not None
    assert (summary.iterations, summary.duration_seconds) == (2, 3.0)
    assert summarise_test(records[:1], []) is None


def test_an_iteration_that_failed_without_an_instance_is_an_error_too() -> None:
    summary = summarise_test([iteration(0, False, 1.0, success=False)], [])
    assert summary is not None
    assert summary.errors_total == 1


def test_late_simulation_is_judged_as_a_late_load() -> None:
    def late(lags: list[float]) -> list[AnyCause]:
        return cloud_lateness(measure_cloud(5.0, lags, len(lags), 0, None), 0.05)

    assert late([]) == []
    assert late([0.0] * 99 + [0.2]) == []
    assert late([0.0] * 98 + [0.2] * 2) == [
        ResourcesReadyLate(p99_seconds=0.2, allowed_seconds=0.05)
    ]
    refused = cloud_lateness(measure_cloud(5.0, [0.0], 0, 1, "no"), 0.05)
    assert refused == [ResourcesNotReady(failed=1, error="no")]
