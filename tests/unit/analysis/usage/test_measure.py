from krobench.analysis.usage.measure import Phases, measure_usage
from krobench.figures.lines import Sample, SourceName
from krobench.figures.series import Series


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


def test_what_was_tried_for_instances_that_never_were_ready_is_no_cost_of_the_others() -> None:
    series = Series(samples("rest_client_requests_total", 10.0, 20.0, 120.0))
    usage = measure_usage(series, Phases(0.0, 1.0, 2.0), ready=1, missing=4)
    assert usage.api_requests.kro == 100.0
    assert usage.metrics["kro_api_requests_per_instance"] is None
    assert "4 of 5 instances" in usage.unavailable["kro_api_requests_per_instance"]


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
    assert usage.cpu.kro_seconds is None
    assert "restarted" in usage.unavailable["cpu.kroSeconds"]


def test_a_counter_without_series_beside_one_with_series_is_zero() -> None:
    series = Series(samples("instance_reconcile_total", 1.0, 2.0, 3.0))
    usage = measure_usage(series, Phases(0.0, 1.0, 2.0), ready=1)
    assert usage.metrics["kro_instance_reconcile_errors"] == 0.0
