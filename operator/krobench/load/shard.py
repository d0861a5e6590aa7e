"""An iteration whose instances are sent by several processes.

The coordinator sets up, has the workers start at the same moment, drives its own share, and takes
over the records of the workers, moved to its own clock.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol

from krobench.api.common import ErrorInfo
from krobench.api.podmessages import SHARD_LABEL, ShardReport
from krobench.figures.rawdata import ObjectRecord
from krobench.figures.reasons.load import TooFewShards
from krobench.findings.validity import ShardLost
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.timing import Timing
from krobench.load.iteration import Iteration, Outcome, PhaseOutcome, ReplaceKro
from krobench.load.loops import RunClock, run_together
from krobench.workload.iterationplan import IterationPlan, share_of_plan

_LEAD_SECONDS_PER_INSTANCE = 25e-6

_START_SPREAD = "krobench.shards.startSpreadSeconds"
_CLOCK_UNCERTAINTY = "krobench.shards.clockUncertaintySeconds"

_TIMES = tuple(field.name for field in fields(ObjectRecord) if field.name.endswith("_seconds"))


@dataclass(frozen=True)
class Delivery:
    """What a worker measured, on the coordinator's clock."""

    shard: int
    report: ShardReport
    records: list[ObjectRecord]
    began_seconds: float | None
    ended_seconds: float
    clock_uncertainty_seconds: float
    """How far the times of this shard may be off the coordinator's, at most."""


class Workers(Protocol):
    """The workers, as the coordinator sees them."""

    @property
    def ready_instances(self) -> int:
        """How many of their instances are ready."""

    @property
    def losses(self) -> dict[int, str]:
        """Shards that are lost, and why."""

    async def gather(self, plan: IterationPlan) -> None:
        """Have all shards prepare an iteration; those that do not are lost."""

    async def start(self, start_seconds: float, elapsed_seconds: float) -> None:
        """Tell them when to start."""

    async def deliveries(self, deadline_seconds: float) -> list[Delivery]:
        """Wait for what they measured; those that deliver nothing in time are lost."""


class ShardIteration(Iteration):
    """One shard's part of an iteration."""

    def __init__(
        self,
        client: KubeClient,
        clock: RunClock,
        whole: IterationPlan,
        shard: int,
        timing: Timing | None = None,
    ) -> None:
        self._whole = whole
        self._shard = shard
        self._shards = whole.test.load.shards
        self.began_seconds: float | None = None
        super().__init__(client, clock, share_of_plan(whole, shard, self._shards), timing)

    async def set_up(self) -> None:
        """Watch instances before they are created; the coordinator has created the RGDs."""
        selector = self._instance_selector()
        selector += f",{SHARD_LABEL}={self._shard}"
        await self._guarded(self._observe_instances(selector, {}), "the shard was prepared")

    async def run_from(self, start_seconds: float, elapsed_seconds: float) -> None:
        """Drive this shard's instances from ``start_seconds`` on."""
        self.outcome.started_seconds = start_seconds - elapsed_seconds
        self.outcome.run_started_seconds = start_seconds
        if self.outcome.error is None:
            await self._guarded(self._share(start_seconds), "all instances were ready")
        self.outcome.run_ended_seconds = self._clock.now()

    def _times(self, start_seconds: float) -> tuple[float, ...] | None:
        """Return the intended times of all instances of the iteration; None in a closed loop."""
        [phase] = self._whole.test.phases
        arrivals = phase.schedule()
        return None if arrivals is None else tuple(start_seconds + t for t in arrivals)

    async def _share(self, start_seconds: float) -> None:
        [phase] = self._plan.test.phases
        times = self._times(start_seconds)
        if times is None:
            await self._begin(start_seconds)
            await self._operations.carry_out(phase, None)
        else:
            work = self._operations.carry_out(phase, times[self._shard :: self._shards])
            await run_together([self._begin(start_seconds), work])

    async def _begin(self, start_seconds: float) -> None:
        await self._clock.sleep_until(start_seconds)
        self.began_seconds = self._clock.now()


class CoordinatorIteration(ShardIteration):
    """An iteration in which this process coordinates the shards, and is itself shard 0."""

    def __init__(
        self,
        client: KubeClient,
        clock: RunClock,
        whole: IterationPlan,
        workers: Workers,
        timing: Timing | None = None,
    ) -> None:
        super().__init__(client, clock, whole, 0, timing)
        self._workers = workers
        self._foreign: list[ObjectRecord] = []

    @property
    def ready_count(self) -> int:
        return super().ready_count + self._workers.ready_instances

    @property
    def instance_count(self) -> int:
        return self._whole.instance_count

    async def set_up(self) -> None:
        """Create the RGDs, and have the other shards prepare."""
        await Iteration.set_up(self)
        if self.outcome.error is None:
            await self._guarded(self._workers.gather(self._whole), "the shards were prepared")

    async def run(
        self,
        between_phases: Callable[[], Awaitable[None]],  # noqa: ARG002
        replace_kro: ReplaceKro | None = None,  # noqa: ARG002
    ) -> None:
        """Start all shards, drive the own share, and collect the records.

        There is only one phase.
        """
        outcome = self.outcome
        await self._clock.sleep_until(self.load_from_seconds)
        lead = self._timing.shards_lead + self._whole.instance_count * _LEAD_SECONDS_PER_INSTANCE
        start = self._clock.now() + lead
        [phase] = self._whole.test.phases
        begun = PhaseOutcome(phase, start, schedule=self._times(start))
        outcome.phases.append(begun)
        outcome.run_started_seconds = start
        deadline = outcome.started_seconds + self._plan.test.timeout_seconds
        async with self._probe() as probe, self._background() as background:
            begin = self._workers.start(start, start - outcome.started_seconds)
            await self._guarded(begin, "the shards were started")
            if outcome.error is None:
                await self._guarded(self._share(start), "all instances were ready")
            ended = self._clock.now()
            deliveries = await self._workers.deliveries(deadline)
            begun.ended_seconds = outcome.run_ended_seconds = max(
                [ended, *(d.ended_seconds for d in deliveries)]
            )
        outcome.watch_lag = probe.result()
        outcome.background = background.result()
        self._take_over(deliveries)

    def finish(self) -> Outcome:
        """Return the result: what all shards have measured up to now."""
        outcome = super().finish()
        outcome.records += self._foreign
        return outcome

    async def delete_instances(self, timeout_seconds: float) -> None:
        """Delete the instances of all shards and time each until it is gone."""
        # The cleanup that follows deletes those that cannot be watched, untimed.
        with contextlib.suppress(TimeoutError, KubeError):
            async with asyncio.timeout(timeout_seconds):
                selector = f"{self._instance_selector()},{SHARD_LABEL}!=0"
                for target in tuple(self._targets):
                    # The states of an instance are recorded by its own shard.
                    observer = await self._observe(target.path, selector, lambda *_: None)
                    for record in self._foreign:
                        if record.kind == target.rgd.kind:
                            observer.follow(record)
                    self._targets.append(replace(target, observer=observer))
        await super().delete_instances(timeout_seconds)

    def _take_over(self, deliveries: Sequence[Delivery]) -> None:
        outcome = self.outcome
        for delivery in deliveries:
            report = delivery.report
            self._foreign += delivery.records
            outcome.watch_interruptions_elsewhere += report.watch_interruptions
            outcome.requests_elsewhere += report.requests
            if report.error is not None and outcome.error is None:
                message = f"shard {delivery.shard}: {report.error.message}"
                outcome.error = ErrorInfo(reason=report.error.reason, message=message)
        outcome.invalid += [
            ShardLost(shard=shard, shards=self._shards, error=why)
            for shard, why in sorted(self._workers.losses.items())
            if shard < self._shards
        ]
        outcome.metrics["krobench.shards.count"] = float(1 + len(deliveries))
        begun = [d.began_seconds for d in deliveries if d.began_seconds is not None]
        if self.began_seconds is None or not begun:
            for name in (_START_SPREAD, _CLOCK_UNCERTAINTY):
                outcome.metrics[name] = None
                outcome.unavailable[name] = TooFewShards()
            return
        everyone = [self.began_seconds, *begun]
        uncertainty = max(d.clock_uncertainty_seconds for d in deliveries)
        outcome.metrics[_START_SPREAD] = round(max(everyone) - min(everyone), 6)
        outcome.metrics[_CLOCK_UNCERTAINTY] = round(uncertainty, 6)


def open_iteration(
    client: KubeClient,
    clock: RunClock,
    plan: IterationPlan,
    workers: Workers | None,
    timing: Timing,
) -> Iteration:
    """Return an iteration of this process alone, or of all shards of the test."""
    if workers is None or plan.test.load.shards == 1:
        return Iteration(client, clock, plan, timing)
    return CoordinatorIteration(client, clock, plan, workers, timing)


def moved(record: ObjectRecord, seconds: float) -> ObjectRecord:
    """Return the record with all its times moved by as much."""
    values = {name: getattr(record, name) for name in _TIMES}
    later = {name: value + seconds for name, value in values.items() if value is not None}
    return replace(record, **later)
