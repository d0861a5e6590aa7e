"""Running one test: its iterations, each measured, stored and then cleaned up."""

from dataclasses import replace

from krobench.api.common import ErrorInfo, rfc3339, utc_now
from krobench.collect.sampler import Collected, Sampler
from krobench.collect.sources import Scope
from krobench.figures.environment import KroFingerprint
from krobench.job.assessment import iteration_record, judge
from krobench.job.context import RunContext, keep_profile
from krobench.job.errors import AbortedError
from krobench.job.preflight import ensure_namespace
from krobench.job.profiling import Profiling
from krobench.job.recorder import Recorder
from krobench.job.soak import hold, not_steady
from krobench.kube.config import own_namespace
from krobench.kube.kro import KroPod
from krobench.load.cleanup import RunCleanup
from krobench.load.iteration import Iteration, Outcome
from krobench.load.shard import open_iteration
from krobench.record.iteration import IterationRecord, Teardown
from krobench.record.test import TestRecord, TestState
from krobench.workload.blueprint import WorkloadError
from krobench.workload.iterationplan import IterationPlan, plan_iteration
from krobench.workload.testplan import TestPlan


class TestRun:
    """Runs one test, iteration by iteration, and fills in its record."""

    __test__ = False  # pytest would collect a class of this name

    def __init__(self, context: RunContext, plan: TestPlan, record: TestRecord) -> None:
        self.plan = plan
        self._context = context
        self._record = record
        self._recorder = Recorder(context, record)
        self._taken_seconds = 0.0
        self._kro: KroFingerprint | None = None
        self._warned_unsteady = False
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
        plan = self.plan
        measured = plan.iterations + (not warmup)
        self.plan = replace(
            plan,
            warmup=plan.warmup + warmup,
            iterations=measured,
            visits=(measured,),
            timeout_seconds=timeout_seconds,
        )
        self._recorder.extend(warmup=warmup)
        return len(self._record.iterations)

    def set_apart(self, index: int) -> None:
        """Book an iteration that says nothing as warm-up: another one is made instead of it."""
        self._recorder.set_apart({index})

    async def take_turn(self, index: int, kro: KroPod) -> None:
        """Run the iteration with this index; one that fails ends the test."""
        context, record = self._context, self._record
        started = context.clock.now()
        if record.start_time is None:
            record.state = TestState.RUNNING
            record.start_time = rfc3339(utc_now())
            # Stored before the first object is created: if this Job dies, the operator cleans up.
            await context.publish()
        self._kro = kro.fingerprint
        if self.plan.variant is not None:
            record.kro = kro.fingerprint
        try:
            iteration = await self._iterate(index, kro)
            if not self._has_result(iteration):
                record.error = iteration.error
        except AbortedError as error:
            record.error = error.info
        except WorkloadError as error:
            record.error = ErrorInfo(reason="InvalidWorkload", message=f"spec.{error}")
        self._taken_seconds += context.clock.now() - started
        self._recorder.assess(self.plan)
        if record.error or record.stop or index + 1 == self.plan.total_iterations:
            self._recorder.conclude(self.plan, self._taken_seconds, self._kro)

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
                # One that shows what kro does not bear is expected not to be ready in time.
                if iteration.error is not None and not self._has_result(iteration):
                    reason = iteration.error.message
                    context.warn(f"{test.name}: the profiled iteration failed: {reason}")
            await keep_profile(context, test, record, profiling)

    def _has_result(self, iteration: IterationRecord) -> bool:
        return iteration.success or (self.plan.timeout_is_result and iteration.timed_out)

    async def _iterate(
        self, index: int, kro: KroPod, profiling: Profiling | None = None
    ) -> IterationRecord:
        context = self._context
        await ensure_namespace(
            context.client, context.run, self.plan.namespace or context.run.own_namespace
        )
        plan = plan_iteration(context.run, self.plan, index)
        groups = frozenset({self.plan.api_group})
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
        start_time = rfc3339(utc_now())
        # Before the set-up begins, as what it took is told from what there was.
        await sampler.snapshot()
        async with (
            context.monitor(plan.test) as monitor,
            open_iteration(
                context.client, context.clock, plan, context.crew, context.timing
            ) as iteration,
        ):
            self.current = iteration
            requests = await self._drive(plan, iteration, sampler, profiling)
            outcome = iteration.finish()
            if not plan.profiled:  # what is held is in no profile
                await self._hold(plan, outcome, sampler)
            if context.prometheus is not None:
                await context.prometheus.add_to(outcome, context.clock)
            collected = sampler.take()
            self._warn_of_restarts(plan, collected)
            self._warn_of_silence(collected)
            record = iteration_record(plan, outcome, collected, start_time, requests)
            observation = await monitor.finish()
            record.validity = judge(
                record,
                outcome,
                observation,
                collected,
                sampler.intervals,
                context.nodes,
                context.validity,
            )
            self._recorder.add(record, outcome, collected)
            await context.publish()
            if not plan.test.leaves_objects:
                context.report(f"{_label(plan)}: clean-up")
                record.teardown = await self._tear_down(plan, iteration, self._has_result(record))
        self.current = None
        self._recorder.add_deletions(record, iteration.outcome)
        self._warn_of_remains(record)
        return record

    async def take_down(self) -> None:
        """Delete what its last iteration has left in place, and what that was built upon."""
        context, done = self._context, self._record.iterations
        if context.cleanup.keeps(success=self._record.error is None) or not done:
            return
        record = done[-1]
        context.report(f"{self.plan.name}: clean-up of this size and all smaller ones")
        started = context.clock.now()
        # Nothing else of the run exists by now.
        cleanup = RunCleanup(context.client, context.run.uid, timing=context.timing)
        record.teardown = await cleanup.delete_objects(self.plan.deletion_timeout_seconds)
        record.teardown.duration_seconds = round(context.clock.now() - started, 3)
        self._warn_of_remains(record)

    def _warn_of_remains(self, record: IterationRecord) -> None:
        error = record.teardown.error if record.teardown is not None else None
        if error is not None:
            number = record.index + 1
            self._context.warn(f"{self.plan.name}: clean-up of iteration {number}: {error.message}")

    async def _drive(
        self,
        plan: IterationPlan,
        iteration: Iteration,
        sampler: Sampler,
        profiling: Profiling | None,
    ) -> int:
        """Set up, and carry out all steps; returns krobench's own requests in the run phase."""
        context = self._context
        context.report(f"{_label(plan)}: RGDs")
        await iteration.set_up()
        if iteration.outcome.error is not None:
            return 0
        await sampler.snapshot()
        before = context.client.requests.total() + sampler.requests
        context.report(_label(plan))
        if profiling is not None:
            await profiling.begin(plan.index)
        await iteration.run(sampler.snapshot)
        requests = context.client.requests.total() + sampler.requests - before
        await sampler.snapshot()
        if profiling is not None:
            await profiling.end()
        return requests

    async def _hold(self, plan: IterationPlan, outcome: Outcome, sampler: Sampler) -> None:
        """Keep all that is ready for as long as was asked for, and go on sampling."""
        if not self.plan.soak_seconds or outcome.error is not None:
            return
        await hold(self._context, self.plan, outcome, sampler)
        assert outcome.soak is not None
        warning = not_steady(self.plan, outcome.soak)
        if warning is not None and not plan.warmup and not self._warned_unsteady:
            self._warned_unsteady = True
            self._context.warn(warning)

    def _warn_of_silence(self, collected: Collected) -> None:
        """Warn once in a run about each source without samples."""
        heard = {sample.source for sample in collected.samples}
        unheard: dict[str, str] = {
            source: gaps.problem for source, gaps in collected.gaps.items() if source not in heard
        }
        told = self._context.silent
        for part, problem in {**unheard, **collected.silent}.items():
            if part not in told:
                told.add(part)
                remedy = "; check spec.target.metricsPort" if part == "kro" else ""
                self._context.warn(
                    f"no samples of {part}, so its figures are not available: {problem}{remedy}"
                )

    def _warn_of_restarts(self, plan: IterationPlan, collected: Collected) -> None:
        for restart in collected.kro_restarts:
            self._context.warn(f"{plan.test.name}, iteration {plan.index + 1}: {restart}")

    async def _tear_down(
        self, plan: IterationPlan, iteration: Iteration, success: bool
    ) -> Teardown:
        context = self._context
        if context.cleanup.keeps(success=success):
            return Teardown(done=False)
        timeout_seconds = plan.test.deletion_timeout_seconds
        started = context.clock.now()
        await iteration.delete_instances(timeout_seconds)
        left = timeout_seconds - (context.clock.now() - started)
        prefix = f"{context.run.prefix}{plan.test.index}-{plan.index}-"
        cleanup = RunCleanup(context.client, context.run.uid, prefix, context.timing)
        teardown = await cleanup.delete_objects(max(1.0, left))
        teardown.duration_seconds = round(context.clock.now() - started, 3)
        return teardown


def _label(plan: IterationPlan) -> str:
    if plan.profiled:
        return f"{plan.test.name}: profiled iteration"
    return f"{plan.test.name}: iteration {plan.index + 1} of {plan.test.total_iterations}"
