"""The operations of a test, decided beforehand: which, on what, in which order, and when.

Nothing that happens in a run can change them, so that equal specs put equal loads on kro.
"""

import random
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from krobench.api.specs.load import Arrival, Churn, Load, LoadPhase, Mix, Operation
from krobench.api.specs.suite import Test
from krobench.workload.arrivals import Schedule, last_arrival_seconds, schedule
from krobench.workload.blueprint import Manifest, WorkloadError


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
    """Updates: which of its target it is, from 1."""


@dataclass(frozen=True)
class StepPlan:
    """One step, with its operations in order."""

    index: int
    operation: Operation
    operations: tuple[PlannedOperation, ...]
    load: Load
    concurrency: int
    """Operations under way at once in a closed loop."""
    values: Manifest | None
    """Merge patch of an updated instance's spec; None: the workload's own."""
    churn: Churn | None = None

    def last_seconds(self) -> float | None:
        """Return when the last operation is to be sent; None in a closed loop."""
        if self.churn is not None:
            return self.churn.interval_seconds * self.churn.rounds
        return last_arrival_seconds(self.load, len(self.operations))

    def schedule(self) -> Schedule | None:
        """Return when each operation is to be sent; None in a closed loop."""
        if self.churn is None:
            return schedule(self.load, len(self.operations))
        gap = self.churn.interval_seconds * self.churn.rounds / len(self.operations)
        return tuple(position * gap for position in range(len(self.operations)))


def plan_steps(test: Test, concurrency: int, field_path: str) -> tuple[StepPlan, ...]:
    """Return the steps of a test; one that creates all instances where the spec names none.

    Raises:
        WorkloadError: if a step needs instances that do not exist by then.
    """
    planner = _Planner(test, concurrency)
    steps = test.phases or [LoadPhase(operation=Operation.CREATE)]
    return tuple(
        planner.plan(index, step, f"{field_path}.phases[{index}]")
        for index, step in enumerate(steps)
    )


def count_created(steps: tuple[StepPlan, ...]) -> int:
    """Return the number of instances that these steps create, one after another."""
    return sum(operation.action is Action.CREATE for step in steps for operation in step.operations)


def peak_instances(steps: tuple[StepPlan, ...]) -> int:
    """Return how many instances these steps have at once, at most."""
    live = peak = 0
    for operation in (operation for step in steps for operation in step.operations):
        live += operation.action is Action.CREATE
        live -= operation.action is Action.DELETE
        peak = max(peak, live)
    return peak


def _load_of_churn(load: Load) -> Load:
    """Return an open loop, whose schedule is the churn's own, and its bounds the test's."""
    return Load(
        arrival=Arrival.CONSTANT,
        rate=1,
        max_send_lag=load.max_send_lag,
        max_in_flight=load.max_in_flight,
    )


class _Planner:
    """Keeps the books of what exists while it plans one step after another."""

    def __init__(self, test: Test, concurrency: int) -> None:
        self._test = test
        self._concurrency = concurrency
        self._created = 0
        self._live: deque[int] = deque()
        """Instances that exist, the one longest untouched first."""
        self._rounds: dict[int, int] = {}
        self._rgd_rounds = 0

    def plan(self, index: int, step: LoadPhase, path: str) -> StepPlan:
        churn = (step.churn or Churn()) if step.operation is Operation.CHURN else None
        if churn is not None:
            load = _load_of_churn(self._test.load)
        else:
            load = step.load or self._test.load
        return StepPlan(
            index=index,
            operation=step.operation,
            operations=tuple(self._operations(step, churn, path)),
            load=load,
            concurrency=self._concurrency,
            values=step.values,
            churn=churn,
        )

    def _operations(
        self, step: LoadPhase, churn: Churn | None, path: str
    ) -> list[PlannedOperation]:
        match step.operation:
            case Operation.CREATE:
                return [self._create() for _ in range(step.count or self._test.workload.instances)]
            case Operation.UPDATE_RGD:
                return self._update_rgds(step.count or self._test.workload.rgds)
            case Operation.UPDATE:
                self._need(1, path)
                return [self._update() for _ in range(step.count or len(self._live))]
            case Operation.DELETE:
                self._need(step.count or 1, path)
                return [self._delete() for _ in range(step.count or len(self._live))]
            case Operation.CHURN:
                assert churn is not None
                self._need(1, path)
                return self._churn(churn)
            case Operation.MIX:
                assert step.count is not None
                self._need(1, path)
                return self._mix(step.mix or Mix(), step.count)

    def _need(self, count: int, path: str) -> None:
        if len(self._live) < count:
            raise WorkloadError(
                f"{path}: it needs {count} instances, and the phases before leave "
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

    def _update_rgds(self, count: int) -> list[PlannedOperation]:
        rgds = self._test.workload.rgds
        first = self._rgd_rounds
        self._rgd_rounds += count
        return [
            PlannedOperation(Action.UPDATE_RGD, number % rgds, number // rgds + 1)
            for number in range(first, first + count)
        ]

    def _churn(self, churn: Churn) -> list[PlannedOperation]:
        replaced = max(1, round(churn.share * len(self._live)))
        operations = []
        for _ in range(churn.rounds * replaced):
            operations += [self._delete(), self._create()]
        return operations

    def _mix(self, mix: Mix, count: int) -> list[PlannedOperation]:
        # To be repeatable, not to be unguessable.
        rng = random.Random(f"mix/{mix.seed}")  # noqa: S311
        weights = (mix.create, mix.update, mix.delete)
        operations = []
        for _ in range(count):
            [action] = rng.choices((Action.CREATE, Action.UPDATE, Action.DELETE), weights)
            # The last instance stays: without any, nothing could be updated or deleted.
            if action is Action.CREATE or (action is Action.DELETE and len(self._live) == 1):
                operations.append(self._create())
            elif action is Action.UPDATE:
                operations.append(self._update())
            else:
                operations.append(self._delete())
        return operations
