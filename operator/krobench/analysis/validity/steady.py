"""Tests that went on changing: their figures hang on when one stopped."""

from collections.abc import Sequence

from krobench.analysis.precision import headline_values
from krobench.analysis.statistics.steadystate import (
    MIN_ITERATIONS,
    MIN_REQUESTS,
    Steadiness,
    of_iterations,
    of_latencies,
)
from krobench.api.common import ErrorInfo
from krobench.api.notation import units
from krobench.api.specs.suite.load import Arrival
from krobench.api.specs.validity import Cause
from krobench.figures.steady_state import SteadyState
from krobench.record.iteration import IterationRecord
from krobench.record.lines import ObjectRecord
from krobench.record.test import TestRecord

# A burst or a ramp is not meant to be steady; a closed loop has no rate to be too high.
_STEADY_ARRIVALS = frozenset({Arrival.CONSTANT, Arrival.POISSON})


def steady_state_of_test(iterations: Sequence[IterationRecord]) -> SteadyState:
    """Judge the medians of a test's measured iterations."""
    values = headline_values(iterations)
    whole = len(values) == sum(not record.warmup for record in iterations)
    found = of_iterations(values) if whole else None
    if found is None:
        why = f"it takes {MIN_ITERATIONS}" if whole else "as some have no median"
        return SteadyState(
            observations=len(values),
            message=f"cannot be told from {units.counted(len(values), 'iteration')}, {why}",
        )
    return _judged(len(values), found, "iterations")


def steady_state_of_load(arrival: Arrival, lines: Sequence[ObjectRecord]) -> SteadyState | None:
    """Judge the latencies of an iteration's creations in the order in which they were due; None
    where the load is not meant to be steady."""
    if arrival not in _STEADY_ARRIVALS:
        return None
    created = sorted(
        (line for line in lines if line.operation == "create-instance" and not line.phase),
        key=lambda line: line.start_seconds,
    )
    values = [
        line.ready_seconds - line.start_seconds
        for line in created
        if line.ready_seconds is not None
    ]
    found = of_latencies(values)
    if found is None:
        return SteadyState(
            observations=len(values),
            message=f"cannot be told from {units.counted(len(values), 'instance')}, "
            f"it takes {MIN_REQUESTS}",
        )
    return _judged(len(values), found, "instances")


def unsteady_iteration(record: IterationRecord) -> list[ErrorInfo]:
    """Return whether the latencies of an iteration went on changing."""
    state = record.steady_state
    if state is None or state.steady is not False:
        return []
    return [
        Cause.NO_STEADY_STATE.of(
            f"{state.message}: ask for a lower rate, or for a longer load if it is to settle"
        )
    ]


def unsteady_test(test: TestRecord) -> list[ErrorInfo]:
    """Return whether a test's iterations went on changing."""
    state = test.steady_state
    if state is None or state.steady is not False:
        return []
    return [Cause.NO_STEADY_STATE.of(f"{state.message}: something fills up or slows down")]


def _judged(observations: int, found: Steadiness, unit: str) -> SteadyState:
    if not found.steady:
        message = (
            f"the times until ready go on changing over {observations} {unit}: the median of the "
            f"second half is {found.halves_ratio:.2f} times that of the first"
        )
    else:
        message = f"steady after {found.cut} of {observations} {unit}"
    return SteadyState(
        observations=observations, cut=found.cut, steady=found.steady, message=message
    )
