"""The operations of a test, decided beforehand: which, on what, in which order, and when.

Nothing that happens in a run can change them, so equal specs put equal loads on kro. That is also
what makes an open loop open: its schedule is made before the first request.
"""

import math
import random
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

from krobench.api.notation import duration_seconds
from krobench.api.specs.load import Arrival, Churn, Load, LoadPhase, Mix, Operation
from krobench.api.specs.suite import Test
from krobench.workload.blueprint import Manifest, WorkloadError

ValueT = TypeVar("ValueT")

Schedule = tuple[float, ...]
"""Seconds from the beginning of the run phase, one for each instance, in order."""


def schedule(load: Load, count: int) -> Schedule | None:
    """Return the intended times of ``count`` requests; None for a closed loop.

    Equal arguments give equal schedules.
    """
    match load.arrival:
        case Arrival.CLOSED:
            return None
        case Arrival.CONSTANT:
            rate = _set(load.rate)
            return tuple(position / rate for position in range(count))
        case Arrival.POISSON:
            return _poisson(_set(load.rate), load.seed, count)
        case Arrival.BURST:
            burst = _set(load.burst)
            interval = duration_seconds(burst.interval)
            return tuple(position // burst.size * interval for position in range(count))
        case Arrival.RAMP:
            seconds = duration_seconds(_set(load.ramp_duration))
            return _ramp(_set(load.rate), _set(load.to_rate), seconds, count)


def last_arrival_seconds(load: Load, count: int) -> float | None:
    """Return the intended time of the last of ``count`` requests; None for a closed loop."""
    # Called for each validation of a spec; the other schedules are quick to compute.
    if load.arrival is Arrival.POISSON:
        return _poisson_end(_set(load.rate), load.seed, count)
    times = schedule(load, count)
    return None if times is None else times[-1]


@lru_cache(maxsize=256)
def _poisson_end(rate: float, seed: int, count: int) -> float:
    return _poisson(rate, seed, count)[-1]


def _poisson(rate: float, seed: int, count: int) -> Schedule:
    """Independent arrivals: the gaps between them are exponentially distributed."""
    source = random.Random(seed)  # noqa: S311 - to be repeatable, not to be unguessable
    return tuple(accumulate(source.expovariate(rate) for _ in range(count)))


def _ramp(rate: float, to_rate: float, seconds: float, count: int) -> Schedule:
    """Send instance k when the integral of the rate over time reaches k.

    During the ramp that integral is ``rate * t + slope * t**2 / 2``. Its root is computed in the
    form that divides by a sum of positive numbers, so a slope of zero needs no special case.
    """
    slope = (to_rate - rate) / seconds
    in_ramp = (rate + to_rate) / 2 * seconds

    def at(position: int) -> float:
        if position >= in_ramp:
            return seconds + (position - in_ramp) / to_rate
        return 2 * position / (rate + math.sqrt(rate * rate + 2 * slope * position))

    return tuple(at(position) for position in range(count))


def _set(value: ValueT | None) -> ValueT:
    """Return a value that the model guarantees to be set."""
    assert value is not None
    return value


class Action(StrEnum):
    """What one operation does."""

    CREATE = "create-instance"
    UPDATE = "update-instance"
    UPDATE_RGD = "update-rgd"
    DELETE = "delete-instance"


@dataclass(frozen=True, slots=True)
class PlannedOperation:
    """One operation on one object."""

    action: Action
    target: int
    """Index of the instance in the order of creation, or of the RGD that has instances."""
    round: int = 0
    """For an update, its number among those of its target, from 1."""


@dataclass(frozen=True)
class PhasePlan:
    """One phase, with its operations in order."""

    index: int
    operation: Operation
    operations: tuple[PlannedOperation, ...]
    load: Load
    concurrency: int
    """Operations that run at once in a closed loop."""
    values: Manifest | None
    """Merge patch of an updated instance's spec; None: the workload's own."""
    churn: Churn | None = None

    def last_seconds(self) -> float | None:
        """Return the intended time of the last operation; None in a closed loop."""
        if self.churn is not None:
            return self.churn.interval_seconds * self.churn.rounds
        return last_arrival_seconds(self.load, len(self.operations))

    def schedule(self) -> Schedule | None:
        """Return the intended time of each operation; None in a closed loop."""
        if self.churn is None:
            return schedule(self.load, len(self.operations))
        gap = self.churn.interval_seconds * self.churn.rounds / len(self.operations)
        return tuple(position * gap for position in range(len(self.operations)))


def plan_phases(test: Test, concurrency: int, field_path: str) -> tuple[PhasePlan, ...]:
    """Return the phases of a test; if the spec has none, one that creates all instances.

    Raises:
        WorkloadError: if a phase needs instances that no phase before it creates.
    """
    planner = _Planner(test, concurrency)
    phases = test.phases or [LoadPhase(operation=Operation.CREATE)]
    return tuple(
        planner.plan(index, phase, f"{field_path}.phases[{index}]")
        for index, phase in enumerate(phases)
    )


def count_created(phases: tuple[PhasePlan, ...]) -> int:
    """Return the number of instances that these phases create, one after another."""
    return sum(
        operation.action is Action.CREATE for phase in phases for operation in phase.operations
    )


def peak_instances(phases: tuple[PhasePlan, ...]) -> int:
    """Return the most instances that exist at once in these phases."""
    live = peak = 0
    for operation in (operation for phase in phases for operation in phase.operations):
        live += operation.action is Action.CREATE
        live -= operation.action is Action.DELETE
        peak = max(peak, live)
    return peak


class _Planner:
    """Plans one phase after another, tracking which instances exist."""

    def __init__(self, test: Test, concurrency: int) -> None:
        self._test = test
        self._concurrency = concurrency
        self._created = 0
        self._live: deque[int] = deque()
        """Instances that exist, the one longest untouched first."""
        self._rounds: dict[int, int] = {}
        self._rgd_rounds = 0

    def plan(self, index: int, phase: LoadPhase, path: str) -> PhasePlan:
        churn = (phase.churn or Churn()) if phase.operation is Operation.CHURN else None
        if churn is not None:
            # An open loop with the churn's own schedule and the bounds of the test.
            load = Load(
                arrival=Arrival.CONSTANT,
                rate=1,
                max_send_lag=self._test.load.max_send_lag,
                max_in_flight=self._test.load.max_in_flight,
            )
        else:
            load = phase.load or self._test.load
        return PhasePlan(
            index=index,
            operation=phase.operation,
            operations=tuple(self._operations(phase, churn, path)),
            load=load,
            concurrency=self._concurrency,
            values=phase.values,
            churn=churn,
        )

    def _operations(
        self, phase: LoadPhase, churn: Churn | None, path: str
    ) -> list[PlannedOperation]:
        match phase.operation:
            case Operation.CREATE:
                return [self._create() for _ in range(phase.count or self._test.workload.instances)]
            case Operation.UPDATE_RGD:
                rgds, first = self._test.workload.rgds, self._rgd_rounds
                self._rgd_rounds += phase.count or rgds
                return [
                    PlannedOperation(Action.UPDATE_RGD, number % rgds, number // rgds + 1)
                    for number in range(first, self._rgd_rounds)
                ]
            case Operation.UPDATE:
                self._need(1, path)
                return [self._update() for _ in range(phase.count or len(self._live))]
            case Operation.DELETE:
                self._need(phase.count or 1, path)
                return [self._delete() for _ in range(phase.count or len(self._live))]
            case Operation.CHURN:
                assert churn is not None
                self._need(1, path)
                replaced = max(1, round(churn.share * len(self._live)))
                pairs = ((self._delete(), self._create()) for _ in range(churn.rounds * replaced))
                return [operation for pair in pairs for operation in pair]
            case Operation.MIX:
                assert phase.count is not None
                self._need(1, path)
                return self._mix(phase.mix or Mix(), phase.count)

    def _need(self, count: int, path: str) -> None:
        if len(self._live) < count:
            raise WorkloadError(
                f"{path}: needs {count} instances, but the phases before it leave "
                f"{len(self._live)}: add a create phase before it"
            )

    def _create(self) -> PlannedOperation:
        target = self._created
        self._created += 1
        self._live.append(target)
        return PlannedOperation(Action.CREATE, target)

    def _update(self) -> PlannedOperation:
        target = self._live.popleft()
        self._live.append(target)
        self._rounds[target] = self._rounds.get(target, 0) + 1
        return PlannedOperation(Action.UPDATE, target, self._rounds[target])

    def _delete(self) -> PlannedOperation:
        return PlannedOperation(Action.DELETE, self._live.popleft())

    def _mix(self, mix: Mix, count: int) -> list[PlannedOperation]:
        # Seeded to be repeatable.
        rng = random.Random(f"mix/{mix.seed}")  # noqa: S311
        weights = (mix.create, mix.update, mix.delete)
        operations = []
        for _ in range(count):
            [action] = rng.choices((Action.CREATE, Action.UPDATE, Action.DELETE), weights)
            # The last instance stays: without any, there is nothing to update or delete.
            if action is Action.CREATE or (action is Action.DELETE and len(self._live) == 1):
                operations.append(self._create())
            elif action is Action.UPDATE:
                operations.append(self._update())
            else:
                operations.append(self._delete())
        return operations
