from unit.records import some_iteration, some_summary, some_test

from krobench.figures.precision import Headline, Stop
from krobench.figures.summaries import Latencies, LatencySummary
from krobench.record.test import CloudRecord, TestRecord
from krobench.report.tests import headline_line, stop_line
from krobench.report.tests import test_section as section_of


def record(headline: Headline | None, stop: Stop | None = None) -> TestRecord:
    return some_test(headline=headline, stop=stop)


def test_the_headline_has_its_interval_and_its_stop() -> None:
    figure = Headline(
        iterations=4, mean_seconds=1.0, low_seconds=0.97, high_seconds=1.03, half_width_ratio=0.03
    )
    stop = Stop(reason="PrecisionReached", iterations=4, half_width_ratio=0.03, target_ratio=0.05)
    assert headline_line(record(figure, stop)) == (
        "Median time until ready: 1 s; 95 % interval 970 ms to 1.03 s, ±3 % (4 iterations). "
        "PrecisionReached: ±3 % after 4 iterations; the target is ±5 %."
    )


def test_too_few_iterations_have_no_interval() -> None:
    one = Headline(iterations=1, mean_seconds=1.0)
    assert headline_line(record(one)) == (
        "Median time until ready: 1 s; 1 iteration: too few for an interval."
    )
    two = Headline(
        iterations=2, mean_seconds=1.0, low_seconds=0.0, high_seconds=2.34, half_width_ratio=1.106
    )
    assert headline_line(record(two)) == (
        "Median time until ready: 1 s; 2 iterations: too few for an interval."
    )
    assert headline_line(record(None)) == ""


def test_the_most_iterations_are_a_stop_of_their_own() -> None:
    stop = Stop(reason="MaxIterations", iterations=20, half_width_ratio=0.123, target_ratio=0.05)
    assert stop_line(stop) == (
        "±12 % after 20 iterations, the most that are allowed; the target is ±5 %"
    )


def test_a_statistic_that_no_latency_has_is_left_out_with_the_reason() -> None:
    ready = LatencySummary(n=40, p50_seconds=1.0, p90_seconds=2.0, max_seconds=3.0)
    test = some_test(summary=some_summary(latency=Latencies(instance_ready=ready)))
    text = section_of(test)
    assert "| latency | n | p50 | p90 | max |" in text
    assert "p99 takes 100" in text


def test_the_share_of_a_simulated_cloud_is_named_with_its_worst_lag() -> None:
    lags = (0.01, 0.02)
    clouds = [CloudRecord(delay_seconds=15.0, writes=30, lag_max_seconds=lag) for lag in lags]
    test = some_test(workload="cloud", iterations=[some_iteration(cloud=each) for each in clouds])
    line = section_of(test).splitlines()[2]
    assert "15 s" in line
    assert "60 writes" in line
    assert "20 ms" in line
    assert "simulated" not in section_of(some_test())
