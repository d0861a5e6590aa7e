"""Running a suite: the turns of its tests, with everything stored as it is measured."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any

from krobench import __version__
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.comparison.variants import compare_variants
from krobench.analysis.slopes import measure_slopes
from krobench.analysis.validity.leftovers import leftover_objects
from krobench.analysis.validity.verdict import ignored, validity_of_run
from krobench.analysis.verdict import verdict_of_run
from krobench.job.baseline import RunBaseline, read_baseline
from krobench.job.celrun import CelRun
from krobench.job.context import RunContext
from krobench.job.crew import ShardCrew
from krobench.job.ending import Ending, give_up
from krobench.job.errors import AbortedError, info_of
from krobench.job.existing_prometheus import ExistingPrometheus
from krobench.job.history import History
from krobench.job.lease import ClusterLease
from krobench.job.leftovers import find_leftovers
from krobench.job.preflight import (
    check_kro_installed,
    check_limits,
    check_may_change_kro,
    check_permissions,
    read_own_rgds,
    require_kro,
    wait_for_leader,
)
from krobench.job.publisher import Publisher
from krobench.job.testrun import TestRun, planned
from krobench.job.variants import KroVariants
from krobench.kube.client import KubeClient
from krobench.kube.discover import KroPod, kubernetes_version, list_nodes
from krobench.kube.errors import KubeError
from krobench.load.clock import RunClock
from krobench.model.benchmark import KroBenchmarkSpec
from krobench.model.common import ErrorInfo, rfc3339, utc_now
from krobench.model.environment import Environment
from krobench.model.rawlines import ObjectRecord, Sample
from krobench.model.record import Progress, RunRecord, RunState
from krobench.record.store import Owner, results_name
from krobench.workload.limits import DEFAULT_MAX_OBJECTS
from krobench.workload.plan import RunIdentity, plan_tests
from krobench.workload.schedule import schedule

logger = logging.getLogger(__name__)

_PROGRESS_SECONDS = 3.0
_FINAL_PUBLISH_SECONDS = 10.0
_KRO_RETURNS_SECONDS = 60.0


class Suite:
    """One run of a ``KroBenchmark``."""

    def __init__(
        self,
        client: KubeClient,
        benchmark: dict[str, Any],
        max_objects: int = DEFAULT_MAX_OBJECTS,
    ) -> None:
        metadata = benchmark["metadata"]
        self._client = client
        self._spec = KroBenchmarkSpec.model_validate(benchmark["spec"])
        self._max_objects = max_objects
        self._identity = RunIdentity(metadata["name"], metadata["uid"])
        self._clock = RunClock()
        self._plans = plan_tests(self._spec)
        self._objects: list[ObjectRecord] = []
        self._samples: list[Sample] = []
        self._current: TestRun | CelRun | None = None
        self._owner = owner = Owner(metadata["name"], metadata["namespace"], metadata["uid"])
        self._baseline: RunBaseline | None = None
        self._lease = ClusterLease(client, f"{owner.namespace}/{owner.name}")
        shards = max(plan.load.shards for plan in self._plans)
        self._crew = ShardCrew(client, self._clock, owner, shards) if shards > 1 else None
        prometheus = self._spec.collect.prometheus
        self._prometheus = (
            ExistingPrometheus(client, prometheus, owner.namespace, self._warn)
            if prometheus is not None
            else None
        )
        self._variants = KroVariants(
            client, self._spec, owner, tell=self._tell, announce=self._announce
        )
        self._publisher = Publisher(client, results_name(owner.name, self._spec), owner)
        self.record = RunRecord(
            id=metadata["uid"],
            name=metadata["name"],
            namespace=metadata["namespace"],
            generation=metadata["generation"],
            start_time=rfc3339(utc_now()),
            spec=benchmark["spec"],
            environment=Environment(krobench=__version__),
            progress=Progress(
                iterations_planned=sum(p.total_iterations + bool(p.profiles) for p in self._plans)
            ),
            tests=[planned(plan) for plan in self._plans],
        )

    async def run(self) -> RunRecord:
        """Run all tests and return the record, which is stored too.

        Raises:
            AbortedError: if the run had to be given up; what was measured is stored, as it is
                before any other error is raised.
        """
        try:
            await self._publish()
            await self._prepare()
            reporter = asyncio.create_task(self._report_progress())
            try:
                await self._run_on_variants()
                self._lease.check()
                await self._send_shards_home()
                await self._ending().clean_up(self._spec.cleanup)
            finally:
                reporter.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reporter
            await self._complete()
        except (Exception, asyncio.CancelledError) as error:
            # Whatever it was: results that stand as of a run under way would never get a verdict.
            await self._abort(info_of(error))
            raise
        finally:
            await self._send_shards_home()
            if self._prometheus is not None:
                await self._prometheus.close()
            await self._lease.release()
        return self.record

    async def _prepare(self) -> None:
        await check_kro_installed(self._client)
        await self._read_own_rgds()
        check_limits(self._plans, self._max_objects)
        await check_permissions(self._client, self._plans)
        kro = await require_kro(self._client, self._spec.target)
        await wait_for_leader(self._client, self._spec.target, kro.fingerprint.pod, self._tell)
        if self._spec.variants:
            await check_may_change_kro(self._client, self._spec.target.namespace)
        self._baseline = await read_baseline(self._client, self._spec.baseline, self._owner)
        self._warn_of(self._baseline.warning if self._baseline is not None else None)
        self._tell("waits for the cluster's lease")
        await self._lease.acquire(self._spec.target.namespace)
        await self._variants.find()
        if self._crew is not None:
            self._tell("waits for the shards")
            await self._crew.open()
        if self._prometheus is not None:
            await self._prometheus.open()
        self.record.environment = Environment(
            krobench=__version__,
            kubernetes=await kubernetes_version(self._client),
            kro=kro.fingerprint,
            nodes=await list_nodes(self._client),
        )
        left = await find_leftovers(self._client, self._identity)
        self.record.causes = leftover_objects(left.objects, left.runs)

    async def _send_shards_home(self) -> None:
        if self._crew is not None:
            await self._crew.close()

    async def _read_own_rgds(self) -> None:
        self._spec = await read_own_rgds(self._client, self._spec, self.record.namespace)
        self._plans = plan_tests(self._spec)
        # The record says what was run, also where the ConfigMap changes later.
        for raw, test in zip(self.record.spec["tests"], self._spec.tests, strict=True):
            if test.workload.rgd is not None:
                raw["workload"]["rgd"] = {"inline": test.workload.rgd.inline}

    async def _run_on_variants(self) -> None:
        """Run all tests, and put kro back as it was, whatever becomes of them."""
        try:
            await self._run_tests()
        finally:
            for warning in await self._variants.leave():
                self._warn(warning)
        await self._variants.settle()

    async def _announce(self, variant: str) -> None:
        """Say that kro is about to be changed: whoever finds this Job dead then puts it back."""
        first = self.record.variant is None
        self.record.variant = variant
        if first:
            await self._publish()

    async def _run_tests(self) -> None:
        context = RunContext(
            client=self._client,
            clock=self._clock,
            run=self._identity,
            cleanup=self._spec.cleanup,
            collect=self._spec.collect,
            publish=self._publish,
            tell=self._tell,
            warn=self._warn,
            objects=self._objects,
            samples=self._samples,
            store_profiles=self._publisher.publish_profiles,
            validity=self._spec.validity,
            nodes=self.record.environment.nodes,
            crew=self._crew,
            prometheus=self._prometheus,
        )
        tests = [
            (TestRun if plan.workload.cel is None else CelRun)(context, plan, record)
            for plan, record in zip(self._plans, self.record.tests, strict=True)
        ]
        for slot in schedule(self._plans, self._spec.order):
            test = tests[slot.test]
            if test.ended:
                continue
            self._lease.check()
            if await self._variants.enter(slot.variant):
                context.expect_another_kro()
            self._current = test
            await test.take_turn(slot.iteration, await self._kro_of(test))
            await self._variants.check()
            self.record.progress.iterations_done = sum(t.iterations_over for t in tests)
            if test.ended:
                logger.info("test %s: %s", test.plan.name, self.record.tests[slot.test].state)
                await self._publish()
        await self._profile(tests, context)

    async def _kro_of(self, test: TestRun | CelRun) -> KroPod:
        target = test.plan.target
        return await require_kro(self._client, target, _KRO_RETURNS_SECONDS, self._tell)

    async def _profile(self, tests: Sequence[TestRun | CelRun], context: RunContext) -> None:
        """Profile kro under each test that asks for it, when nothing is measured any more."""
        for test in tests:
            if test.plan.profiles:
                self._lease.check()
                self._current = test
                try:
                    if await self._variants.enter(test.plan.variant):
                        context.expect_another_kro()
                    await test.profile(await self._kro_of(test))
                except (AbortedError, KubeError) as error:
                    # What was measured stands.
                    self._warn(f"{test.plan.name}: kro was not profiled: {error}")
                self.record.progress.iterations_done += 1
                await self._publish()

    def _ending(self) -> Ending:
        client, run = self._client, self._identity
        return Ending(client, run, self._plans, self.record, self._tell, self._warn)

    async def _complete(self) -> None:
        self.record.state = RunState.COMPLETED
        self.record.end_time = rfc3339(utc_now())
        self.record.progress.activity = ""
        ignore = self._spec.validity.ignore
        self.record.slopes = measure_slopes(self._spec, self.record.tests)
        self.record.validity = validity_of_run(self.record, ignore)
        for accepted in ignored(self.record, ignore):
            self._warn(accepted)
        if self._baseline is not None:
            self.record.comparison = self._baseline.compare(self.record)
        rules = self._baseline.rules if self._baseline is not None else Rules()
        self.record.variant_comparisons = compare_variants(self.record, rules)
        self.record.verdict = verdict_of_run(self.record)
        await self._keep()
        await self._publish()

    async def _keep(self) -> None:
        retention = self._spec.results.retention
        if retention is not None:
            history = History(self._client, self._owner)
            lines = (self._objects, self._samples)
            self._warn_of(await history.keep(self.record, *lines, retention.runs))

    async def _abort(self, info: ErrorInfo) -> None:
        give_up(self.record, info)
        try:
            async with asyncio.timeout(_FINAL_PUBLISH_SECONDS):
                await self._publish()
        except (AbortedError, TimeoutError) as error:
            logger.warning("the aborted run could not be stored: %s", error)

    async def _publish(self) -> None:
        await self._publisher.publish(self.record, self._objects, self._samples)

    def _tell(self, activity: str) -> None:
        self.record.progress.activity = activity
        logger.info("%s", activity)

    def _warn(self, message: str) -> None:
        logger.warning("%s", message)
        self.record.warnings.append(message[:1000])

    def _warn_of(self, message: str | None) -> None:
        if message is not None:
            self._warn(message)

    async def _report_progress(self) -> None:
        last = ""
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            now = self._describe()
            if now != last:
                last = now
                progress = self.record.progress.model_copy(update={"activity": now})
                current = self.record.model_copy(update={"progress": progress})
                await self._publisher.publish_progress(current)

    def _describe(self) -> str:
        activity = self.record.progress.activity
        iteration = self._current.current if self._current else None
        if iteration is None or iteration.outcome.run_started_seconds is None:
            return activity
        if iteration.outcome.run_ended_seconds is not None:
            return activity
        return f"{activity}: {iteration.ready_count} of {iteration.instance_count} instances ready"
