"""Running a suite: the turns of the tests of a ``KroBenchmark``."""

import logging
from collections.abc import Sequence
from typing import Any

from krobench.analysis.comparison.compare import compare_variants
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.minus import measure_differences
from krobench.analysis.recommendations.advise import advise
from krobench.analysis.slopes import measure_slopes
from krobench.analysis.validity.judge import ignored_causes, validity_of_run
from krobench.analysis.verdict import verdict_of_run
from krobench.api.kinds import RunKind
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.job.cel.run import CelRun
from krobench.job.context import RunContext
from krobench.job.engine import Session
from krobench.job.errors import AbortedError
from krobench.job.history import RunBaseline, read_baseline
from krobench.job.kro.restart import check_restartable
from krobench.job.kro.variants import KroVariants
from krobench.job.permissions import check_may_change_kro, check_may_restart_kro
from krobench.job.preflight import check_limits, read_own_rgds
from krobench.job.recorder import planned
from krobench.job.shards.coordinator import Coordinator
from krobench.job.testrun import TestRun
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.timing import Timing
from krobench.program.order import schedule
from krobench.record.run import Progress
from krobench.report.words.validity import ignored_warnings
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS, TestPlan, plan_tests

logger = logging.getLogger(__name__)


class Suite(Session):
    """One run of a ``KroBenchmark``."""

    def __init__(
        self,
        client: KubeClient,
        benchmark: dict[str, Any],
        max_objects: int = DEFAULT_MAX_OBJECTS,
        timing: Timing | None = None,
    ) -> None:
        self._spec = KroBenchmarkSpec.model_validate(benchmark["spec"])
        super().__init__(client, benchmark, RunKind.BENCHMARK, self._spec, timing)
        self._max_objects = max_objects
        self._tests = plan_tests(self._spec)
        self._baseline: RunBaseline | None = None
        shards = max(plan.load.shards for plan in self._tests)
        if shards > 1:
            self._coordinator = Coordinator(client, self._clock, self._run, shards, self._timing)
        self.record.progress = Progress(
            iterations_planned=sum(p.total_iterations + bool(p.profiles) for p in self._tests)
        )
        self.record.tests = [planned(plan) for plan in self._tests]

    @property
    def _plans(self) -> Sequence[TestPlan]:
        return self._tests

    async def _complete_spec(self) -> None:
        self._spec = await read_own_rgds(self._client, self._spec, self.record.namespace)
        self._tests = plan_tests(self._spec)
        # The record says what was run, also where the ConfigMap changes later.
        for raw, test in zip(self.record.spec["tests"], self._spec.tests, strict=True):
            if test.workload.rgd is not None:
                raw["workload"]["rgd"] = {"inline": test.workload.rgd.inline}
        check_limits(self._tests, self._max_objects)

    async def _check_further(self) -> None:
        if self._spec.variants:
            await check_may_change_kro(self._client, self._spec.target.namespace, self._timing)
        for plan in self._tests:
            if plan.workload.cel is not None and plan.workload.cel.restarts:
                await check_may_restart_kro(self._client, plan.target.namespace, self._timing)
                await check_restartable(self._client, plan.target)
        self._baseline = await read_baseline(self._client, self._spec.baseline, self._run)
        self._warn_of(self._baseline.warning if self._baseline is not None else None)

    async def _run_tests(self, context: RunContext) -> None:
        async with self._changing_kro(self._spec.variants) as variants:
            tests = [
                (TestRun if plan.workload.cel is None else CelRun)(context, plan, record)
                for plan, record in zip(self._tests, self.record.tests, strict=True)
            ]
            await self._take_turns(tests, variants, context)
            await self._profile(tests, variants, context)

    async def _take_turns(
        self, tests: Sequence[TestRun | CelRun], variants: KroVariants, context: RunContext
    ) -> None:
        for slot in schedule(self._tests, self._spec.order):
            test = tests[slot.test]
            if test.ended:
                continue
            self._lease.check()
            if await variants.enter(slot.variant):
                context.expect_another_kro()
            self._current = test
            await test.take_turn(slot.iteration, await self._kro_at(test.plan.target))
            await variants.check()
            self.record.progress.iterations_done = sum(t.iterations_over for t in tests)
            if test.ended:
                logger.info("test %s: %s", test.plan.name, self.record.tests[slot.test].state)
                await self._publish()

    async def _profile(
        self, tests: Sequence[TestRun | CelRun], variants: KroVariants, context: RunContext
    ) -> None:
        """Profile kro under each test that asks for it, when nothing is measured any more."""
        for test in tests:
            if test.plan.profiles:
                self._lease.check()
                self._current = test
                try:
                    if await variants.enter(test.plan.variant):
                        context.expect_another_kro()
                    await test.profile(await self._kro_at(test.plan.target))
                except (AbortedError, KubeError) as error:
                    # What was measured stands.
                    self._warn(f"{test.plan.name}: kro was not profiled: {error}")
                self.record.progress.iterations_done += 1
                await self._publish()

    def _conclude(self) -> None:
        record, ignore = self.record, self._spec.validity.ignore
        record.slopes = measure_slopes(self._spec, record.tests)
        record.differences = measure_differences(self._spec, record.tests)
        record.validity = validity_of_run(record, ignore)
        for warning in ignored_warnings(ignored_causes(record, ignore)):
            self._warn(warning)
        if self._baseline is not None:
            record.comparison = self._baseline.compare(record)
        rules = self._baseline.rules if self._baseline is not None else Rules()
        record.variant_comparisons = compare_variants(record, rules)
        record.recommendations = advise(record)
        record.verdict = verdict_of_run(record)
