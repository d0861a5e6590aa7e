import pytest
from unit.records import some_iteration, some_line

from krobench.analysis.iterations import count_instances, summarise_test, throughput
from krobench.figures.latencies import latencies
from krobench.figures.lines import ObjectRecord
from krobench.record.iteration import IterationRecord


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
