"""Running a test of expressions.

All its iterations run together: they share the RGDs, each of which takes a second to create.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from krobench.analysis.cel.costs import summarise
from krobench.analysis.cel.samples import lines_of
from krobench.analysis.krosettings import KroHabits
from krobench.analysis.validity.krochanges import causes_of_kro
from krobench.analysis.validity.surroundings import clock_jumps
from krobench.api.common import TIMEOUT, ErrorInfo
from krobench.collect.kro import KroCounters
from krobench.collect.source import SourceUnavailableError
from krobench.figures.profile import TestProfile
from krobench.kube.errors import KubeError
from krobench.kube.kropods import KroPod
from krobench.load.cleanup import RunCleanup
from krobench.load.driver import ApiServerInDistressError, ForbiddenError
from krobench.load.expressions import Carrier, ExpressionError, ExpressionLoad
from krobench.loadjob.cel.measure import CelMeasurement, failures
from krobench.loadjob.cel.restart import RestartMeasurement
from krobench.loadjob.context import RunContext
from krobench.loadjob.kro.rollout import NotStartedError, restart_kro
from krobench.loadjob.preflight import ensure_namespace
from krobench.loadjob.profiling import Profiling
from krobench.loadjob.recorder import Recorder
from krobench.program.actions import RunIteration
from krobench.report.words.reasons import reason_line
from krobench.workload.cel.selection import expressions_of
from krobench.workload.iterationplan import plan_iteration
from krobench.workload.testplan import TestPlan


@dataclass
class _Bench:
    """What a measurement of expressions works with."""

    test: TestPlan
    measurement: CelMeasurement
    load: ExpressionLoad
    carriers: Sequence[Carrier]
    habits: KroHabits
    kro: KroPod
    stack: AsyncExitStack
    """Closes what the measurement has opened."""


Work = Callable[[_Bench], Coroutine[Any, Any, None]]


class CelRunner:
    """Runs tests of expressions, one at a time."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._measurement: CelMeasurement | None = None

    async def run(self, action: RunIteration, kro: KroPod, recorder: Recorder) -> ErrorInfo | None:
        """Run all iterations of a test; returns its error, if any.

        Raises:
            AbortedError: if it cannot begin, or its results cannot be stored.
            WorkloadError: if its workload cannot be turned into objects.
        """
        context, test = self._context, action.plan
        self._measurement = None

        async def work(bench: _Bench) -> None:
            self._measurement = measurement = bench.measurement
            assert test.workload.cel is not None
            measurement.samples.restarts_wanted = test.workload.cel.restarts
            async with context.monitor(test) as monitor:
                try:
                    await measurement.set_up(memory_iterations=test.iterations)
                    await measurement.measure(test.iterations, test.warmup)
                finally:
                    seen = await monitor.finish()
                    kro_causes = causes_of_kro(seen.first, seen.moments)
                    recorder.add_causes([*kro_causes, *clock_jumps(seen.moments)])
            await self._measure_restarts(bench)

        error = await self._with_measurement(test, 0, kro, work)
        assert self._measurement is not None
        samples = self._measurement.samples
        recorder.add_cel(summarise(samples))
        context.cel.extend(lines_of(test.name, samples))
        error = error or failures(samples)
        await context.publish()
        await self._clean_up(test, success=error is None)
        return error

    async def profile(self, action: RunIteration, kro: KroPod) -> TestProfile:
        """Profile kro while it evaluates all expressions."""
        context = self._context
        seconds = action.plan.profile_window_seconds or context.timing.cel_profile
        test = replace(action.plan, profile_window_seconds=seconds)

        async def work(bench: _Bench) -> None:
            await bench.measurement.set_up()
            context.report(f"{test.name}: profile")
            await profiling.begin(action.index)
            await bench.measurement.go_on(seconds)
            await profiling.end()

        async with Profiling(context.client, kro, test) as profiling:
            if await profiling.prepare([]):
                error = await self._with_measurement(test, action.index, kro, work)
                await self._clean_up(test, success=error is None)
                if error is not None:
                    context.warn(f"{test.name}: the profiled iteration failed: {error.message}")
            return await context.store_profile(test, profiling)

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
            self._context.report(
                f"{bench.test.name}: restart {number + 1} of {samples.restarts_wanted}"
            )
            await restarts.measure(partial(self._restart, bench))

    async def _restart(self, bench: _Bench) -> KroCounters:
        context, target = self._context, bench.test.target
        context.expect_another_kro()
        bench.kro = await restart_kro(context.client, target, bench.kro, context.timing)
        counters = KroCounters(context.client, bench.kro, target.pprof_port)
        bench.stack.push_async_callback(counters.close)
        return counters

    async def _with_measurement(
        self, test: TestPlan, index: int, kro: KroPod, work: Work
    ) -> ErrorInfo | None:
        """Do this with RGDs and instances of their own; returns the error, if any."""
        context, cel = self._context, test.workload.cel
        assert cel is not None
        namespace = test.namespace or context.run.own_namespace
        await ensure_namespace(context.client, context.run, namespace)
        plan = plan_iteration(context.run, test, index)
        carriers = [
            Carrier(expression, rgd)
            for expression, rgd in zip(expressions_of(cel), plan.rgds, strict=True)
        ]
        habits = KroHabits.from_arguments(kro.fingerprint.args)
        began = context.clock.now()
        async with AsyncExitStack() as stack:
            counters = KroCounters(context.client, kro, test.target.pprof_port)
            stack.push_async_callback(counters.close)
            load = await stack.enter_async_context(
                ExpressionLoad(context.client, context.clock, plan, context.timing)
            )

            def report(activity: str) -> None:
                context.report(f"{test.name}: {activity}")

            measurement = CelMeasurement(load, counters, carriers, report, habits, context.timing)
            bench = _Bench(test, measurement, load, carriers, habits, kro, stack)
            error = await self._guarded(test, work(bench))
            context.objects.extend(load.records)
        context.spent.measured += context.clock.now() - began
        return error

    async def _guarded(self, test: TestPlan, work: Coroutine[Any, Any, None]) -> ErrorInfo | None:
        seconds = test.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                await work
        except TimeoutError:
            done = self._measurement.iterations_done if self._measurement else 0
            samples = self._measurement.samples if self._measurement else None
            restarts = ""
            if samples is not None and samples.restarts_wanted:
                done_restarts = len(samples.restarts)
                restarts = f" and {done_restarts} of {samples.restarts_wanted} restarts of kro"
            return ErrorInfo(
                reason=TIMEOUT,
                message=f"the test timed out after {seconds:g}s, with {done} of "
                f"{test.total_iterations} iterations{restarts} done",
            )
        except ExpressionError as error:
            return error.info
        except SourceUnavailableError as error:
            return ErrorInfo(reason="KroMetricsUnavailable", message=reason_line(error.reason))
        except NotStartedError as error:
            return ErrorInfo(reason="KroNotStarted", message=str(error))
        except (KubeError, ForbiddenError, ApiServerInDistressError) as error:
            return ErrorInfo(reason="ApiError", message=str(error))
        return None

    async def _clean_up(self, test: TestPlan, *, success: bool) -> None:
        context = self._context
        if context.cleanup.keeps(success=success):
            return
        context.report(f"{test.name}: cleanup")
        prefix = f"{context.run.prefix}{test.index}-"
        cleanup = RunCleanup(context.client, context.run.uid, prefix, context.timing)
        teardown = await cleanup.delete_objects(test.deletion_timeout_seconds)
        context.spent.cleanup += teardown.duration_seconds
        if teardown.error is not None:
            context.warn(f"{test.name}: cleanup: {teardown.error.message}")
