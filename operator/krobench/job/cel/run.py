"""Running a test of expressions.

All its iterations run together: they share the RGDs, each of which takes a second to create.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from krobench.analysis.cel.costs import summarise
from krobench.analysis.cel.samples import lines_of
from krobench.analysis.krosettings import KroHabits
from krobench.analysis.validity.judge import validity_of_test
from krobench.analysis.validity.kro import causes_of_kro
from krobench.analysis.validity.surroundings import clock_jumps
from krobench.api.common import TIMEOUT, ErrorInfo, rfc3339, utc_now
from krobench.collect.celcounters import KroCounters
from krobench.collect.source import SourceUnavailableError
from krobench.job.cel.measure import CelMeasurement, failures
from krobench.job.cel.restart import RestartMeasurement
from krobench.job.context import RunContext, keep_profile
from krobench.job.errors import AbortedError
from krobench.job.kro.restart import restart_kro
from krobench.job.kro.rollout import NotStartedError
from krobench.job.preflight import ensure_namespace
from krobench.job.profiling import Profiling
from krobench.kube.errors import KubeError
from krobench.kube.kro import KroPod
from krobench.load.cleanup import RunCleanup
from krobench.load.expressions import Carrier, ExpressionError, ExpressionLoad
from krobench.load.failures import ApiServerInDistressError, ForbiddenError
from krobench.load.iteration import Iteration
from krobench.record.test import TestRecord, TestState
from krobench.workload.blueprint import WorkloadError
from krobench.workload.cel import expressions_of
from krobench.workload.iterationplan import plan_iteration
from krobench.workload.testplan import TestPlan


@dataclass
class _Bench:
    """What a measurement of expressions works with."""

    measurement: CelMeasurement
    load: ExpressionLoad
    carriers: Sequence[Carrier]
    habits: KroHabits
    kro: KroPod
    stack: AsyncExitStack
    """Closes what the measurement has opened."""


Work = Callable[[_Bench], Coroutine[Any, Any, None]]


class CelRun:
    """Runs one test of expressions."""

    def __init__(self, context: RunContext, plan: TestPlan, record: TestRecord) -> None:
        self.plan = plan
        self._context = context
        self._record = record
        self._measurement: CelMeasurement | None = None
        self.current: Iteration | None = None
        """Always None: the activity describes its progress."""

    @property
    def ended(self) -> bool:
        return self._record.end_time is not None

    @property
    def iterations_over(self) -> int:
        if self.ended:
            return self.plan.total_iterations
        return self._measurement.rounds_done if self._measurement else 0

    async def take_turn(self, index: int, kro: KroPod) -> None:
        """Run all iterations, whatever the index."""
        del index
        context, record = self._context, self._record
        started = context.clock.now()
        record.state = TestState.RUNNING
        record.start_time = rfc3339(utc_now())
        await context.publish()
        try:
            record.error = await self._run(kro)
        except AbortedError as error:
            record.error = error.info
        except WorkloadError as error:
            record.error = ErrorInfo(reason="InvalidWorkload", message=f"spec.{error}")
        record.validity = validity_of_test(record, context.validity.ignore)
        record.success = record.error is None
        record.state = TestState.SUCCEEDED if record.success else TestState.FAILED
        record.end_time = rfc3339(utc_now())
        record.duration_seconds = round(context.clock.now() - started, 3)

    async def profile(self, kro: KroPod) -> None:
        """Profile kro while it evaluates all expressions, if asked for and the test passed."""
        context, record = self._context, self._record
        if not self.plan.profiles or record.error is not None:
            return
        seconds = self.plan.profile_window_seconds or context.timing.cel_profile
        test = replace(self.plan, profile_window_seconds=seconds)

        async def work(bench: _Bench) -> None:
            await bench.measurement.set_up()
            self._report("profile")
            await profiling.begin(test.profiled_index)
            await bench.measurement.go_on(seconds)
            await profiling.end()

        async with Profiling(context.client, kro, test) as profiling:
            if await profiling.prepare([]):
                error = await self._with_measurement(test.profiled_index, kro, work)
                await self._tear_down(error is None)
                if error is not None:
                    context.warn(f"{test.name}: the profiled iteration failed: {error.message}")
            await keep_profile(context, test, record, profiling)

    async def _run(self, kro: KroPod) -> ErrorInfo | None:
        context = self._context

        async def work(bench: _Bench) -> None:
            self._measurement = measurement = bench.measurement
            assert self.plan.workload.cel is not None
            measurement.samples.restarts_wanted = self.plan.workload.cel.restarts
            async with self._monitored():
                await measurement.set_up(memory_rounds=self.plan.iterations)
                await measurement.measure(self.plan.iterations, self.plan.warmup)
            await self._measure_restarts(bench)

        error = await self._with_measurement(0, kro, work)
        assert self._measurement is not None
        samples = self._measurement.samples
        self._record.cel = summarise(samples)
        context.cel.extend(lines_of(self._record.name, samples))
        error = error or failures(samples)
        await context.publish()
        await self._tear_down(error is None)
        return error

    @asynccontextmanager
    async def _monitored(self) -> AsyncIterator[None]:
        """Observe kro meanwhile, and record what makes the measurement invalid."""
        context, plan = self._context, self.plan
        async with context.monitor(plan) as monitor:
            try:
                yield
            finally:
                observation = await monitor.finish()
                self._record.causes = [
                    *causes_of_kro(observation.first, observation.moments),
                    *clock_jumps(observation.moments),
                ]

    async def _measure_restarts(self, bench: _Bench) -> None:
        """Measure the restarts of kro that the test asks for."""
        samples = bench.measurement.samples
        names = {carrier.rgd.name: carrier.expression.name for carrier in bench.carriers}
        restarts = RestartMeasurement(
            bench.load,
            bench.measurement.carriers,
            names,
            samples,
            bench.habits,
            self._context.timing,
        )
        for number in range(samples.restarts_wanted):
            self._report(f"restart {number + 1} of {samples.restarts_wanted}")
            await restarts.measure(partial(self._restart, bench))

    async def _restart(self, bench: _Bench) -> KroCounters:
        context, plan = self._context, self.plan
        context.expect_another_kro()
        bench.kro = await restart_kro(context.client, plan.target, bench.kro, context.timing)
        counters = KroCounters(context.client, bench.kro, plan.target.pprof_port)
        bench.stack.push_async_callback(counters.close)
        return counters

    async def _with_measurement(self, index: int, kro: KroPod, work: Work) -> ErrorInfo | None:
        """Do this with RGDs and instances of their own; returns the error, if any."""
        context, cel = self._context, self.plan.workload.cel
        assert cel is not None
        namespace = self.plan.namespace or context.run.own_namespace
        await ensure_namespace(context.client, context.run, namespace)
        plan = plan_iteration(context.run, self.plan, index)
        carriers = [
            Carrier(expression, rgd)
            for expression, rgd in zip(expressions_of(cel), plan.rgds, strict=True)
        ]
        habits = KroHabits.from_arguments(kro.fingerprint.args)
        async with AsyncExitStack() as stack:
            counters = KroCounters(context.client, kro, self.plan.target.pprof_port)
            stack.push_async_callback(counters.close)
            load = await stack.enter_async_context(
                ExpressionLoad(context.client, context.clock, plan, context.timing)
            )
            measurement = CelMeasurement(
                load, counters, carriers, self._report, habits, context.timing
            )
            bench = _Bench(measurement, load, carriers, habits, kro, stack)
            error = await self._guarded(work(bench))
            context.objects.extend(load.records)
        return error

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> ErrorInfo | None:
        seconds = self.plan.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                await work
        except TimeoutError:
            return ErrorInfo(
                reason=TIMEOUT,
                message=f"the test timed out after {seconds:g}s, with "
                f"{self.iterations_over} of {self.plan.total_iterations} iterations"
                f"{self._restarts_done()} done",
            )
        except ExpressionError as error:
            return error.info
        except SourceUnavailableError as error:
            return ErrorInfo(reason="KroMetricsUnavailable", message=str(error))
        except NotStartedError as error:
            return ErrorInfo(reason="KroNotStarted", message=str(error))
        except (KubeError, ForbiddenError, ApiServerInDistressError) as error:
            return ErrorInfo(reason="ApiError", message=str(error))
        return None

    def _restarts_done(self) -> str:
        samples = self._measurement.samples if self._measurement else None
        if samples is None or not samples.restarts_wanted:
            return ""
        return f" and {len(samples.restarts)} of {samples.restarts_wanted} restarts of kro"

    async def _tear_down(self, success: bool) -> None:
        context = self._context
        if context.cleanup.keeps(success=success):
            return
        self._report("clean-up")
        prefix = f"{context.run.prefix}{self.plan.index}-"
        cleanup = RunCleanup(context.client, context.run.uid, prefix, context.timing)
        teardown = await cleanup.delete_objects(self.plan.deletion_timeout_seconds)
        if teardown.error is not None:
            context.warn(f"{self.plan.name}: clean-up: {teardown.error.message}")

    def _report(self, activity: str) -> None:
        self._context.report(f"{self.plan.name}: {activity}")
