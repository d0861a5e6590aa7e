from collections.abc import Iterable

from krobench.analysis.validity.samples import (
    api_server_restarts,
    counters_backwards,
    samples_missing,
)
from krobench.record.lines import Sample, SourceName

EPOCH = 1_000_000.0


def samples(
    source: SourceName, metric: str, values: Iterable[float], start: float = 0.0
) -> list[Sample]:
    return [
        Sample(seconds=start + second, source=source, metric=metric, value=value)
        for second, value in enumerate(values)
    ]


def missing(taken: list[Sample], interval: float = 1.0) -> list[str]:
    return [c.message for c in samples_missing(taken, {"kro": interval}, 0.0, 20.0)]


def test_half_of_the_samples_that_were_due_are_enough() -> None:
    assert missing(samples("kro", "x_total", range(21))) == []
    assert missing(samples("kro", "x_total", range(10))) == []


def test_fewer_are_told_with_their_number() -> None:
    [message] = missing(samples("kro", "x_total", range(9)))
    assert "9 of 20 samples of kro came in 20.0s" in message


def test_a_source_that_gave_none_is_not_available_and_not_missing() -> None:
    assert missing([]) == []


def test_below_a_second_sampling_takes_its_own_time_and_few_due_say_nothing() -> None:
    assert missing(samples("kro", "x_total", range(12)), interval=0.2) == []
    assert missing(samples("kro", "x_total", [1.0]), interval=5.0) == []


def test_a_counter_of_kro_that_fell_is_told_with_its_values() -> None:
    fell = samples("kro", "process_cpu_seconds_total", [10.0, 12.0, 0.5])
    also = samples("kro", "y_count", [3.0, 1.0, 1.0])
    [cause] = counters_backwards([*fell, *also])
    assert cause.reason == "CountersWentBackwards"
    assert "process_cpu_seconds_total went from 12 to 0.5 between 1.0s and 2.0s" in cause.message
    assert "1 more" in cause.message


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


def test_an_api_server_that_began_between_two_samples_was_restarted() -> None:
    starts = [EPOCH - 500.0, EPOCH - 500.0, EPOCH + 1.5]
    [cause] = api_server_restarts(samples("apiserver", "process_start_time_seconds", starts), EPOCH)
    assert "started anew at about 1.5s" in cause.message
