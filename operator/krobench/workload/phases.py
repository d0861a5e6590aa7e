"""The operations of a test, decided beforehand: which, on what, in which order, and when.

Nothing that happens in a run can change them, so equal specs put equal loads on kro. That is also
what makes an open loop open: its schedule (:mod:`.arrivals`) is made before the first request.

The operator only counts them, which takes no time and no memory: a small spec may ask for millions.
What chance decides, it bounds. The load Job draws it.
"""

import math
import random
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from krobench.api.specs.load import Arrival, Churn, Load, LoadPhase, Mix, Operation
from krobench.api.specs.suite import Test
from krobench.workload.arrivals import IMPROBABLE, Schedule, last_arrival_seconds, schedule
from krobench.workload.blueprint import Manifest, WorkloadError

MAX_TEST_OPERATIONS = 200_000
"""Most operations of all phases of a test: the load Job plans them in memory."""


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
class Count:
    """A number, or the bounds of one that chance decides."""

    least: int
    most: int

    @property
    def exact(self) -> bool:
        return self.least == self.most


@dataclass(frozen=True)
class PhaseCount:
    """What a phase amounts to."""

    operations: Count
    created: Count
    """Instances that it creates."""
    peak: Count
    """The most instances that exist at once in it."""
    left: Count
    """Instances that exist after it."""


@dataclass(frozen=True, eq=False)
class Script:
    """What the operations of all phases of a test are planned from, when they are needed."""

    test: Test

    @property
    def phases(self) -> list[LoadPhase]:
        return self.test.phases or [LoadPhase(operation=Operation.CREATE)]


@lru_cache(maxsize=2)
def _operations(script: Script) -> tuple[tuple[PlannedOperation, ...], ...]:
    """Return the operations of each phase; those of few tests are in memory at once.

    Raises:
        WorkloadError: if a phase needs instances that a random one before it did not leave.
    """
    planner = _Planner(script.test)
    return tuple(
        tuple(planner.operations(phase, f"phases[{index}]"))
        for index, phase in enumerate(script.phases)
    )


@dataclass(frozen=True)
class PhasePlan:
    """One phase, with its operations in order."""

    index: int
    operation: Operation
    count: PhaseCount
    load: Load
    concurrency: int
    """Operations that run at once in a closed loop."""
    values: Manifest | None
    """Merge patch of an updated instance's spec; None: the workload's own."""
    churn: Churn | None
    image: str | None
    """To which an upgrade changes kro."""
    script: Script = field(repr=False, compare=False)
    shard: int = 0
    shards: int = 1
    """It has every ``shards``-th operation of the phase, from that of number ``shard``."""

    @property
    def operations(self) -> tuple[PlannedOperation, ...]:
        return _operations(self.script)[self.index][self.shard :: self.shards]

    @property
    def created(self) -> int:
        """Instances that it creates."""
        if self.count.created.exact and self.shards == 1:
            return self.count.created.least
        return sum(operation.action is Action.CREATE for operation in self.operations)

    def last_seconds(self, *, drawn: bool = True) -> float | None:
        """Return the intended time of the last operation; None in a closed loop.

        If random choices are not ``drawn``, the result is the earliest that they allow.
        """
        if self.churn is not None:
            return self.churn.interval_seconds * self.churn.rounds
        exact = self.count.operations.exact or not drawn
        count = self.count.operations.least if exact else len(self.operations)
        return last_arrival_seconds(self.load, count, drawn=drawn)

    def schedule(self) -> Schedule | None:
        """Return the intended time of each operation; None in a closed loop."""
        if self.churn is None:
            return schedule(self.load, len(self.operations))
        gap = self.churn.interval_seconds * self.churn.rounds / len(self.operations)
        return tuple(position * gap for position in range(len(self.operations)))


def plan_phases(test: Test, concurrency: int, field_path: str) -> tuple[PhasePlan, ...]:
    """Return the phases of a test; if the spec has none, one that creates all instances.

    Raises:
        WorkloadError: if a phase needs instances that no phase before it creates, or there are too
            many operations.
    """
    script = Script(test)
    plans: list[PhasePlan] = []
    live, total = Count(0, 0), 0
    for index, phase in enumerate(script.phases):
        path = f"{field_path}.phases[{index}]".removeprefix(".")
        if phase.operation.replaces_kro and phase.operation in (p.operation for p in plans):
            raise WorkloadError(
                f"{path}: a test can have one phase of operation {phase.operation}, whose figures "
                "are those of the test: put the second one into another test"
            )
        churn = (phase.churn or Churn()) if phase.operation is Operation.CHURN else None
        count = _count(phase, churn, test, live, path)
        live, total = count.left, total + count.operations.least
        if total > MAX_TEST_OPERATIONS:
            raise WorkloadError(
                f"{path}: the phases of a test can have {MAX_TEST_OPERATIONS} operations "
                f"altogether, and with this one they have {total}: lower its count, its churn, or "
                "workload.instances"
            )
        plans.append(
            PhasePlan(
                index=index,
                operation=phase.operation,
                count=count,
                load=_load(phase, test.load),
                concurrency=concurrency,
                values=phase.values,
                churn=churn,
                image=phase.image,
                script=script,
            )
        )
    return tuple(plans)


def _load(phase: LoadPhase, load: Load) -> Load:
    """Return the load of a phase of a test with this load."""
    if phase.operation.replaces_kro:
        return Load()  # it sends no operations
    if phase.operation is not Operation.CHURN:
        return phase.load or load
    # An open loop with the churn's own schedule and the bounds of the test.
    return Load(
        arrival=Arrival.CONSTANT,
        rate=1,
        max_send_lag=load.max_send_lag,
        max_in_flight=load.max_in_flight,
    )


def count_created(phases: tuple[PhasePlan, ...]) -> int:
    """Return the number of instances that these phases create, one after another."""
    return sum(phase.created for phase in phases)


def most_created(phases: tuple[PhasePlan, ...]) -> int:
    """Return the most instances that these phases create, whatever chance decides."""
    return sum(phase.count.created.most for phase in phases)


def peak_instances(phases: tuple[PhasePlan, ...], *, drawn: bool = True) -> int:
    """Return the most instances that exist at once in these phases.

    If random choices are not ``drawn``, the result is the fewest that they allow.
    """
    if not drawn or all(phase.count.peak.exact for phase in phases):
        return max(phase.count.peak.least for phase in phases)
    live = peak = 0
    for operation in (operation for phase in phases for operation in phase.operations):
        live += operation.action is Action.CREATE
        live -= operation.action is Action.DELETE
        peak = max(peak, live)
    return peak


def _count(phase: LoadPhase, churn: Churn | None, test: Test, live: Count, path: str) -> PhaseCount:
    """Count what a phase does if this many instances are there before it.

    Raises:
        WorkloadError: if it needs more than there can be.
    """
    match phase.operation:
        case Operation.CREATE:
            count = phase.count or test.workload.instances
            left = Count(live.least + count, live.most + count)
            return PhaseCount(Count(count, count), Count(count, count), left, left)
        case Operation.UPDATE_RGD:
            count = phase.count or test.workload.rgds
            return PhaseCount(Count(count, count), Count(0, 0), live, live)
        case Operation.UPDATE | Operation.RESTART | Operation.UPGRADE:
            _need(1, live.most, path)
            of = Count(phase.count, phase.count) if phase.count else live
            if phase.operation.replaces_kro:
                of = Count(0, 0)
            return PhaseCount(of, Count(0, 0), live, live)
        case Operation.DELETE:
            _need(phase.count or 1, live.most, path)
            of = Count(phase.count, phase.count) if phase.count else live
            left = (
                Count(max(0, live.least - phase.count), live.most - phase.count)
                if phase.count
                else Count(0, 0)
            )
            return PhaseCount(of, Count(0, 0), live, left)
        case Operation.CHURN:
            assert churn is not None
            _need(1, live.most, path)
            least, most = (
                churn.rounds * _replaced(churn, each) for each in (live.least, live.most)
            )
            return PhaseCount(Count(2 * least, 2 * most), Count(least, most), live, live)
        case Operation.MIX:
            assert phase.count is not None
            _need(1, live.most, path)
            return _count_mix(phase.mix or Mix(), phase.count, live)


def _count_mix(mix: Mix, count: int, live: Count) -> PhaseCount:
    """Bound what random operations amount to, by Bernstein's inequality.

    Instances are a random walk that goes up again where it would lose the last one.
    """
    weights = mix.create + mix.update + mix.delete
    creates, deletes = mix.create / weights, mix.delete / weights
    drift, spread = count * (creates - deletes), _deviation(count * (creates + deletes))
    drawn = _deviation(count * creates * (1 - creates))
    least_drawn = max(0, math.floor(count * creates - drawn))
    up = min(count, math.ceil(max(0.0, drift) + spread)) if mix.create else 0
    most = max(live.most, 2) + up
    left = Count(max(1, math.floor(live.least + drift - spread)), most)
    turned = (most - live.least - drift + spread) / 2 if mix.delete else 0.0
    created = Count(least_drawn, min(count, math.ceil(count * creates + drawn + max(0.0, turned))))
    peak = Count(max(live.least, left.least), most)
    return PhaseCount(Count(count, count), created, peak, left)


def _deviation(variance: float) -> float:
    """Return how far a sum of this variance, of steps of at most 1, can be from its mean."""
    third = IMPROBABLE / 3
    return third + math.sqrt(third * third + 2 * IMPROBABLE * variance)


def _replaced(churn: Churn, live: int) -> int:
    """Return how many instances each round of a churn replaces."""
    return max(1, round(churn.share * live))


def _need(count: int, live: int, path: str) -> None:
    if live < count:
        raise WorkloadError(
            f"{path}: needs {count} instances, but the phases before it leave "
            f"{live}: add a create phase before it"
        )


class _Planner:
    """Plans one phase after another, tracking which instances exist."""

    def __init__(self, test: Test) -> None:
        self._test = test
        self._created = 0
        self._live: deque[int] = deque()
        """Instances that exist, the one longest untouched first."""
        self._rounds: dict[int, int] = {}
        self._rgd_rounds = 0

    def operations(self, phase: LoadPhase, path: str) -> list[PlannedOperation]:
        live = len(self._live)
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
            case Operation.UPDATE | Operation.RESTART | Operation.UPGRADE:
                _need(1, live, path)
                updates = 0 if phase.operation.replaces_kro else phase.count or live
                return [self._update() for _ in range(updates)]
            case Operation.DELETE:
                _need(phase.count or 1, live, path)
                return [self._delete() for _ in range(phase.count or live)]
            case Operation.CHURN:
                _need(1, live, path)
                churn = phase.churn or Churn()
                replaced = churn.rounds * _replaced(churn, live)
                pairs = ((self._delete(), self._create()) for _ in range(replaced))
                return [operation for pair in pairs for operation in pair]
            case Operation.MIX:
                assert phase.count is not None
                _need(1, live, path)
                return self._mix(phase.mix or Mix(), phase.count)

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
