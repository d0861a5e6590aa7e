import pytest
from unit.records import some_iteration, some_line

from krobench.analysis.iterations import count_instances, summarise_test, throughput
from krobench.analysis.latencies import latencies
from krobench.analysis.usage.measure import Phases, measure_usage
from krobench.analysis.usage.windows import Series
from krobench.model.iterationrecord import IterationRecord
from krobench.model.rawlines import ObjectRecord, Sample, SourceName


def created(sent: float, ready: float | None, acknowledged: bool = True) -> ObjectRecord:
    return some_line(
        name=f"i{sent}",
        sent_seconds=sent,
        acknowledged_seconds=sent + 0.01 if acknowledged else None,
        ready_seconds=ready,
    )


LINES = [created(0.0, 1.0), created(1.0, 3.0), created(2.0, None), created(3.0, None, False)]


def test_refused_and_unfinished_instances_are_told_apart() -> None:
    counts = count_instances(5, LINES, max_send_lag_seconds=0.05)
    assert (counts.requested, counts.sent, counts.created) == (5, 4, 3)
    assert (counts.ready, counts.failed, counts.censored) == (2, 1, 1)


def test_latency_is_from_the_sending_and_counts_the_unfinished() -> None:
    ready = latencies(LINES).instance_ready
    assert ready is not None
    assert (ready.n, ready.censored, ready.p50_seconds) == (2, 1, 2.0)


def test_throughput_is_over_the_time_from_first_request_to_last_ready() -> None:
    assert throughput(LINES).instances_per_second == pytest.approx(2 / 3, abs=1e-4)
    assert throughput(LINES[:1]).instances_per_second is None


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


def samples(metric: str, *values: float, source: SourceName = "kro") -> list[Sample]:
    return [
        Sample(seconds=float(t), source=source, metric=metric, value=value)
        for t, value in enumerate(values)
    ]


def test_usage_is_the_growth_over_the_run_phase() -> None:
    series = Series(
        samples("process_cpu_seconds_total", 1.0, 2.0, 5.0)
        + samples("process_start_time_seconds", 7.0, 7.0, 7.0)
        + samples("rest_client_requests_total", 10.0, 20.0, 120.0)
    )
    usage = measure_usage(series, Phases(0.0, 1.0, 2.0), ready=10)
    assert usage.cpu.kro_seconds == 3.0
    assert usage.api_requests.kro == 100.0
    assert usage.metrics["kro_api_requests_per_instance"] == 10.0
    assert not usage.kro_restarted


def test_what_was_not_sampled_is_absent_with_a_reason() -> None:
    usage = measure_usage(Series([]), Phases(0.0, 1.0, 2.0), ready=10)
    assert usage.cpu.kro_seconds is None
    assert usage.unavailable["cpu.kroSeconds"] == "nothing was sampled of kro"
    assert usage.memory.working_set_max_bytes is None


def test_a_restart_of_kro_gives_no_number_rather_than_a_wrong_one() -> None:
    series = Series(
        samples("process_cpu_seconds_total", 9.0, 9.5, 0.2)
        + samples("process_start_time_seconds", 7.0, 7.0, 99.0)
    )
    usage = measure_usage(series, Phases(0.0, 1.0, 2.0), ready=10)
    assert usage.kro_restarted
    assert usage.cpu.kro_seconds is None
    assert "restarted" in usage.unavailable["cpu.kroSeconds"]


def test_a_counter_without_series_beside_one_with_series_is_zero() -> None:
    series = Series(samples("instance_reconcile_total", 1.0, 2.0, 3.0))
    usage = measure_usage(series, Phases(0.0, 1.0, 2.0), ready=1)
    assert usage.metrics["kro_instance_reconcile_errors"] == 0.0
