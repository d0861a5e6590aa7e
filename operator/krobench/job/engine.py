"""A run of whatever kind: what is checked first, how it is stored as it goes on, how it ends.

What is measured in between, and what follows from it, is the program of each kind of custom
resource: :class:`krobench.job.suite.Suite` and :class:`krobench.job.search.ScaleRun`.
"""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from krobench import __version__
from krobench.analysis.validity.surroundings import leftover_objects
from krobench.api import units
from krobench.api.common import ErrorInfo, rfc3339, utc_now
from krobench.api.kinds import RunKind, RunRef, RunSpec
from krobench.api.specs.kro import Target, Variant
from krobench.api.specs.results import Cleanup
from krobench.figures.environment import Environment
from krobench.job.cel.run import CelRun
from krobench.job.context import RunContext
from krobench.job.errors import AbortedError, info_of
from krobench.job.history import History
from krobench.job.kro.variants import KroVariants
from krobench.job.lease import ClusterLease
from krobench.job.permissions import check_permissions
from krobench.job.preflight import check_kro_installed, find_leftovers, require_kro, wait_for_leader
from krobench.job.prometheus import ExistingPrometheus
from krobench.job.publisher import Publisher
from krobench.job.shards.coordinator import Coordinator
from krobench.job.testrun import TestRun
from krobench.kube.client import KubeClient
from krobench.kube.cluster import kubernetes_version, list_nodes
from krobench.kube.kro import KroPod
from krobench.kube.timing import Timing
from krobench.load.cleanup import RunCleanup
from krobench.load.clock import RunClock
from krobench.record.ending import give_up
from krobench.record.run import RunRecord, RunState
from krobench.record.store import RunLines, results_name
from krobench.workload.testplan import TestPlan

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """The clean-up of a run whose tests have ended."""

    client: KubeClient
    run: RunRef
    plans: Sequence[TestPlan]
    record: RunRecord
    report: Callable[[str], None]
    """Reports the current activity."""
    warn: Callable[[str], None]
    timing: Timing

    async def clean_up(self, policy: Cleanup) -> None:
        """Delete what the run made, if it is not to be kept, and count what is left of it."""
        if policy.keeps(success=all(test.success for test in self.record.tests)):
            self.warn(
                f"objects were kept because spec.cleanup is {policy}; delete them with "
                f"krobench cleanup --run {self.run.uid}"
            )
            return
        self.report("clean-up")
        cleanup = RunCleanup(self.client, self.run.uid, timing=self.timing)
        longest = max(plan.deletion_timeout_seconds for plan in self.plans)
        for teardown in (
            await cleanup.delete_objects(longest, force=True),
            await cleanup.delete_namespaces(),
        ):
            if teardown.error is not None:
                self.warn(f"clean-up: {teardown.error.message}")
        await self._audit(cleanup)

    async def _audit(self, cleanup: RunCleanup) -> None:
        used = {plan.namespace or self.run.own_namespace for plan in self.plans}
        orphans = self.record.orphans = await cleanup.audit(sorted(used))
        if orphans.count is None:
            self.warn(f"objects left of the run could not be counted: {orphans.unavailable}")
        elif orphans.count:
            number = units.counted(orphans.count, "object")
            self.warn(f"{number} of the run left after clean-up, the first is {orphans.objects[0]}")


class Session(ABC):
    """One run of a custom resource."""

    def __init__(
        self,
        client: KubeClient,
        resource: dict[str, Any],
        kind: RunKind,
        spec: RunSpec,
        timing: Timing | None = None,
    ) -> None:
        metadata = resource["metadata"]
        self._client = client
        self._timing = timing or Timing()
        self._settings = spec
        self._clock = RunClock()
        self._lines = RunLines()
        self._current: TestRun | CelRun | None = None
        """The test whose turn it is."""
        self._run = run = RunRef.of(kind, metadata)
        self._lease = ClusterLease(client, f"{run.namespace}/{run.name}", self._timing)
        self._coordinator: Coordinator | None = None
        prometheus = spec.collect.prometheus
        self._prometheus = (
            ExistingPrometheus(client, prometheus, run.namespace, self._warn)
            if prometheus is not None
            else None
        )
        self._publisher = Publisher(client, results_name(run.name, spec), run)
        self.record = RunRecord(
            id=metadata["uid"],
            name=metadata["name"],
            namespace=metadata["namespace"],
            generation=metadata["generation"],
            kind=kind.value,
            start_time=rfc3339(utc_now()),
            spec=resource["spec"],
            environment=Environment(krobench=__version__),
        )

    @property
    @abstractmethod
    def _plans(self) -> Sequence[TestPlan]:
        """All tests, as far as they are known by now; at least one."""

    @abstractmethod
    async def _complete_spec(self) -> None:
        """Read what the spec refers to, and check what it asks for."""

    async def _check_further(self) -> None:  # noqa: B027 - not every kind needs more
        """Check what only this kind of run needs, before others are asked to wait for it."""

    @abstractmethod
    async def _run_tests(self, context: RunContext) -> None:
        """Run all tests."""

    @abstractmethod
    def _conclude(self) -> None:
        """Put into the record what follows from all tests, the verdict included."""

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
                await self._run_tests(self._context())
                self._lease.check()
                await self._dismiss_workers()
                await self._ending().clean_up(self._settings.cleanup)
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
            await self._dismiss_workers()
            if self._prometheus is not None:
                await self._prometheus.close()
            await self._lease.release()
        return self.record

    async def _prepare(self) -> None:
        target = self._settings.target
        await check_kro_installed(self._client)
        await self._complete_spec()
        await check_permissions(self._client, self._plans, self._timing)
        kro = await require_kro(self._client, target, self._timing)
        await wait_for_leader(self._client, target, kro.fingerprint.pod, self._timing, self._report)
        await self._check_further()
        await self._lease.acquire(target.namespace, self._report)
        if self._coordinator is not None:
            self._report("waiting for the pods of all shards")
            await self._coordinator.open()
        if self._prometheus is not None:
            await self._prometheus.open()
        self.record.environment = Environment(
            krobench=__version__,
            kubernetes=await kubernetes_version(self._client),
            kro=kro.fingerprint,
            nodes=await list_nodes(self._client),
        )
        left = await find_leftovers(self._client, self._run)
        self.record.causes = leftover_objects(left.objects, left.runs)

    async def _dismiss_workers(self) -> None:
        if self._coordinator is not None:
            await self._coordinator.close()

    def _context(self) -> RunContext:
        return RunContext(
            client=self._client,
            clock=self._clock,
            run=self._run,
            cleanup=self._settings.cleanup,
            collect=self._settings.collect,
            publish=self._publish,
            report=self._report,
            warn=self._warn,
            objects=self._lines.objects,
            samples=self._lines.samples,
            cel=self._lines.cel,
            store_profiles=self._publisher.publish_profiles,
            validity=self._settings.validity,
            nodes=self.record.environment.nodes,
            timing=self._timing,
            crew=self._coordinator,
            prometheus=self._prometheus,
        )

    @asynccontextmanager
    async def _changing_kro(self, variants: Sequence[Variant]) -> AsyncIterator[KroVariants]:
        """Let variants of kro be put in force; kro is then put back as it was, whatever becomes
        of what is done meanwhile. Without any variant nothing is changed."""
        target = self._settings.target
        kro = KroVariants(
            self._client,
            target,
            variants,
            self._run,
            timing=self._timing,
            report=self._report,
            announce=self._announce,
        )
        await kro.find()
        try:
            yield kro
        finally:
            for warning in await kro.leave():
                self._warn(warning)
        await kro.settle()

    async def _announce(self, variant: str) -> None:
        """Say that kro is about to be changed: whoever finds this Job dead then puts it back."""
        first = self.record.variant is None
        self.record.variant = variant
        if first:
            await self._publish()

    async def _kro_at(self, target: Target) -> KroPod:
        timing = self._timing
        return await require_kro(self._client, target, timing, timing.kro_returns, self._report)

    def _ending(self) -> Ending:
        client, run = self._client, self._run
        plans, report, warn = self._plans, self._report, self._warn
        return Ending(client, run, plans, self.record, report, warn, self._timing)

    async def _complete(self) -> None:
        self.record.state = RunState.COMPLETED
        self.record.end_time = rfc3339(utc_now())
        self.record.progress.activity = ""
        self._conclude()
        await self._keep()
        await self._publish()

    async def _keep(self) -> None:
        retention = self._settings.results.retention
        if retention is not None:
            history = History(self._client, self._run)
            self._warn_of(await history.keep(self.record, self._lines, retention.runs))

    async def _abort(self, info: ErrorInfo) -> None:
        give_up(self.record, info, rfc3339(utc_now()))
        try:
            async with asyncio.timeout(self._timing.last_publish):
                await self._publish()
        except (AbortedError, TimeoutError) as error:
            logger.warning("the aborted run could not be stored: %s", error)

    async def _publish(self) -> None:
        await self._publisher.publish(self.record, self._lines)

    def _report(self, activity: str) -> None:
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
            await asyncio.sleep(self._timing.progress_interval)
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
