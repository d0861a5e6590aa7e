from unit.analysis.records import iteration, iterations
from unit.analysis.statistics.test_steadystate import queue
from unit.records import some_line

from krobench.analysis.validity.steady import (
    steady_state_of_load,
    steady_state_of_test,
    unsteady_iteration,
)
from krobench.api.specs.load import Arrival
from krobench.figures.rawdata import ObjectRecord
from krobench.findings.validity import LoadOutrunsKro, NotSteady


def lines(latencies: list[float]) -> list[ObjectRecord]:
    return [
        some_line(
            phase=0,
            name=f"i{index}",
            intended_seconds=float(index),
            sent_seconds=float(index),
            ready_seconds=index + latency,
        )
        for index, latency in enumerate(latencies)
    ]


def test_an_overload_is_not_steady() -> None:
    state = steady_state_of_load(Arrival.POISSON, lines(queue(300, 1.5)))
    assert state is not None
    assert state.steady is False
    record = iteration(1.0)
    record.steady_state = state
    [cause] = unsteady_iteration(record)
    assert cause.reason == "NoSteadyState"
    assert isinstance(cause, NotSteady)
    assert (cause.of, cause.observations) == ("instances", 300)
    assert cause.halves_ratio > 2


def test_a_load_that_kro_cannot_keep_up_with_is_found_if_the_first_wait_as_long_as_the_last() -> (
    None
):
    ready_seconds = [4.0 + 0.2 * index for index in range(100)]
    due_seconds = [0.04 * index for index in range(100)]
    late = [
        some_line(
            phase=0,
            name=f"i{due}",
            intended_seconds=due,
            sent_seconds=due,
            ready_seconds=ready,
        )
        for due, ready in zip(due_seconds, reversed(ready_seconds), strict=True)
    ]
    state = steady_state_of_load(Arrival.CONSTANT, late)
    assert state is not None
    assert state.steady is False
    record = iteration(1.0)
    record.steady_state = state
    [cause] = unsteady_iteration(record)
    assert isinstance(cause, LoadOutrunsKro)
    assert cause.reason == "NoSteadyState"
    assert (cause.observations, cause.outrun.waiting) == (100, 100)
    assert round(cause.outrun.ready_per_second, 3) == 5
    assert round(cause.outrun.due_per_second, 3) == 25


def test_loads_that_are_not_meant_to_be_steady_are_not_judged() -> None:
    overload = lines(queue(300, 1.5))
    assert steady_state_of_load(Arrival.BURST, overload) is None
    assert steady_state_of_load(Arrival.CLOSED, overload) is None
    assert unsteady_iteration(iteration(1.0)) == []


def test_too_few_observations_leave_it_undecided() -> None:
    state = steady_state_of_load(Arrival.CONSTANT, lines([1.0] * 20))
    assert state is not None
    assert (state.steady, state.cut) == (None, None)
    assert (state.of, state.observations, state.needed) == ("instances", 20, 100)
    assert steady_state_of_test(iterations(1.0, 1.1)).needed == 12
    assert steady_state_of_test(iterations(*[None, *[1.0] * 12])).gaps
