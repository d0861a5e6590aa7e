"""Tests whose figures keep changing: they depend on when the test stopped."""

from collections.abc import Sequence

from krobench.analysis.precision import headline_values
from krobench.analysis.statistics.steadystate import (
    MIN_ITERATIONS,
    MIN_REQUESTS,
    Steadiness,
    of_iterations,
    of_latencies,
    pace,
)
from krobench.api.specs.load import Arrival
from krobench.figures.precision import Observed, Outrun, SteadyState
from krobench.figures.rawdata import ObjectRecord
from krobench.findings.validity import AnyCause, LoadOutrunsKro, NotSteady
from krobench.record.test import IterationRecord, TestRecord

# A burst or a ramp is not meant to be steady; a closed loop has no rate to be too high.
_STEADY_ARRIVALS = frozenset({Arrival.CONSTANT, Arrival.POISSON})


def steady_state_of_test(iterations: Sequence[IterationRecord]) -> SteadyState:
    """Judge the medians of a test's measured iterations."""
    values = headline_values(iterations)
    if len(values) < sum(not record.warmup for record in iterations):
        return SteadyState(of="iterations", observations=len(values), gaps=True)
    return _judged("iterations", len(values), of_iterations(values), MIN_ITERATIONS)


def steady_state_of_load(arrival: Arrival, lines: Sequence[ObjectRecord]) -> SteadyState | None:
    """Judge an iteration's creations, in the order in which they were due: their latencies, and
    whether they became ready as fast as they were due.

    None if the load is not meant to be steady.
    """
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
    state = _judged("instances", len(values), of_latencies(values), MIN_REQUESTS)
    outrun = _outrun(created)
    if outrun is None:
        return state
    return state.model_copy(update={"steady": False, "cut": 0, "outrun": outrun})


def _outrun(created: Sequence[ObjectRecord]) -> Outrun | None:
    found = pace(
        [line.start_seconds for line in created],
        [line.ready_seconds for line in created if line.ready_seconds is not None],
    )
    if found is None or not found.outruns(len(created)):
        return None
    return Outrun(
        waiting=found.waiting,
        due_per_second=found.due_per_second,
        ready_per_second=found.done_per_second,
    )


def unsteady_iteration(record: IterationRecord) -> list[AnyCause]:
    """Return whether the latencies of an iteration kept changing."""
    return _unsteady(record.steady_state)


def unsteady_test(test: TestRecord) -> list[AnyCause]:
    """Return whether a test's iterations kept changing."""
    return _unsteady(test.steady_state)


def _unsteady(state: SteadyState | None) -> list[AnyCause]:
    if state is None or state.steady is not False:
        return []
    if (outrun := state.outrun) is not None:
        return [LoadOutrunsKro(observations=state.observations, outrun=outrun)]
    if state.halves_ratio is None:
        return []
    return [
        NotSteady(of=state.of, observations=state.observations, halves_ratio=state.halves_ratio)
    ]


def _judged(of: Observed, observations: int, found: Steadiness | None, needed: int) -> SteadyState:
    if found is None:
        return SteadyState(of=of, observations=observations, needed=needed)
    return SteadyState(
        of=of,
        observations=observations,
        cut=found.cut,
        steady=found.steady,
        halves_ratio=found.halves_ratio,
    )
