"""One iteration of a test: set-up, run, and the timed deletion of what it created."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from krobench.api.common import ITERATION_LABEL, RUN_LABEL, TEST_LABEL, TIMEOUT, ErrorInfo
from krobench.figures.environment import Replacement
from krobench.figures.rawdata import ObjectRecord
from krobench.figures.reasons.figures import AnyReason
from krobench.findings.validity import AnyCause
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.timing import Timing
from krobench.load.background import BackgroundLoad
from krobench.load.children import Children
from krobench.load.cloud import Simulation
from krobench.load.driver import FAILURES, Driver, EndedEarlyError, explain
from krobench.load.lifecycle import (
    RGDS_PATH,
    apply_instance,
    apply_rgd,
    common_error,
    crds_of_kinds,
    find_kind,
    last_established,
    observe_compilation,
)
from krobench.load.loops import RunClock, cancel, from_now, run_together
from krobench.load.observer import Apply, Followed, Observer
from krobench.load.operations import KindCount, Operations, Target
from krobench.load.overhead import Overhead
from krobench.load.probe import WatchLag, WatchProbe
from krobench.record.test import BackgroundRecord, Soak
from krobench.workload.iterationplan import IterationPlan, RgdPlan
from krobench.workload.phases import PhasePlan
from krobench.workload.source import OWN_RGD


@dataclass
class PhaseOutcome:
    """When a phase started and ended."""

    plan: PhasePlan
    started_seconds: float
    ended_seconds: float | None = None
    schedule: tuple[float, ...] | None = None
    """The intended times of its operations; None in a closed loop."""


@dataclass
class Outcome:
    """The result of an iteration; times are seconds on the run's clock."""

    started_seconds: float
    run_started_seconds: float | None = None
    run_ended_seconds: float | None = None
    ended_seconds: float | None = None
    soak_ended_seconds: float | None = None
    """End of the soak, in which all that is ready is kept and sampled; None without a soak."""
    soak: Soak | None = None
    """What is recorded of the soak."""
    rgds_existed: bool = False
    """Whether its RGDs were there before, so that their creation was not timed."""
    error: ErrorInfo | None = None
    records: list[ObjectRecord] = field(default_factory=list)
    watch_interruptions: int = 0
    phases: list[PhaseOutcome] = field(default_factory=list)
    """The phases that were started."""
    children_unavailable: AnyReason | None = None
    """Why the first and last child of instances could not be timed."""
    children_unwatched: Mapping[str, AnyReason] = field(default_factory=dict)
    """Why children of some kinds were not seen, by kind."""
    watch_lag: WatchLag | None = None
    background: BackgroundRecord | None = None
    """What was sent beside the load; None if nothing was asked for."""
    cloud: Simulation | None = None
    """How cloud resources were made ready; None with another workload."""
    compilation_unavailable: AnyReason | None = None
    """Why the compilation of RGDs could not be timed."""
    invalid: list[AnyCause] = field(default_factory=list)
    """Why the measurement is not what the spec asks for."""
    metrics: dict[str, float | None] = field(default_factory=dict)
    unavailable: dict[str, AnyReason] = field(default_factory=dict)
    """Why a metric is None."""
    replacements: list[Replacement] = field(default_factory=list)
    """When phases replaced kro's pods."""
    requests_elsewhere: int = 0
    """Requests of the run phase that other shards sent."""
    watch_interruptions_elsewhere: int = 0


ReplaceKro = Callable[[PhasePlan, Sequence[KindCount]], Coroutine[None, None, None]]
"""Replaces kro's pods in a phase, while so many instances exist, and waits until kro is back."""

_DELETE_CONCURRENCY = 16
_UNANSWERED_RGDS = 16


class Iteration:
    """Runs one iteration; an async context manager, on whose exit the watches end."""

    def __init__(
        self,
        client: KubeClient,
        clock: RunClock,
        plan: IterationPlan,
        timing: Timing | None = None,
    ) -> None:
        self._timing = timing or Timing()
        self._client = client
        self._clock = clock
        self._plan = plan
        self._driver = Driver(client, clock, plan)
        self._stack = AsyncExitStack()
        self._observers: list[Observer] = []
        self._targets: list[Target] = []
        self._children = Children(client, clock, plan.namespace)
        self._operations = Operations(self._driver, clock, plan, self._children)
        self.outcome = Outcome(clock.now(), rgds_existed=plan.has_rgds_already)
        self.load_from_seconds = 0.0
        """When the API server answers requests for new kinds without delay."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    @property
    def ready_count(self) -> int:
        """Instances that are ready so far."""
        return sum(
            followed.record.ready_seconds is not None
            for target in self._targets
            for followed in target.observer.all()
        )

    @property
    def ready_latencies(self) -> list[float]:
        """The time that each instance took that is ready so far, of this process alone."""
        records = (
            followed.record for target in self._targets for followed in target.observer.all()
        )
        return [
            line.ready_seconds - line.start_seconds
            for line in records
            if line.ready_seconds is not None
        ]

    @property
    def instance_count(self) -> int:
        """Instances that are to become ready."""
        return self._plan.test.created_instances

    async def set_up(self) -> None:
        """Create the RGDs that do not exist, and wait until each is ready.

        Errors go to the outcome.
        """
        if self._plan.has_rgds_already:
            made = self._observe_instances(self._instance_selector(), {})
            await self._guarded(made, "the kinds were found")
        else:
            await self._guarded(self._create_rgds(), "the RGDs were ready")

    async def run(
        self, between_phases: Callable[[], Awaitable[None]], replace_kro: ReplaceKro | None = None
    ) -> None:
        """Carry out all phases until each has taken effect, or one fails: that goes to the outcome.

        ``between_phases`` is called before each phase but the first, ``replace_kro`` in one that
        replaces kro.
        """
        outcome = self.outcome
        await self._clock.sleep_until(self.load_from_seconds)
        outcome.run_started_seconds = self._clock.now()
        cost = Overhead()
        async with self._probe() as probe, self._background() as background:
            for phase in self._plan.test.phases:
                if phase.index:
                    await between_phases()
                begun = PhaseOutcome(phase, self._clock.now())
                outcome.phases.append(begun)
                arrivals = phase.schedule()
                if arrivals is not None:
                    begun.schedule = from_now(arrivals, self._clock)
                goal = "all instances were ready"
                if len(self._plan.test.phases) > 1:
                    goal = f"phase {phase.index + 1}, {phase.operation}, was done"
                if phase.operation.replaces_kro:
                    assert replace_kro is not None, "given with tests that have such a phase"
                    work = replace_kro(phase, [target.living() for target in self._targets])
                else:
                    work = self._operations.carry_out(phase, begun.schedule)
                await self._guarded(self._unless_all_fail(work), goal)
                begun.ended_seconds = outcome.run_ended_seconds = self._clock.now()
                if outcome.error is not None:
                    break
        outcome.watch_lag = probe.result()
        outcome.background = background.result()
        costs = (*(observer.cost for observer in self._observers), *self._children.costs)
        values, unavailable = cost.metrics(costs)
        outcome.metrics |= values
        outcome.unavailable |= unavailable

    def _probe(self) -> WatchProbe:
        plan = self._plan
        name = f"{plan.prefix}watch-probe"
        return WatchProbe(
            self._client, self._clock, plan.namespace, name, plan.labels, self._timing
        )

    def _background(self) -> BackgroundLoad:
        plan = self._plan
        asked = plan.test.load.background
        return BackgroundLoad(
            self._client, self._clock, plan.namespace, plan.prefix, plan.labels, asked
        )

    def finish(self) -> Outcome:
        """Return the result: what has been measured up to now."""
        outcome = self.outcome
        outcome.ended_seconds = self._clock.now()
        outcome.records = [f.record for observer in self._observers for f in observer.all()]
        outcome.records += self._operations.records
        outcome.children_unavailable = self._children.unavailable
        outcome.children_unwatched = self._children.unwatched
        own = sum(o.interruptions for o in self._observers)
        outcome.watch_interruptions = own + outcome.watch_interruptions_elsewhere
        for observer in self._observers:
            for followed in observer.all():
                if followed.record.ready_seconds is None and followed.record.error is None:
                    followed.record.error = followed.problem
        return outcome

    async def delete_instances(self, timeout_seconds: float) -> None:
        """Delete all instances, and time each until it is gone.

        It leaves what is not deleted in time, and all instances of an RGD that somebody deleted, as
        kro would never finish these.
        """
        if self._lost_rgd() is not None:
            return
        gate = asyncio.Semaphore(_DELETE_CONCURRENCY)

        async def delete(path: str, followed: Followed) -> None:
            async with gate:
                line = followed.record
                metadata = {"namespace": line.namespace, "name": line.name}
                manifest = {"kind": line.kind, "metadata": metadata}
                record = self._driver.record(manifest, "delete-instance")
                self.outcome.records.append(record)
                gone = await self._operations.delete(f"{path}/{line.name}", followed, record)
            if gone is not None:
                await gone

        deletions = [
            delete(target.path, followed)
            for target in self._targets
            for followed in target.observer.all()
            if followed.record.acknowledged_seconds is not None and followed.deletion is None
        ]
        # The cleanup that follows deletes what is left, and reports what it cannot delete.
        with contextlib.suppress(TimeoutError, KubeError):
            async with asyncio.timeout(timeout_seconds):
                await run_together(deletions)

    async def _guarded(self, work: Coroutine[None, None, None], goal: str) -> None:
        """Await ``work`` within the rest of the test's timeout; a failure goes to the outcome."""
        deadline = self.outcome.started_seconds + self._plan.test.timeout_seconds
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.now())):
                await work
        except TimeoutError:
            self.outcome.error = ErrorInfo(reason=TIMEOUT, message=self._timeout_message(goal))
        except FAILURES as error:
            self.outcome.error = explain(error)

    async def _unless_all_fail(self, work: Coroutine[None, None, None]) -> None:
        """Await ``work``; give up if all instances that wait report one error for long.

        Raises:
            EndedEarlyError: if they do.
        """
        task = asyncio.ensure_future(work)
        since, before = self._clock.now(), (-1, "")
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=self._timing.same_error_poll)
                error = common_error(f for target in self._targets for f in target.observer.all())
                now = (self.ready_count, error or "")
                if error is None or now != before:
                    since, before = self._clock.now(), now
                elif self._clock.now() - since >= self._timing.same_error:
                    raise EndedEarlyError(
                        "InstancesFailed",
                        f"all instances that are not ready report the same error for "
                        f"{self._timing.same_error:g}s: {error}; correct the RGD or the values",
                    )
            await task
        finally:
            await cancel(task)

    def _lost_rgd(self) -> str | None:
        """Return the name of an RGD of this iteration that somebody has deleted, or None."""
        followed = (f for observer in self._observers for f in observer.all())
        rgds = (f for f in followed if f.record.operation == "create-rgd")
        return next((rgd.record.name for rgd in rgds if rgd.is_gone), None)

    def _timeout_message(self, goal: str) -> str:
        seconds = self._plan.test.timeout_seconds
        message = f"the timeout of {seconds:g}s expired before {goal}"
        followed = [f for observer in self._observers for f in observer.all()]
        if self._targets:
            message += f": {self.ready_count} of {self.instance_count} instances were ready"
        lost = self._lost_rgd()
        if lost is not None:
            return (
                f"{message}; somebody deleted RGD {lost} during the run, so kro no longer manages "
                "its instances"
            )
        for entry in followed:
            if entry.record.ready_seconds is None and entry.problem:
                return f"{message}; {entry.record.kind} {entry.record.name} says: {entry.problem}"
        return message

    async def _create_rgds(self) -> None:
        await self._refuse_existing_kind()
        selector = self._instance_selector()
        apply = partial(apply_rgd, grace_seconds=self._timing.rejection_grace)
        observer = await self._observe(RGDS_PATH, selector, apply)
        self.outcome.compilation_unavailable = await observe_compilation(self._stack, observer)
        gate = asyncio.Semaphore(_UNANSWERED_RGDS)
        made: dict[str, Followed] = {}

        async def create(rgd: RgdPlan) -> None:
            # Limits requests that wait for an answer, never RGDs that wait for others to become
            # ready: kro has all RGDs of a stage at once.
            async with gate:
                record = self._driver.record(rgd.manifest, "create-rgd")
                followed = made[rgd.name] = observer.follow(record)
                sent = await self._driver.create(RGDS_PATH, rgd.manifest, record)
            if not sent:
                raise EndedEarlyError("RGDRefused", f"RGD {rgd.name} was refused: {record.error}")
            await followed.ready

        for stage in self._plan.stages:
            await run_together(create(rgd) for rgd in stage)
        await self._observe_instances(selector, made)
        established = last_established((each.record for each in made.values()), self._clock.now())
        self.load_from_seconds = established + self._timing.new_kind_pause

    def _instance_selector(self) -> str:
        labels = self._plan.labels
        return ",".join(f"{key}={labels[key]}" for key in (RUN_LABEL, TEST_LABEL, ITERATION_LABEL))

    async def _observe_instances(self, selector: str, made: Mapping[str, Followed]) -> None:
        """Watch instances before they are created; ``made`` are the RGDs of this process."""
        for rgd in self._plan.targets:
            kind = await find_kind(self._client, rgd.name, self._timing)
            if kind is None:
                raise EndedEarlyError(
                    "CRDNotFound",
                    f"RGD {rgd.name} is Ready, but no CRD of kind {rgd.kind} has its label after "
                    f"{self._timing.kind_appears:g}s; check the log of kro",
                )
            namespace = self._plan.namespace if kind.namespaced else None
            path = paths.group(kind.group, rgd.version, kind.plural, namespace)
            apply = partial(apply_instance, ready=rgd.ready)
            watcher = await self._observe(path, selector, apply)
            followed = made.get(rgd.name)
            self._targets.append(Target(rgd, RGDS_PATH, followed, path, watcher, kind))
        self._operations.aim(self._targets)
        await self._children.watch(self._stack, [rgd.manifest for rgd in self._plan.targets])

    async def _observe(self, path: str, selector: str, apply: Apply) -> Observer:
        observer = Observer(self._client, self._clock, path, selector, apply)
        await self._stack.enter_async_context(observer)
        self._observers.append(observer)
        return observer

    async def _refuse_existing_kind(self) -> None:
        """Refuse a user's own kind that exists already: the cleanup would delete it."""
        if self._plan.test.workload_name != OWN_RGD:
            return
        for group in sorted({rgd.group for rgd in self._plan.rgds}):
            kinds = {rgd.kind for rgd in self._plan.rgds if rgd.group == group}
            for kind, crd in (await crds_of_kinds(self._client, group, kinds)).items():
                raise EndedEarlyError(
                    "KindExists",
                    f"kind {kind} in group {group} exists already ({crd}): set another kind or "
                    f"group in the RGD of {self._plan.test.field_prefix}workload.rgd",
                )
