import random

from hypothesis import given
from hypothesis import strategies as st

from krobench.analysis.statistics.steadystate import (
    MIN_ITERATIONS,
    MIN_REQUESTS,
    of_iterations,
    of_latencies,
    pace,
)


def noise(count: int, seed: int = 1) -> list[float]:
    return [random.Random(f"{seed}-{i}").gauss(1.0, 0.05) for i in range(count)]


def queue(count: int, load: float, seed: int = 1) -> list[float]:
    """Return the times in a system of one server and Poisson arrivals, one per second."""
    rng = random.Random(seed)
    now = free = 0.0
    times = []
    for _ in range(count):
        now += rng.expovariate(1.0)
        free = max(now, free) + load
        times.append(free - now)
    return times


def test_few_observations_decide_nothing() -> None:
    assert of_iterations(noise(MIN_ITERATIONS - 1)) is None
    assert of_latencies(noise(MIN_REQUESTS - 1)) is None


def test_cold_iterations_at_the_beginning_are_cut_and_no_others() -> None:
    cold = noise(15)
    cold[0], cold[1] = 3.0, 2.0
    found = of_iterations(cold)
    assert found is not None
    assert (found.cut, found.steady) == (2, True)


def test_chance_alone_is_rarely_taken_for_warm_up_and_never_for_a_trend() -> None:
    found = [of_iterations(noise(15, seed)) for seed in range(100)]
    assert sum(f is not None and f.cut > 0 for f in found) <= 6
    assert all(f is not None and f.steady for f in found)


def test_iterations_that_become_slower_all_along_have_no_steady_state() -> None:
    slower = [value * (1 + 0.1 * index) for index, value in enumerate(noise(20))]
    found = of_iterations(slower)
    assert found is not None
    assert not found.steady
    assert found.halves_ratio > 1.5


def test_a_queue_that_grows_has_no_steady_state_and_one_at_half_load_has() -> None:
    grows = [of_latencies(queue(200, 1.3, seed)) for seed in range(20)]
    calm = [of_latencies(queue(200, 0.5, seed)) for seed in range(20)]
    assert sum(f is not None and not f.steady for f in grows) >= 16
    assert all(f is not None and f.steady for f in calm)


@given(st.lists(st.floats(0.001, 100.0), min_size=MIN_ITERATIONS, max_size=60))
def test_never_more_than_half_is_cut_from_iterations(values: list[float]) -> None:
    found = of_iterations(values)
    assert found is not None
    assert 0 <= found.cut <= len(values) / 2


def answered(latencies: list[float], seed: int = 1) -> tuple[list[float], list[float]]:
    """Return when requests, one per second, are due and done, in no order."""
    done = [index + latency for index, latency in enumerate(latencies)]
    random.Random(seed).shuffle(done)
    return [float(index) for index in range(len(latencies))], done


def test_a_load_outruns_a_server_that_needs_three_times_as_long_whatever_the_order() -> None:
    for seed in range(20):
        due, done = answered(queue(200, 3.0, seed), seed)
        found = pace(due, done)
        assert found is not None
        assert found.outruns(200)
        assert found.done_per_second < 0.5 * found.due_per_second


def test_a_load_does_not_outrun_a_server_that_is_slow_but_keeps_up() -> None:
    calm = pace(*answered(queue(200, 0.9)))
    assert calm is not None
    assert not calm.outruns(200)
    far = pace(*answered([400.0] * 198 + [4000.0] * 2))
    assert far is not None
    assert far.waiting == 200
    assert not far.outruns(200)


def test_few_requests_or_all_at_once_have_no_pace() -> None:
    assert pace(*answered([1.0] * (MIN_REQUESTS - 1))) is None
    assert pace([1.0] * MIN_REQUESTS, [2.0] * MIN_REQUESTS) is None
    assert pace([float(i) for i in range(MIN_REQUESTS)], [1.0] * 5) is None
