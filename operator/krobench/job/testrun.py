"""Running one test: the turns of its iterations, each measured, stored, and then cleaned up."""

import asyncio
import logging
from collections.abc import Set
from dataclasses import replace

from krobench.analysis.bottlenecks.attribute import attribute
from krobench.analysis.iterations import summarise_test
from krobench.analysis.latencies import latencies
from krobench.analysis.precision import enough, headline
from krobench.analysis.validity.observations import too_few_samples
from krobench.analysis.validity.steady import (
    steady_state_of_test,
    unsteady_test,
)
from krobench.analysis.validity.verdict import validity_of_test
from krobench.collect.sampler import Collected, Sampler
from krobench.collect.sources import Scope
from krobench.job.context import RunContext, keep_profile
from krobench.job.errors import AbortedError
from krobench.job.iterationrecord import iteration_record
from krobench.job.judgement import judge
from krobench.job.preflight import api_group, ensure_namespace
from krobench.job.profiling import Profiling
from krobench.job.thresholds import decide
from krobench.job.watchman import Watchman
from krobench.kube.config import own_namespace
from krobench.kube.discover import KroPod
from krobench.load.iteration import Iteration, Outcome
from krobench.load.shard import open_iteration
from krobench.load.sweep import Sweeper
from krobench.model.benchmark import Cleanup
from krobench.model.common import ErrorInfo, rfc3339, utc_now
from krobench.model.environment import KroFingerprint
from krobench.model.rawlines import ObjectRecord
from krobench.model.record import IterationRecord, Teardown, TestRecord, TestState
from krobench.workload.blueprint import WorkloadError
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.testplan import TestPlan

logger = logging.getLogger(__name__)


class TestRun:
    """Runs one test turn by turn, others having theirs between, and fills in its record."""

    __test__ = False  # pytest would collect a class of this name

    def __init__(self, context: RunContext, plan: TestPlan, record: TestRecord) -> None:
        self.plan = plan
        self._context = context
        self._record = record
        self._objects: list[ObjectRecord] = []
        self._taken_seconds = 0.0
        self._kro: KroFingerprint | None = None
        self.current: Iteration | None = None

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to do: all iterations are done, or one has failed."""
        return self._record.end_time is not None

    @property
    def iterations_over(self) -> int:
        """Iterations that are done, or will not be done any more."""
        return self.plan.total_iterations if self.ended else len(self._record.iterations)

    def add_turn(self, timeout_seconds: float, *, warmup: bool) -> int:
        """Plan one more iteration of a test whose length is not known beforehand, within this
        time; the test is concluded anew when it has ended. Returns its index."""
        plan, record = self.plan, self._record
        index = len(record.iterations)
        measured = plan.iterations + (not warmup)
        self.plan = replace(
            plan,
            warmup=plan.warmup + warmup,
            iterations=measured,
            visits=(measured,),
            timeout_seconds=timeout_seconds,
        )
        record.planned_warmup += warmup
        record.planned_iterations += not warmup
        record.state, record.end_time = TestState.RUNNING, None
        return index

    def set_apart(self, index: int) -> None:
        """Book an iteration that says nothing as warm-up: another one is made instead of it."""
        self._set_apart({index})

    async def take_turn(self, index: int, kro: KroPod) -> None:
        """Run the iteration with this index; one that fails ends the test."""
        context, record = self._context, self._record
        started = context.clock.now()
        if record.start_time is None:
            record.state = TestState.RUNNING
            record.start_time = rfc3339(utc_now())
            # Said before the first object is created: whoever finds this Job dead cleans up then.
            await context.publish()
        self._kro = kro.fingerprint
        if self.plan.variant is not None:
            record.kro = kro.fingerprint
        try:
            await self._run_turn(index, kro)
        except AbortedError as error:
            record.error = error.info
        except WorkloadError as error:
            record.error = ErrorInfo(reason="InvalidWorkload", message=str(error))
        self._taken_seconds += context.clock.now() - started
        self._assess()
        if record.error or record.stop or index + 1 == self.plan.total_iterations:
            self._conclude()

    async def profile(self, kro: KroPod) -> None:
        """Profile kro in one more iteration, if asked for, once the test has ended well.

        Whatever becomes of it, the test's result stands.
        """
        context, test, record = self._context, self.plan, self._record
        if not test.profiles or record.error is not None:
            return
        async with Profiling(context.client, kro, test) as profiling:
            if await profiling.prepare(record.iterations):
                iteration = await self._iterate(test.profiled_index, kro, profiling)
                if iteration.error is not None:
                    reason = iteration.error.message
                    context.warn(f"{test.name}: the profiled iteration failed: {reason}")
            await keep_profile(context, test, record, profiling)

    async def _run_turn(self, index: int, kro: KroPod) -> None:
        iteration = await self._iterate(index, kro)
        if not self._has_result(iteration):
            self._record.error = iteration.error

    def _has_result(self, iteration: IterationRecord) -> bool:
        return iteration.success or (self.plan.timeout_is_result and iteration.timed_out)

    async def _iterate(
        self, index: int, kro: KroPod, profiling: Profiling | None = None
    ) -> IterationRecord:
        context = self._context
        await ensure_namespace(
            context.client, context.run, self.plan.namespace or context.run.namespace
        )
        plan = plan_iteration(context.run, self.plan, index)
        groups = frozenset({api_group(self.plan)})
        own = frozenset({plan.namespace, own_namespace() or plan.namespace})
        scope = Scope(self.plan.target, kro, context.collect, groups, context.clock.now, own)
        async with Sampler(context.client.config, scope) as sampler:
            iteration = await self._run_iteration(plan, sampler, profiling)
        context.samples.extend(sampler.take().samples)  # those of the tear-down
        return iteration

    async def _run_iteration(
        self, plan: IterationPlan, sampler: Sampler, profiling: Profiling | None
    ) -> IterationRecord:
        context = self._context
        label = f"{plan.test.name}: iteration {plan.index + 1} of {plan.test.total_iterations}"
        if plan.profiled:
            label = f"{plan.test.name}: profiled iteration"
        start_time = rfc3339(utc_now())
        # Before the set-up begins, as what it took is told from what there was.
        await sampler.snapshot()
        known = context.known_kro(plan.test.target, plan.test.variant)
        async with (
            Watchman(context.client, context.clock, plan.test.target, known) as watchman,
            open_iteration(context.client, context.clock, plan, context.crew) as iteration,
        ):
            self.current = iteration
            context.tell(f"{label}: RGDs")
            await iteration.set_up()
            requests_before = requests_during = 0
            if iteration.outcome.error is None:
                await sampler.snapshot()
                requests_before = context.client.requests.total() + sampler.requests
                context.tell(label)
                if profiling is not None:
                    await profiling.begin(plan.index)
                await iteration.run(sampler.snapshot)
                requests_during = context.client.requests.total() + sampler.requests
                requests_during -= requests_before
                await sampler.snapshot()
                if profiling is not None:
                    await profiling.end()
            outcome = iteration.finish()
            await self._hold(outcome, sampler)
            if context.prometheus is not None:
                await context.prometheus.add_to(outcome, context.clock)
            collected = sampler.take()
            record = self._measure(plan, outcome, collected, start_time, requests_during)
            watched = await watchman.finish()
            record.validity = judge(
                record,
                outcome,
                watched,
                collected,
                sampler.intervals,
                context.nodes,
                context.validity,
            )
            self._keep(record, outcome, collected)
            await context.publish()
            context.tell(f"{label}: clean-up")
            record.teardown = await self._tear_down(plan, iteration, self._has_result(record))
        self.current = None
        return self._book_teardown(plan, record, iteration.outcome)

    async def _hold(self, outcome: Outcome, sampler: Sampler) -> None:
        """Keep all that is ready for as long as was asked for, and go on sampling."""
        if self.plan.hold_seconds and outcome.error is None:
            self._context.tell(f"{self.plan.name}: hold for {self.plan.hold_seconds:g}s")
            await asyncio.sleep(self.plan.hold_seconds)
            await sampler.snapshot()
            outcome.held_until_seconds = self._context.clock.now()

    def _measure(
        self,
        plan: IterationPlan,
        outcome: Outcome,
        collected: Collected,
        start_time: str,
        requests: int,
    ) -> IterationRecord:
        for restart in collected.kro_restarts:
            self._context.warn(f"{plan.test.name}, iteration {plan.index + 1}: {restart}")
        return iteration_record(plan, outcome, collected, start_time, requests)

    def _keep(self, record: IterationRecord, outcome: Outcome, collected: Collected) -> None:
        self._record.iterations.append(record)
        self._objects += outcome.records
        self._context.objects.extend(outcome.records)
        self._context.samples.extend(collected.samples)
        self._record.summary = summarise_test(self._record.iterations, self._objects)

    async def _tear_down(
        self, plan: IterationPlan, iteration: Iteration, success: bool
    ) -> Teardown:
        policy = self._context.cleanup
        if policy is Cleanup.NEVER or (policy is Cleanup.ON_SUCCESS and not success):
            return Teardown(done=False)
        timeout_seconds = plan.test.deletion_timeout_seconds
        started = self._context.clock.now()
        await iteration.delete_instances(timeout_seconds)
        left = timeout_seconds - (self._context.clock.now() - started)
        sweeper = Sweeper(
            self._context.client,
            self._context.run,
            rgd_prefix=f"{self._context.run.prefix}{plan.test.index}-{plan.index}-",
        )
        teardown = await sweeper.sweep(max(1.0, left))
        teardown.duration_seconds = round(self._context.clock.now() - started, 3)
        return teardown

    def _book_teardown(
        self, plan: IterationPlan, record: IterationRecord, outcome: Outcome
    ) -> IterationRecord:
        deletions = [
            line
            for line in outcome.records
            if line.operation == "delete-instance" and line.step is None
        ]
        self._objects += deletions
        self._context.objects.extend(deletions)
        record.latency.instance_gone = latencies(outcome.records).instance_gone
        self._record.summary = summarise_test(self._record.iterations, self._objects)
        if record.teardown is not None and record.teardown.error is not None:
            self._context.warn(
                f"{plan.test.name}: clean-up of iteration {plan.index + 1}: "
                f"{record.teardown.error.message}"
            )
        return record

    def _assess(self) -> None:
        record, plan = self._record, self.plan
        record.headline = headline(record.iterations)
        if plan.precision is not None and record.error is None:
            record.stop = enough(plan.precision, plan.iterations, record.iterations)

    def _set_apart(self, cut: Set[int]) -> None:
        """Book measured iterations as warm-up, which they turned out to be."""
        record = self._record
        for done in record.iterations:
            done.warmup = done.warmup or done.index in cut

        def mend(line: ObjectRecord) -> None:
            if line.test == record.name and line.iteration in cut:
                line.warmup = True

        for line in self._objects:
            mend(line)
        self._context.objects.rewrite(mend)
        record.planned_warmup += len(cut)
        record.planned_iterations -= len(cut)
        record.summary = summarise_test(record.iterations, self._objects)
        record.headline = headline(record.iterations)

    def _conclude(self) -> None:
        record = self._record
        record.steady_state = steady_state_of_test(record.iterations)
        if self.plan.detects_warmup and self.plan.variant is None and record.steady_state.cut:
            measured = [done.index for done in record.iterations if not done.warmup]
            self._set_apart(set(measured[: record.steady_state.cut]))
        if record.stop is not None:
            record.planned_iterations = sum(not done.warmup for done in record.iterations)
        record.end_time = rfc3339(utc_now())
        record.duration_seconds = round(self._taken_seconds, 3)
        record.success = record.error is None
        record.state = TestState.SUCCEEDED if record.success else TestState.FAILED
        record.thresholds = decide(self.plan.thresholds, record)
        record.causes = [*unsteady_test(record), *too_few_samples(record)]
        record.validity = validity_of_test(record, self._context.validity.ignore)
        record.attribution = attribute(record, self._kro, self._context.nodes)


def planned(plan: TestPlan) -> TestRecord:
    """Return the record of a test before its first turn."""
    return TestRecord(
        name=plan.name,
        variant=plan.variant,
        workload=plan.workload_name,
        planned_iterations=plan.most_iterations,
        planned_warmup=plan.warmup,
        instances=plan.workload.instances,
        steps=[step.operation for step in plan.steps] if len(plan.steps) > 1 else [],
        rgds=plan.workload.rgds,
        load=plan.load,
        concurrency=None if plan.load.arrival.open_loop else plan.concurrency,
        timeout_seconds=plan.timeout_seconds,
    )
