"""Running one iteration: set-up, load, soak, storing, and only then the cleanup."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial

from krobench.analysis.scaling.steady import (
    COLLECTION_SECONDS,
    METRICS,
    SteadyCheck,
    check_steady,
)
from krobench.analysis.validity.krochanges import unexpected
from krobench.api.common import rfc3339, utc_now
from krobench.api.notation import duration_seconds
from krobench.api.specs.load import Operation
from krobench.collect.sampler import Collected, Sampler
from krobench.collect.sources import Scope
from krobench.figures.latencies import latencies
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.figures.reasons.base import QuotedReason
from krobench.figures.reasons.sources import SourceReason
from krobench.figures.series import Series
from krobench.kube.config import own_namespace
from krobench.kube.kropods import KroPod
from krobench.load.cleanup import RunCleanup
from krobench.load.cloud import CloudSimulator
from krobench.load.iteration import Iteration, Outcome
from krobench.load.leftovers import kinds_created
from krobench.load.loops import run_together
from krobench.load.operations import KindCount
from krobench.load.shard import open_iteration
from krobench.loadjob.assessment import Around, assess
from krobench.loadjob.ballast import BallastKeeper
from krobench.loadjob.cloud import create_cloud
from krobench.loadjob.context import RunContext
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.kro.replacement import KroReplacement
from krobench.loadjob.kro.variants import KroVariants
from krobench.loadjob.preflight import check_surroundings, ensure_namespace
from krobench.loadjob.prerequisites import create_prerequisites
from krobench.loadjob.profiling import Profiling
from krobench.loadjob.recorder import Recorder
from krobench.program.actions import CreateRgds, RunIteration, TakeDown
from krobench.record.test import IterationRecord, Soak, Teardown
from krobench.report.words.reasons import reason_line
from krobench.report.words.scaling import unsteady_line
from krobench.report.words.validity import restart_line
from krobench.workload.blueprint import WorkloadError
from krobench.workload.cloud import cloud_kind
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.phases import PhasePlan
from krobench.workload.testplan import TestPlan


class IterationRunner:
    """Runs iterations, one at a time."""

    def __init__(self, context: RunContext, variants: KroVariants | None = None) -> None:
        self._context = context
        self._variants = variants
        self._ballast = BallastKeeper(context)
        self._prepared: set[int] = set()
        """Tests whose prerequisites are there, by the index of their plans."""
        self._kinds_served_from = 0.0
        """When the API server answers requests for the kinds of kept RGDs without delay."""
        self._snapshot_seconds = 0.0
        """How long the latest snapshot of all took."""
        self._unsteady: set[str] = set()
        """Tests about whose unsteady kro the run has warned."""
        self.current: Iteration | None = None
        """The one that is running, for the progress."""
        self.sampler: Sampler | None = None
        """That of the running one."""

    async def run(
        self,
        action: RunIteration,
        kro: KroPod | None,
        recorder: Recorder,
        profiling: Profiling | None = None,
    ) -> IterationRecord:
        """Run an iteration; returns its complete record, cleanup included.

        Raises:
            AbortedError: if it cannot begin, or its results cannot be stored.
            WorkloadError: if its workload cannot be turned into objects.
        """
        context, test = self._context, action.plan
        await self._prepare(test)
        plan = plan_iteration(context.run, test, action.index)
        groups = test.api_groups
        own = frozenset({plan.namespace, own_namespace() or plan.namespace})
        scope = Scope(test.target, kro, context.collect, groups, context.clock.now, own)
        try:
            async with Sampler(context.client.config, scope) as sampler:
                self.sampler = sampler
                record, deletions = await self._run(plan, sampler, recorder, profiling)
        finally:
            self.current = self.sampler = None
        samples = sampler.take().samples  # those of the cleanup
        recorder.complete(record, deletions, samples)
        context.spent.add(test, record)
        context.warn_of_remains(test.name, record.index, record.teardown)
        return record

    async def create_rgds(self, action: CreateRgds) -> frozenset[int]:
        """Create the RGDs of several tests at once; returns the tests whose RGDs are ready.

        What is not ready is deleted: the test's own iteration creates it again, and says what is
        wrong with it.
        """
        context, plans = self._context, []
        started = context.clock.now()
        context.report(f"RGDs of all tests with variant {action.first[0].plan.variant}")
        for first in action.first:
            with contextlib.suppress(AbortedError, WorkloadError):  # its iteration will say so
                await self._prepare(first.plan)
                plans.append(plan_iteration(context.run, first.plan, first.index))
        ready: set[int] = set()
        async with contextlib.AsyncExitStack() as stack:
            made: list[Iteration] = []
            for plan in plans:
                context.created.update(kinds_created(rgd.manifest for rgd in plan.rgds))
                opened = Iteration(context.client, context.clock, plan, context.timing)
                made.append(await stack.enter_async_context(opened))
            await run_together(iteration.set_up() for iteration in made)
            for plan, iteration in zip(plans, made, strict=True):
                if iteration.outcome.error is None:
                    ready.add(plan.test.index)
                    served = iteration.load_from_seconds
                    self._kinds_served_from = max(self._kinds_served_from, served)
                else:
                    await self._cleanup(plan).delete_objects(plan.test.deletion_timeout_seconds)
        context.spent.set_up += context.clock.now() - started
        return frozenset(ready)

    async def _prepare(self, test: TestPlan) -> None:
        """Make what must be there before a test's RGDs.

        Raises:
            AbortedError: if that is not possible.
        """
        context, namespace = self._context, test.namespace or self._context.run.own_namespace
        await ensure_namespace(context.client, context.run, namespace)
        await self._ballast.ensure(test)
        if test.index not in self._prepared:
            await create_cloud(context, test)
            await create_prerequisites(context, test, namespace)
            await check_surroundings(context.client, context.run, test)
            self._prepared.add(test.index)

    async def _run(
        self,
        plan: IterationPlan,
        sampler: Sampler,
        recorder: Recorder,
        profiling: Profiling | None,
    ) -> tuple[IterationRecord, Sequence[ObjectRecord]]:
        """Returns the record, and the deletions of the cleanup."""
        context = self._context
        context.created.update(kinds_created(rgd.manifest for rgd in plan.rgds))
        start_time = rfc3339(utc_now())
        if not plan.has_rgds_already:
            await sampler.snapshot()  # before the set-up, as a baseline for what it takes
        kind, cloud = cloud_kind(context.run.short_id), plan.test.cloud
        async with (
            context.monitor(plan.test) as monitor,
            CloudSimulator(context.client, context.clock, plan.namespace, kind, cloud) as simulator,
            open_iteration(
                context.client, context.clock, plan, context.workers, context.timing
            ) as iteration,
        ):
            self.current = iteration
            requests = await self._drive(plan, iteration, sampler, profiling)
            outcome = iteration.finish()
            if plan.test.soak_seconds and outcome.error is None and not plan.profiled:
                await self._soak(plan, outcome, sampler)
            outcome.cloud = simulator.result()
            if context.prometheus is not None:
                await context.prometheus.add_to(outcome, context.clock)
            collected = sampler.take()
            collected.kro_restarts = unexpected(collected.kro_restarts, outcome.replacements)
            self._warn(plan, collected)
            around = Around(
                await monitor.finish(), sampler.intervals, context.nodes, start_time, requests
            )
            record = assess(plan, outcome, collected, around, context.validity)
            recorder.add(record, outcome.records, collected.samples)
            await context.publish()
            if plan.test.leaves_objects:
                return record, ()
            context.report(f"{_label(plan)}: cleanup")
            teardown = await self._clean_up(plan, iteration, has_result(plan.test, record))
        deletions = [
            line
            for line in iteration.outcome.records
            if line.operation == "delete-instance" and line.phase is None
        ]
        gone = latencies(iteration.outcome.records).instance_gone
        latency = record.latency.model_copy(update={"instance_gone": gone})
        changes = {"teardown": teardown, "latency": latency}
        return record.model_copy(update=changes), deletions

    async def _drive(
        self,
        plan: IterationPlan,
        iteration: Iteration,
        sampler: Sampler,
        profiling: Profiling | None,
    ) -> int:
        """Set up and run all phases; returns krobench's own requests in the run phase."""
        context = self._context
        context.report(f"{_label(plan)}: RGDs")
        await iteration.set_up()
        if iteration.outcome.error is not None:
            return 0
        # Sampling fits into the pause after a kind is new, as late as it can be.
        load_from = max(iteration.load_from_seconds, self._kinds_served_from)
        takes = sampler.snapshot_seconds or self._snapshot_seconds
        await context.clock.sleep_until(load_from - takes)
        await sampler.snapshot()
        await context.clock.sleep_until(load_from)
        before = context.client.requests.total() + sampler.requests
        context.report(_label(plan))
        if profiling is not None:
            await profiling.begin(plan.index)
        replace_kro = partial(self._replace_kro, plan, iteration.outcome)
        await iteration.run(sampler.snapshot, replace_kro)
        requests = context.client.requests.total() + sampler.requests - before
        await sampler.snapshot()
        self._snapshot_seconds = sampler.snapshot_seconds
        if profiling is not None:
            await profiling.end()
        return requests

    async def _replace_kro(
        self, plan: IterationPlan, outcome: Outcome, phase: PhasePlan, living: Sequence[KindCount]
    ) -> None:
        """Carry out a phase that replaces kro's pods; its figures go to the outcome."""
        context, name = self._context, phase.operation.value
        context.report(f"{_label(plan)}: {name} of kro")
        async with KroReplacement(
            context.client, context.clock, plan.test.target, context.timing, name, living
        ) as measurement:
            try:
                upgrade = plan.test.upgrade
                if phase.operation is Operation.UPGRADE:
                    assert upgrade is not None
                    assert self._variants is not None
                    await self._variants.announce(upgrade.name)
                    await measurement.upgrade(self._variants, upgrade.name)
                else:
                    await measurement.restart()
            finally:
                outcome.replacements.append(measurement.replacement)
                figures, unavailable = measurement.results()
                outcome.metrics |= figures
                outcome.unavailable |= unavailable

    async def _soak(self, plan: IterationPlan, outcome: Outcome, sampler: Sampler) -> None:
        test = plan.test
        found = await soak(self._context, test, outcome, sampler)
        if found.steady or test.steady_window_seconds is None or plan.warmup:
            return
        if test.name in self._unsteady:
            return
        self._unsteady.add(test.name)
        why = unsteady_line(found.unsteady, found.memory_bytes_per_second)
        seconds = f"{test.soak_seconds:g}s"
        if found.steady is None:
            said = f"whether kro was steady is unknown, so the soak lasted for its whole {seconds}"
        else:
            said = f"kro was not steady after a soak of {seconds}"
        self._context.warn(f"{test.name}: {said}: {why}")

    def _warn(self, plan: IterationPlan, collected: Collected) -> None:
        """Warn about restarts of kro, and once in a run about each source without samples."""
        context = self._context
        for restart in collected.kro_restarts:
            context.warn(f"{plan.test.name}, iteration {plan.index + 1}: {restart_line(restart)}")
        heard = {sample.source for sample in collected.samples}
        silent: dict[str, SourceReason | QuotedReason] = {
            s: gaps.last for s, gaps in collected.gaps.items() if s not in heard
        }
        for part, problem in {**silent, **collected.silent}.items():
            if part not in context.silent:
                context.silent.add(part)
                remedy = "; check spec.target.metricsPort" if part == "kro" else ""
                context.warn(
                    f"no samples of {part}, so its figures are not available: "
                    f"{reason_line(problem)}{remedy}"
                )

    async def _clean_up(self, plan: IterationPlan, iteration: Iteration, success: bool) -> Teardown:
        context = self._context
        if context.cleanup.keeps(success=success):
            return Teardown(done=False)
        timeout_seconds = plan.test.deletion_timeout_seconds
        started = context.clock.now()
        await iteration.delete_instances(timeout_seconds)
        left = max(1.0, timeout_seconds - (context.clock.now() - started))
        cleanup = self._cleanup(plan)
        if plan.test.keeps_rgds:
            teardown = await cleanup.delete_instances(left)
        else:
            teardown = await cleanup.delete_objects(left)
        seconds = round(context.clock.now() - started, 3)
        return teardown.model_copy(update={"duration_seconds": seconds})

    def _cleanup(self, plan: IterationPlan) -> RunCleanup:
        """Return a cleanup of an iteration's RGDs and of all instances that they have."""
        context = self._context
        return RunCleanup(context.client, context.run.uid, plan.rgd_prefix, context.timing)


async def take_down(context: RunContext, action: TakeDown, success: bool) -> Teardown | None:
    """Delete what iterations have left in place; None if the policy keeps it.

    With their namespaces, these may take longer: :func:`namespaces_gone` waits for them.
    """
    if context.cleanup.keeps(success=success):
        return None
    plan, started = action.plan, context.clock.now()
    cleanup = _cleanup_of(context, f"{context.run.prefix}{plan.index}-" if action.of_test else None)
    if action.with_namespace:
        context.report(f"cleanup of all tests with variant {plan.variant}")
        teardown = await cleanup.delete_with_namespaces()
    else:
        context.report(f"{plan.name}: cleanup of all that is in place")
        teardown = await cleanup.delete_objects(plan.deletion_timeout_seconds)
    seconds = round(context.clock.now() - started, 3)
    context.spent.cleanup += seconds
    return teardown.model_copy(update={"duration_seconds": seconds})


async def namespaces_gone(context: RunContext) -> Teardown:
    """Delete the namespaces that the run created, and wait until they are gone."""
    return await _cleanup_of(context, None).delete_namespaces()


def _cleanup_of(context: RunContext, rgd_prefix: str | None) -> RunCleanup:
    return RunCleanup(context.client, context.run.uid, rgd_prefix, context.timing, run_goes_on=True)


def has_result(test: TestPlan, iteration: IterationRecord) -> bool:
    """Whether an iteration is a result: if it succeeded, or if its timeout is a finding."""
    return iteration.success or (test.timeout_is_result and iteration.timed_out)


async def soak(context: RunContext, plan: TestPlan, outcome: Outcome, sampler: Sampler) -> Soak:
    """Keep everything for a time, or until kro is steady, while kro is sampled."""
    clock = context.clock
    began = clock.now()
    until = began + plan.soak_seconds
    check = _SteadyWatch(plan, outcome, sampler, context.timing.steady_window)
    if plan.steady_window_seconds is None:
        context.report(f"{plan.name}: soaking for {plan.soak_seconds:g}s")
        await clock.sleep_until(until)
    else:
        context.report(f"{plan.name}: soaking until kro is steady, at most {plan.soak_seconds:g}s")
        interval = duration_seconds(context.collect.interval)
        while not check.found.steady and (left := until - clock.now()) > 0:
            await asyncio.sleep(min(interval, left))
            check.look()
    # The last sample must lie after the end, or the end would not be covered.
    outcome.soak_ended_seconds = clock.now()
    await sampler.snapshot()
    if not check.found.steady:
        check.look()
    outcome.soak = Soak(
        seconds=round(outcome.soak_ended_seconds - began, 3),
        steady=check.found.steady,
        memory_bytes_per_second=check.found.memory_bytes_per_second,
        unsteady=list(check.found.findings),
    )
    return outcome.soak


class _SteadyWatch:
    """Judges from kro's samples whether kro is steady."""

    def __init__(
        self, plan: TestPlan, outcome: Outcome, sampler: Sampler, shortest_seconds: float
    ) -> None:
        assert outcome.run_ended_seconds is not None
        self.found = SteadyCheck()
        self._window_seconds = plan.steady_window_seconds
        if self._window_seconds is not None:
            self._window_seconds = max(shortest_seconds, self._window_seconds)
        self._began_seconds = outcome.run_ended_seconds
        self._sampler = sampler
        self._read = 0
        self._recent: list[Sample] = []

    def look(self) -> None:
        if self._window_seconds is None:
            return
        new = self._sampler.samples[self._read :]
        self._read += len(new)
        known = [*self._recent, *(s for s in new if s.source == "kro" and s.metric in METRICS)]
        last = max((sample.seconds for sample in known), default=0.0)
        # A soak may be long: keep only the samples that count.
        enough = 2 * (self._window_seconds + COLLECTION_SECONDS)
        self._recent = [sample for sample in known if sample.seconds >= last - enough]
        self.found = check_steady(Series(self._recent), self._began_seconds, self._window_seconds)


def _label(plan: IterationPlan) -> str:
    if plan.profiled:
        return f"{plan.test.name}: profiled iteration"
    return f"{plan.test.name}: iteration {plan.index + 1} of {plan.test.total_iterations}"
