"""The engine: what every run does, whatever it measures.

It checks that a load may start, holds the cluster's lease, asks a program for one iteration after
another, stores results as they come in, and cleans up. What is measured, and what follows from it,
is up to a task: :mod:`krobench.loadjob.benchmark` and :mod:`krobench.loadjob.scaletest`.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from krobench import __version__
from krobench.analysis.validity.surroundings import leftover_objects
from krobench.api.access import Access
from krobench.api.common import rfc3339, utc_now
from krobench.api.kinds import RunKind, RunRef, RunSpec, owning_schedule
from krobench.api.specs.kro import Target, Variant
from krobench.api.status import LiveStatus
from krobench.api.storage import Storage
from krobench.figures.environment import Environment, KroFingerprint
from krobench.figures.reasons.profiles import FileReason
from krobench.kube.client import KubeClient
from krobench.kube.cluster import kubernetes_version, list_nodes
from krobench.kube.kropods import KroPod
from krobench.kube.timing import Timing
from krobench.load.cleanup import RunCleanup, leftover_line
from krobench.load.leftovers import GroupKind
from krobench.load.loops import RunClock, repeating
from krobench.loadjob.archive import Archive
from krobench.loadjob.context import RunContext, Spent
from krobench.loadjob.errors import RESULTS_NOT_STORED, AbortedError, info_of
from krobench.loadjob.history import History
from krobench.loadjob.kro.variants import KroVariants
from krobench.loadjob.lease import ClusterLease
from krobench.loadjob.loop import IterationLoop
from krobench.loadjob.permissions import Need, check_permissions, needs_of_run, needs_of_tests
from krobench.loadjob.preflight import (
    check_kro_installed,
    check_urls,
    find_leftovers,
    require_kro,
    wait_for_leader,
)
from krobench.loadjob.progress import Remaining, live_status
from krobench.loadjob.prometheus import ExistingPrometheus
from krobench.loadjob.publisher import Publisher
from krobench.loadjob.shards.coordinator import Coordinator
from krobench.program.actions import Done
from krobench.record.run import RunRecord, RunState, as_given_up
from krobench.record.store import Room, RunLines, results_name
from krobench.report.words.reasons import MANAGED_KRO, reason_line
from krobench.workload.testplan import TestPlan

logger = logging.getLogger(__name__)


class Task(Protocol):
    """What a run measures, and what follows from it."""

    @property
    def kind(self) -> RunKind: ...

    @property
    def spec(self) -> RunSpec: ...

    @property
    def plans(self) -> Sequence[TestPlan]:
        """All tests that are known by now; at least one."""

    @property
    def shards(self) -> int: ...

    @property
    def needs(self) -> Sequence[Need]:
        """Permissions that only this task needs."""

    async def complete_spec(self, engine: "Engine") -> dict[str, Any]:
        """Read what the spec refers to, check it, and return the spec as it is run."""

    async def check(self, engine: "Engine") -> None:
        """Check what only this task needs, before other runs are made to wait for it."""

    async def measure(self, engine: "Engine") -> None:
        """Run all tests."""

    def give_up(self) -> None:
        """Update the results of a run that was given up."""

    def results(self) -> dict[str, Any]:
        """Return the fields of the record that hold the results so far."""

    def remaining(self, record: RunRecord, in_iteration_seconds: float) -> Remaining:
        """Return how long the run still takes, so long into the iteration that is running."""

    def conclude(self, record: RunRecord) -> RunRecord:
        """Return the record with what follows from all tests, the verdict included."""


class Engine:
    """One run of a custom resource."""

    def __init__(
        self,
        client: KubeClient,
        resource: dict[str, Any],
        task: Task,
        timing: Timing | None = None,
        room: Room | None = None,
        storage: Storage | None = None,
    ) -> None:
        room = room or Room()
        metadata = resource["metadata"]
        self.client = client
        self.run_ref = run = RunRef.of(task.kind, metadata)
        schedule = owning_schedule(metadata)
        start_time = rfc3339(utc_now())
        self._archive = Archive.of(
            storage or Storage(), os.environ, run, schedule, start_time, self.warn
        )
        self.history = History(client, run, schedule, self._archive)
        self.timing = timing or Timing()
        self.clock = RunClock()
        self._spent = Spent()
        self._task = task
        self._lines = RunLines.limited(room)
        self._activity = ""
        self._reported = ""
        """The activity that was published last."""
        self._loop: IterationLoop | None = None
        self._created: set[GroupKind] = set()
        self._lease = ClusterLease(client, run, self.timing)
        self.coordinator: Coordinator | None = None
        if task.shards > 1:
            self.coordinator = Coordinator(client, self.clock, run, task.shards, self.timing)
        prometheus = task.spec.collect.prometheus
        self._prometheus = (
            ExistingPrometheus(client, prometheus, run.namespace, self.warn)
            if prometheus is not None
            else None
        )
        self._publisher = Publisher(
            client, results_name(run.name, task.spec), run, self.timing, room.profiles
        )
        self._record = RunRecord(
            id=metadata["uid"],
            name=metadata["name"],
            namespace=metadata["namespace"],
            generation=metadata["generation"],
            kind=task.kind.value,
            schedule=schedule.name if schedule is not None else None,
            start_time=start_time,
            spec=resource["spec"],
            environment=Environment(krobench=__version__),
        )

    @property
    def record(self) -> RunRecord:
        """The record with the results so far."""
        results = self._task.results()
        progress = results["progress"].model_copy(update={"activity": self._activity})
        return self._record.model_copy(update=results | {"progress": progress})

    async def run(self) -> RunRecord:
        """Run the task and return the record, which is stored too.

        The record is Completed only when nothing is left to do: kro is restored, objects are
        deleted and the lease is released, so another run may start at once.

        Raises:
            AbortedError: if the run was given up. What was measured is stored, as it is before any
                other error is raised.
        """
        try:
            async with self._stored_if_given_up():
                await check_permissions(self.client, self._first_needs(), self.timing)
                if self._archive is not None:
                    await self._archive.announce(self.client)
                await self.publish()
                await self._prepare()
                async with repeating(self.timing.progress_interval, self._report_progress):
                    await self._task.measure(self)
                    self._lease.check()
                    await self._dismiss_workers()
                    await self._clean_up()
        finally:
            await self._dismiss_workers()
            if self._prometheus is not None:
                await self._prometheus.close()
            await self._lease.release()
        async with self._stored_if_given_up():
            return await self._complete()

    async def iterate(self, loop: IterationLoop) -> Done:
        """Carry out a program to its end; its progress becomes the run's."""
        self._loop = loop
        try:
            return await loop.run()
        finally:
            self._loop = None

    def context(self) -> RunContext:
        return RunContext(
            client=self.client,
            clock=self.clock,
            run=self.run_ref,
            cleanup=self._task.spec.cleanup,
            collect=self._task.spec.collect,
            publish=self.publish,
            report=self.report,
            warn=self.warn,
            objects=self._lines.objects,
            samples=self._lines.samples,
            cel=self._lines.cel,
            store_profiles=self._store_profiles,
            validity=self._task.spec.validity,
            nodes=self._record.environment.nodes,
            timing=self.timing,
            workers=self.coordinator,
            prometheus=self._prometheus,
            spent=self._spent,
            created=self._created,
        )

    def check_lease(self) -> None:
        """Check that no other load has started; raises as :meth:`ClusterLease.check` does."""
        self._lease.check()

    async def kro_at(self, target: Target) -> KroPod | None:
        """Return the pod of the active kro, which may have to start again first; None if it has
        none here."""
        if target.managed:
            return None
        seconds = self.timing.kro_returns
        return await require_kro(self.client, target, self.timing, seconds, self.report)

    @asynccontextmanager
    async def changing_kro(
        self, variants: Sequence[Variant], *, quick: bool = True
    ) -> AsyncIterator[KroVariants]:
        """Let variants of kro be applied, and restore kro afterwards, whatever happens.

        Without any variant, nothing is changed. ``quick`` is that of :class:`KroVariants`.
        """
        kro = KroVariants(
            self.client,
            self._task.spec.target,
            variants,
            self.run_ref,
            timing=self.timing,
            report=self.report,
            announce=self._announce,
            quick=quick,
        )
        await kro.find()
        try:
            yield kro
        finally:
            for warning in await kro.leave():
                self.warn(warning)
        await kro.settle()

    async def publish(self) -> None:
        """Store all results so far."""
        await self._archive_results(self.record)
        await self._publisher.publish(self.record, self._lines)

    async def _archive_results(self, record: RunRecord, *, last: bool = False) -> None:
        """Store results in the administrator's store; the record says whether they are there."""
        archive = self._archive
        if archive is None:
            return
        stored = await archive.save(record, self._lines, last=last)
        self._update(store=stored, store_error=archive.error)

    async def _store_profiles(
        self, test_index: int, files: Mapping[str, bytes]
    ) -> dict[str, FileReason]:
        """Store raw profiles; returns why some were not stored, by key."""
        left_out = await self._publisher.publish_profiles(test_index, files)
        if self._archive is not None:
            self._archive.add({key: data for key, data in files.items() if key not in left_out})
        return left_out

    def report(self, activity: str) -> None:
        """Report the current activity, for the progress."""
        self._activity = activity
        logger.info("%s", activity)

    def warn(self, message: str) -> None:
        logger.warning("%s", message)
        self._update(warnings=[*self._record.warnings, message[:1000]])

    async def _prepare(self) -> None:
        client, task, timing = self.client, self._task, self.timing
        target = task.spec.target
        check_urls(task.spec.collect, Access.from_environment())
        await check_kro_installed(client)
        self._update(spec=await task.complete_spec(self))
        # The groups of all RGDs are known only now.
        await check_permissions(client, needs_of_tests(self.run_ref, task.plans), timing)
        kro: KroFingerprint | None = None
        if target.managed:
            self.warn(MANAGED_KRO)
        else:
            kro = (await require_kro(client, target, timing)).fingerprint
            await wait_for_leader(client, target, kro.pod, timing, self.report)
        await task.check(self)
        await self._lease.acquire(target.namespace, self.report)
        if self.coordinator is not None:
            self.report("waiting for the pods of all shards")
            await self.coordinator.open()
        if self._prometheus is not None:
            await self._prometheus.open()
        environment = Environment(
            krobench=__version__,
            kubernetes=await kubernetes_version(client),
            kro=kro,
            nodes=await list_nodes(client),
        )
        causes = leftover_objects(*await find_leftovers(client, self.run_ref))
        self._update(environment=environment, causes=causes)

    def _first_needs(self) -> list[Need]:
        """What is needed as far as the spec says it without the objects that it names."""
        namespaces = [self._task.spec.target.namespace]
        return [*needs_of_run(self.run_ref, namespaces), *self._task.needs]

    async def _announce(self, variant: str) -> None:
        """Store that kro is about to change: if this Job dies, the operator restores kro."""
        first = self._record.variant is None
        self._update(variant=variant)
        if first:
            await self.publish()

    async def _dismiss_workers(self) -> None:
        if self.coordinator is not None:
            await self.coordinator.close()

    async def _clean_up(self) -> None:
        """Delete what the run created, unless spec.cleanup keeps it, and count what is left."""
        policy, uid, plans = self._task.spec.cleanup, self.run_ref.uid, self._task.plans
        if policy.keeps(success=all(test.success for test in self.record.tests)):
            self.warn(
                f"objects were kept because spec.cleanup is {policy}; delete them with "
                f"krobench cleanup --run {uid}"
            )
            return
        self.report("cleanup")
        needed = any(plan.workload.prerequisites for plan in plans)
        cleanup = RunCleanup(self.client, uid, timing=self.timing, prerequisites=needed)
        longest = max(plan.deletion_timeout_seconds for plan in plans)
        for teardown in (
            await cleanup.delete_objects(longest, force=True),
            await cleanup.delete_namespaces(),
        ):
            self._spent.cleanup += teardown.duration_seconds
            if teardown.error is not None:
                self.warn(f"cleanup: {teardown.error.message}")
        used = {plan.namespace or self.run_ref.own_namespace for plan in plans}
        orphans = await cleanup.audit(sorted(used), self._created)
        self._update(orphans=orphans)
        if orphans.unavailable is not None:
            why = reason_line(orphans.unavailable)
            self.warn(f"objects left of the run could not be counted: {why}")
        elif orphans.count:
            self.warn(f"after cleanup, {leftover_line(orphans)}")
        if orphans.unlisted:
            self.warn(
                f"objects of {', '.join(orphans.unlisted)} are not among those counted after "
                "cleanup: the load Job's ServiceAccount may not list them"
            )

    async def _complete(self) -> RunRecord:
        self._activity = ""
        ended = {
            "state": RunState.COMPLETED,
            "end_time": rfc3339(utc_now()),
            "time_spent": self._spent.of(self.clock.now()),
        }
        record = self._task.conclude(self.record.model_copy(update=ended))
        retention = self._task.spec.results.retention
        most = retention.runs if retention is not None else None
        if await self._archived(record, most):
            most = None
        if most is not None:
            warning = await self.history.keep(record, self._lines, most)
            if warning is not None:
                self.warn(warning)
        record = self._stamped(record)
        await self._publisher.publish(record, self._lines)
        return record

    async def _archived(self, record: RunRecord, most: int | None) -> bool:
        """Make a completed run part of the history in the store; returns whether it is."""
        if self._archive is None:
            return False
        await self._archive_results(record, last=True)
        if self._record.store is None:
            return False
        if await self._archive.finish(self._stamped(record), most, self.history.protected):
            return True
        self._update(store=None, store_error=self._archive.error)
        return False

    def _stamped(self, record: RunRecord) -> RunRecord:
        """Return a concluded record with where it is stored, and the warnings about that."""
        now = self._record
        known = set(record.warnings)
        warnings = [*record.warnings, *(each for each in now.warnings if each not in known)]
        changes = {"store": now.store, "store_error": now.store_error, "warnings": warnings}
        return record.model_copy(update=changes)

    @asynccontextmanager
    async def _stored_if_given_up(self) -> AsyncIterator[None]:
        """Store why the run is given up: otherwise, it would stay in state Running."""
        try:
            yield
        except (Exception, asyncio.CancelledError) as error:
            self._task.give_up()
            record = as_given_up(self.record, info_of(error), rfc3339(utc_now()))
            record.time_spent = self._spent.of(self.clock.now())
            hurried = isinstance(error, asyncio.CancelledError) or (
                isinstance(error, AbortedError) and error.info.reason == RESULTS_NOT_STORED
            )
            try:
                async with asyncio.timeout(self.timing.last_publish if hurried else None):
                    # A store that does not answer must not take the time for the ConfigMaps.
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self.timing.last_archive if hurried else None):
                            await self._archive_results(record, last=True)
                    await self._publisher.publish(self._stamped(record), self._lines)
            except (AbortedError, TimeoutError) as problem:
                logger.warning("the aborted run could not be stored: %s", problem)
            raise

    def _update(self, **changes: object) -> None:
        self._record = self._record.model_copy(update=changes)

    async def _report_progress(self) -> None:
        now = self._activity
        iteration = self._loop.iteration if self._loop is not None else None
        if iteration is not None:
            outcome = iteration.outcome
            if outcome.run_started_seconds is not None and outcome.run_ended_seconds is None:
                now += f": {iteration.ready_count} of {iteration.instance_count} instances ready"
        if now != self._reported:
            self._reported = now
            record = self.record
            progress = record.progress.model_copy(update={"activity": now})
            progress.live = self._live(record)
            current = record.model_copy(update={"progress": progress})
            await self._publisher.publish_progress(current)

    def _live(self, record: RunRecord) -> LiveStatus | None:
        """Return what the running iteration shows; None between iterations."""
        iteration = self._loop.iteration if self._loop is not None else None
        if self._loop is None or iteration is None:
            return None
        now = self.clock.now()
        remaining = self._task.remaining(record, now - iteration.outcome.started_seconds)
        return live_status(iteration, self._loop.samples, now, remaining)
