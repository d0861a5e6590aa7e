"""Carrying out planned operations: the request of each, and what shows that it took effect."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace

from krobench.figures.rawdata import ObjectRecord
from krobench.load.children import Children, with_update_label
from krobench.load.driver import Driver, OperationName
from krobench.load.lifecycle import Kind
from krobench.load.loops import RunClock, Send, closed_loop, open_loop
from krobench.load.observer import Followed, Observer, Pending
from krobench.workload.iterationplan import IterationPlan, RgdPlan
from krobench.workload.phases import Action, PhasePlan, PlannedOperation

NO_CHANGE = "the update changed nothing: use <round> in the phase's values"
_NOT_CREATED = "the instance was not created"


@dataclass(frozen=True)
class KindCount:
    """How many instances of a kind exist."""

    kind: Kind
    count: int

    @property
    def name(self) -> str:
        return f"{self.kind.plural}.{self.kind.group}"

    @property
    def spellings(self) -> frozenset[str]:
        """The kind as the label ``gvr`` of kro's metrics spells it, which differs among these."""
        version, plural = f"{self.kind.group}/{self.kind.version}", self.kind.plural
        return frozenset({f"{version}, Resource={plural}", f"{version}/{plural}"})


@dataclass(frozen=True)
class Target:
    """An RGD whose kind has instances."""

    rgd: RgdPlan
    rgd_path: str
    rgd_followed: Followed | None
    """None in a process that did not create the RGD."""
    path: str
    """Collection of its kind."""
    observer: Observer
    """Of its instances."""
    kind: Kind

    def living(self) -> KindCount:
        """Count the instances that were created and are not being deleted."""
        return KindCount(
            self.kind,
            sum(
                followed.record.acknowledged_seconds is not None and followed.deletion is None
                for followed in self.observer.all()
            ),
        )


class Operations:
    """Carries out the operations of an iteration: on each object, one after another."""

    def __init__(
        self, driver: Driver, clock: RunClock, plan: IterationPlan, children: Children
    ) -> None:
        self._driver = driver
        self._clock = clock
        self._plan = plan
        self._children = children
        self._targets: Sequence[Target] = ()
        self._instances: dict[int, Followed] = {}
        self._busy: dict[int, asyncio.Future[None]] = {}
        """The last operation on each instance; the next one starts when it has taken effect."""
        self.records: list[ObjectRecord] = []
        """Records of all operations except creations, whose records the observers keep."""

    def aim(self, targets: Sequence[Target]) -> None:
        """Set the objects of the operations."""
        self._targets = targets

    async def carry_out(self, phase: PhasePlan, times: Sequence[float] | None) -> None:
        """Send the operations of a phase, and wait until each has taken effect or was refused.

        ``times`` is when to send each, on the run's clock; None for a closed loop.
        """
        send = self.sender(phase)
        if times is None:
            await closed_loop(send, phase.operations, phase.concurrency)
        else:
            in_flight = phase.load.max_in_flight
            await open_loop(send, phase.operations, times, self._clock, in_flight)

    def sender(self, phase: PhasePlan) -> Send:
        """Return a function that sends an operation of this phase."""

        async def send(
            operation: PlannedOperation, intended: float | None
        ) -> Awaitable[None] | None:
            match operation.action:
                case Action.UPDATE_RGD:
                    return await self._update_rgd(phase, operation, intended)
                case Action.CREATE:
                    effect = await self._create(phase, operation, intended)
                case Action.UPDATE:
                    await self._until_free(operation.target)
                    effect = await self._update(phase, operation, intended)
                case Action.DELETE:
                    await self._until_free(operation.target)
                    effect = await self._delete(phase, operation, intended)
            if effect is not None:
                self._busy[operation.target] = effect
            return effect

        return send

    async def _until_free(self, target: int) -> None:
        busy = self._busy.get(target)
        if busy is not None and not busy.done():
            await asyncio.wait([busy])

    async def _create(
        self, phase: PhasePlan, operation: PlannedOperation, intended: float | None
    ) -> "asyncio.Future[None] | None":
        position, manifest = self._plan.instance(operation.target)
        target = self._targets[position]
        record = self._driver.record(manifest, "create-instance", phase.index, intended)
        followed = target.observer.follow(record)
        self._instances[operation.target] = followed
        self._children.follow(record)
        followed.ready.add_done_callback(lambda _: self._children.complete(record.name))
        # Announced before it is sent: an update may be due before the answer arrives.
        self._busy[operation.target] = followed.ready
        if not await self._driver.create(target.path, manifest, record):
            followed.fail(RuntimeError(record.error))
            return None
        return followed.ready

    async def _update(
        self, phase: PhasePlan, operation: PlannedOperation, intended: float | None
    ) -> "asyncio.Future[None] | None":
        record, followed = self._on_created("update-instance", phase, operation, intended)
        if followed is None:
            return None
        before = followed.generation
        body = self._plan.patch(phase, operation.target, operation.round)
        generation = await self._driver.patch(self._path(operation, record), body, record)
        if generation is None:
            return None
        if generation == before:
            record.acknowledged_seconds, record.error = None, NO_CHANGE
            return None
        update = Pending(record)
        followed.expect(update, generation)
        return update.done

    async def _delete(
        self, phase: PhasePlan, operation: PlannedOperation, intended: float | None
    ) -> "asyncio.Future[None] | None":
        record, followed = self._on_created("delete-instance", phase, operation, intended)
        if followed is None:
            return None
        return await self.delete(self._path(operation, record), followed, record)

    async def delete(
        self, path: str, followed: Followed, record: ObjectRecord
    ) -> "asyncio.Future[None] | None":
        """Delete an instance; return a future that is done when it is gone."""
        followed.deletion = record
        if not await self._driver.delete(path, record):
            return None
        return followed.when_gone()

    def _on_created(
        self,
        name: OperationName,
        phase: PhasePlan,
        operation: PlannedOperation,
        intended: float | None,
    ) -> tuple[ObjectRecord, Followed | None]:
        """Return the record of an operation on an instance, and the instance if it was created."""
        _, manifest = self._plan.instance(operation.target)
        record = self._driver.record(manifest, name, phase.index, intended)
        self.records.append(record)
        followed = self._instances.get(operation.target)
        if followed is None or followed.record.acknowledged_seconds is None:
            record.error = _NOT_CREATED
            return record, None
        return record, followed

    def _path(self, operation: PlannedOperation, record: ObjectRecord) -> str:
        position, _ = self._plan.instance(operation.target)
        return f"{self._targets[position].path}/{record.name}"

    async def _update_rgd(
        self, phase: PhasePlan, operation: PlannedOperation, intended: float | None
    ) -> Awaitable[None] | None:
        target = self._targets[operation.target]
        manifest, rgd = target.rgd.manifest, target.rgd_followed
        assert rgd is not None, "RGDs are updated by the process that made them"
        record = self._driver.record(manifest, "update-rgd", phase.index, intended)
        self.records.append(record)
        resources, nodes = with_update_label(manifest, operation.round)
        fan_out = self._expect_fan_out(target, operation, nodes, record)
        path = f"{target.rgd_path}/{target.rgd.name}"
        generation = await self._driver.patch(path, {"spec": {"resources": resources}}, record)
        if generation is None:
            return None
        for update in fan_out:
            update.record.acknowledged_seconds = record.acknowledged_seconds
            self.records.append(update.record)
        own = Pending(record)
        rgd.expect(own, generation)

        async def effect() -> None:
            for update in (own, *fan_out):
                await update.done

        return effect()

    def _expect_fan_out(
        self,
        target: Target,
        operation: PlannedOperation,
        nodes: frozenset[str],
        request: ObjectRecord,
    ) -> list[Pending]:
        """Wait for the children of each instance; their latencies count from the RGD's request."""
        expected = []
        for followed in target.observer.all():
            line = followed.record
            if line.acknowledged_seconds is None or followed.deletion is not None:
                continue
            update = Pending(
                replace(
                    request,
                    operation="fan-out",
                    kind=line.kind,
                    namespace=line.namespace,
                    name=line.name,
                )
            )
            if self._children.expect(line.name, operation.round, nodes, update):
                expected.append(update)
        return expected
