"""What a program and the engine exchange.

The engine asks a program for the next action and returns its result, until the program is done.
A program decides from these results alone, so it needs no cluster, and equal results give equal
actions. Results are values: neither side changes one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from krobench.api.common import ErrorInfo
from krobench.findings.scaling import AnyStop
from krobench.record.test import IterationRecord
from krobench.workload.testplan import TestPlan


@dataclass(frozen=True)
class RunIteration:
    """Run one iteration of a test."""

    plan: TestPlan
    """The test as this iteration runs it."""
    index: int
    """The iteration's index in its test, warm-up included."""
    replaces: int | None = None
    """Index of an iteration without a valid result: with this one, it becomes warm-up."""
    size: float | None = None
    """The size of a scale test that it measures."""
    upon: float | None = None
    """The size whose objects it adds to; None if it starts from nothing."""

    @property
    def warmup(self) -> bool:
        return self.plan.is_warmup(self.index)

    @property
    def profiled(self) -> bool:
        return self.index >= self.plan.profiled_index


@dataclass(frozen=True)
class CreateRgds:
    """Create the RGDs of several tests together, for all their iterations of a visit."""

    first: tuple[RunIteration, ...]
    """The first iteration of each test in the visit, after which its RGDs are named."""


@dataclass(frozen=True)
class RgdsCreated:
    """RGDs of several tests were created together."""

    action: CreateRgds
    ready: frozenset[int]
    """The tests whose RGDs are ready, by the index of their plans. Those of the others do not
    exist."""


@dataclass(frozen=True)
class TakeDown:
    """Delete what iterations have left in place: cumulative sizes up to the last one, or those of a
    variant of kro."""

    plan: TestPlan
    """The test of the last iteration."""
    with_namespace: bool = False
    """Whether all of it goes with the run's own namespace, so that nobody has to wait for kro."""
    of_test: bool = False
    """Whether it is only what this test has left."""


@dataclass(frozen=True)
class Shortfall:
    """A test ran fewer iterations than asked for, although its result counts."""

    test: str
    iterations: int
    why: AnyStop


@dataclass(frozen=True)
class Done:
    """There is nothing more to do."""

    stop: AnyStop | None = None
    """Why it ended early; None if it is complete."""
    shortfall: Shortfall | None = None


@dataclass(frozen=True)
class Result:
    """The result of an iteration, its cleanup included."""

    action: RunIteration
    iteration: IterationRecord | None = None
    """None if it could not be measured; of a CEL test, always."""
    error: ErrorInfo | None = None
    """Why the test ends with it."""


Action = RunIteration | CreateRgds | TakeDown | Done
Entry = Result | RgdsCreated | TakeDown
"""An action that was carried out; a program is given all of them in order."""


class Program(Protocol):
    """Decides which iteration comes next."""

    def next(self, entries: Sequence[Entry], elapsed_seconds: float, /) -> Action:
        """Return the next action, given all earlier ones and the time since the first."""


def results_in(entries: Iterable[Entry]) -> list[Result]:
    return [entry for entry in entries if isinstance(entry, Result)]
