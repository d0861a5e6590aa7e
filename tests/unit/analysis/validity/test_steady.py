from unit.analysis.records import iteration, iterations
from unit.analysis.statistics.test_steadystate import queue
from unit.records import some_line

from krobench.analysis.validity.steady import (
    steady_state_of_load,
    steady_state_of_test,
    unsteady_iteration,
)
from krobench.api.specs.suite.load import Arrival
from krobench.record.lines import ObjectRecord


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


def test_an_overload_is_told_with_how_the_halves_differ() -> None:
    state = steady_state_of_load(Arrival.POISSON, lines(queue(300, 1.5)))
    assert state is not None
    assert state.steady is False
    record = iteration(1.0)
    record.steady_state = state
    [cause] = unsteady_iteration(record)
    assert cause.reason == "NoSteadyState"
    assert "go on changing over 300 instances" in cause.message
    assert "times that of the first" in cause.message


def test_what_is_not_meant_to_be_steady_is_not_judged() -> None:
    overload = lines(queue(300, 1.5))
    assert steady_state_of_load(Arrival.BURST, overload) is None
    assert steady_state_of_load(Arrival.CLOSED, overload) is None
    assert unsteady_iteration(iteration(1.0)) == []


def test_what_few_cannot_tell_is_said_and_speaks_against_nothing() -> None:
    state = steady_state_of_load(Arrival.CONSTANT, lines([1.0] * 20))
    assert state is not None
    assert (state.steady, state.cut) == (None, None)
    assert "cannot be told from 20 instances, it takes 100" in state.message
    assert "it takes 12" in steady_state_of_test(iterations(1.0, 1.1)).message
    assert "no median" in steady_state_of_test(iterations(*[None, *[1.0] * 12])).message
