"""A suite: the iterations of all tests of a ``KroBenchmark``, in their order.

A cluster drifts: caches fill, neighbours come and go, kro's heap grows. Tests that run one after
another meet different clusters, and part of their difference is that drift. Interleaved tests all
meet the same cluster. Every second round goes backwards (ABBA), so no test always follows another,
and a drift that is linear in time affects all of them equally [Box, Hunter & Hunter, Statistics for
Experimenters, on blocking].

Iterations of a test that has ended, for example with an error, are skipped. RGDs that a test keeps
are deleted as soon as it has ended. Variants of kro run in
:mod:`blocks <krobench.program.blocks>`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from krobench.analysis.precision import enough
from krobench.api.specs.suite import Order
from krobench.figures.precision import Stop
from krobench.program.actions import (
    Action,
    Done,
    Entry,
    Result,
    RunIteration,
    TakeDown,
    results_in,
)
from krobench.record.test import IterationRecord
from krobench.workload.testplan import TestPlan, as_run


@dataclass(frozen=True)
class Slot:
    """The place of one iteration in the order."""

    test: int
    """Index of the test."""
    iteration: int
    """Index of its iteration, warm-up included."""


class Suite:
    """Runs the iterations of all tests in their order, and then profiles kro."""

    def __init__(self, tests: Sequence[TestPlan], order: Order) -> None:
        self.tests = tuple(tests)
        self._slots = schedule(self.tests, order)

    def next(self, entries: Sequence[Entry], _elapsed_seconds: float = 0.0, /) -> Action:
        return self._take_down(entries) or self.next_iteration(entries)

    def _take_down(self, entries: Sequence[Entry]) -> TakeDown | None:
        """Return the deletion of the RGDs that a test has kept until its end, if there are any."""
        gone = {entry.plan.index for entry in entries if isinstance(entry, TakeDown)}
        for index, results in self._by_test(entries).items():
            last = results[-1].action
            done = has_ended(results) or last.index + 1 >= last.plan.total_iterations
            if last.plan.keeps_rgds and index not in gone and done:
                return TakeDown(last.plan, of_test=True)
        return None

    def next_iteration(self, entries: Sequence[Entry]) -> RunIteration | Done:
        """Return the next iteration of a test that has not ended; then those that profile kro."""
        by_test = self._by_test(entries)
        ended = {index for index, results in by_test.items() if has_ended(results)}
        ran = {(index, r.action.index) for index, results in by_test.items() for r in results}
        plans = {test.index: test for test in self.tests}
        for slot in self._slots:
            if slot.test not in ended and (slot.test, slot.iteration) not in ran:
                return RunIteration(as_run(plans[slot.test], slot.iteration), slot.iteration)
        return self.profile_next(entries)

    def profile_next(self, entries: Sequence[Entry]) -> RunIteration | Done:
        """Return the next iteration in which kro is profiled, if there is one."""
        by_test = self._by_test(entries)
        ran = {(index, r.action.index) for index, results in by_test.items() for r in results}
        for test in self.tests:
            failed = any(result.error is not None for result in by_test.get(test.index, ()))
            if test.profiles and not failed and (test.index, test.profiled_index) not in ran:
                return RunIteration(as_run(test, test.profiled_index), test.profiled_index)
        return Done()

    def progress(self, entries: Sequence[Entry]) -> tuple[int, int]:
        """Return how many iterations have ended or will not run, and how many there are in all."""
        by_test = self._by_test(entries)
        done = 0
        for test in self.tests:
            results = by_test.get(test.index, [])
            measured = [result for result in results if not result.action.profiled]
            ended = has_ended(results) or len(measured) == test.total_iterations
            done += test.total_iterations if ended else len(measured)
            failed = any(result.error is not None for result in measured)
            done += bool(test.profiles) and (failed or len(results) > len(measured))
        planned = sum(test.total_iterations + bool(test.profiles) for test in self.tests)
        return done, planned

    def _by_test(self, entries: Sequence[Entry]) -> dict[int, list[Result]]:
        by_test: dict[int, list[Result]] = {}
        for result in results_in(entries):
            by_test.setdefault(result.action.plan.index, []).append(result)
        return by_test


def has_ended(results: Sequence[Result]) -> bool:
    """Whether a test with these results ends before all of its iterations have run."""
    if not results:
        return False
    plan = results[-1].action.plan
    if plan.workload.cel is not None:  # all its iterations are one action
        return True
    iterations = [result.iteration for result in results if result.iteration is not None]
    measured = [iteration for iteration in iterations if not iteration.profiled]
    return any(r.error is not None for r in results) or stop_of(plan, measured) is not None


def stop_of(plan: TestPlan, iterations: Sequence[IterationRecord]) -> Stop | None:
    """Return why a test with a precision needs no further iterations, if that is so."""
    if plan.precision is None:
        return None
    return enough(plan.precision, plan.iterations, iterations)


def schedule(tests: Sequence[TestPlan], order: Order) -> tuple[Slot, ...]:
    """Return the places of all iterations of a suite, in order."""
    walk = interleaved if order is Order.INTERLEAVED else sequential
    return tuple(walk(tests))


def sequential(tests: Sequence[TestPlan]) -> Iterator[Slot]:
    """Yield all iterations of a test, then those of the next."""
    for test in tests:
        for index in range(test.total_iterations):
            yield Slot(test.index, index)


def interleaved(tests: Sequence[TestPlan]) -> Iterator[Slot]:
    """Yield the first iteration of each test, then the second in the opposite order, and so on;
    a test with fewer iterations is missing in later rounds."""
    for index in range(max((test.total_iterations for test in tests), default=0)):
        for test in tests if index % 2 == 0 else reversed(tests):
            if index < test.total_iterations:
                yield Slot(test.index, index)
