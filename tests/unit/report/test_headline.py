from unit.records import some_test

from krobench.figures.precision import Headline, Stop
from krobench.record.test import TestRecord
from krobench.report.headline import headline_line


def record(headline: Headline | None, stop: Stop | None = None) -> TestRecord:
    return some_test(headline=headline, stop=stop)


def test_the_interval_and_the_stop_are_told() -> None:
    figure = Headline(
        iterations=4, mean_seconds=1.0, low_seconds=0.97, high_seconds=1.03, half_width_ratio=0.03
    )
    stop = Stop(reason="PrecisionReached", message="±3.0% after 4 iterations, 5% asked for")
    assert headline_line(record(figure, stop)) == (
        "Median time until an instance was ready: 1 s, 95% interval 970 ms to 1.03 s, "
        "±3.0% (4 iterations). PrecisionReached: ±3.0% after 4 iterations, 5% asked for."
    )


def test_a_single_iteration_says_so() -> None:
    text = headline_line(record(Headline(iterations=1, mean_seconds=1.0)))
    assert "says nothing" in text
    assert headline_line(record(None)) == ""
