"""The one worker that reconciles, and the queue before it.

There is one, as two runs must not start at once; a reconcile takes some ten milliseconds.
"""

import asyncio
import logging
import time
from dataclasses import replace

from krobench.api.kinds import RunRef
from krobench.controller.actions import Action, CreateJob, JobKind
from krobench.controller.cluster import Cluster, RefusedError
from krobench.controller.metrics import OperatorMetrics
from krobench.controller.observed import JobState, JobView, Observed
from krobench.controller.reconcile import fail, reconcile
from krobench.kube.errors import KubeError
from krobench.report.events import RunEvent

logger = logging.getLogger(__name__)

_FIRST_DELAY_SECONDS = 1.0
_MAX_DELAY_SECONDS = 60.0


class Worker:
    """Reconciles keys as they are enqueued, each at most once at a time."""

    def __init__(
        self, cluster: Cluster, metrics: OperatorMetrics, resync_seconds: float = 5.0
    ) -> None:
        self._cluster = cluster
        self._metrics = metrics
        self._resync_seconds = resync_seconds
        self._queue: asyncio.Queue[RunRef] = asyncio.Queue()
        self._waiting: set[RunRef] = set()
        self._failures: dict[RunRef, int] = {}
        self._last_seen_alive = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """Time since the worker last showed a sign of life."""
        return time.monotonic() - self._last_seen_alive

    def enqueue(self, key: RunRef) -> None:
        """Have a run reconciled; one that waits for that already is not added again."""
        if key not in self._waiting:
            self._waiting.add(key)
            self._queue.put_nowait(key)

    async def run(self) -> None:
        """Reconcile until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._work())
            group.create_task(self._resync())

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            self._waiting.discard(key)
            self._last_seen_alive = time.monotonic()
            try:
                with self._metrics.reconcile_seconds.time():
                    await self._reconcile(key)
            except KubeError as error:
                self._repeat_later(key, error)
            except Exception:
                # A bug in one run's handling must not stop the others from being handled.
                logger.exception("cannot reconcile %s", key)
                self._repeat_later(key, None)
            else:
                self._failures.pop(key, None)

    async def _resync(self) -> None:
        """Look at all unfinished runs again and again: Jobs and time change without an event."""
        while True:
            try:
                await self._look_at_all()
            except KubeError as error:
                logger.warning("cannot list runs: %s", error)
            except Exception:
                # Without this task, a bug met once would stop everything until a restart.
                logger.exception("cannot list runs")
            await asyncio.sleep(self._resync_seconds)

    async def _look_at_all(self) -> None:
        runs = await self._cluster.runs()
        self._last_seen_alive = time.monotonic()
        self._metrics.show(runs)
        for run in runs:
            if not run.finished or run.has_finalizer:
                self.enqueue(run.key)
        await self._cluster.delete_orphaned_jobs()

    async def _reconcile(self, key: RunRef) -> None:
        observed = await self._cluster.observe(key)
        if observed is None:
            return
        run = observed.run
        for action in reconcile(observed, self._cluster.load_job(run)):
            if isinstance(action, RunEvent):
                logger.info("%s: %s: %s", run.key, action.reason, action.message)
            try:
                await self._cluster.apply(run, action)
            except RefusedError as error:
                await self._give_up(observed, action, error)
                return

    async def _give_up(self, before: Observed, action: Action, error: RefusedError) -> None:
        """End a run one of whose actions was refused for good."""
        run = before.run
        logger.warning("%s: %s", run.key, error)
        # The refused action may follow upon others, such as the setting of the finalizer.
        current = await self._cluster.observe(run.key)
        if current is None:
            return
        if isinstance(action, CreateJob) and action.kind is JobKind.CLEANUP:
            failed = JobView(JobState.FAILED, error.info)
            current = replace(current, cleanups=(failed,) * len(current.cleanups))
            actions = reconcile(current, self._cluster.load_job(run))
        else:
            actions = fail(current, error.info)
        for following in actions:
            await self._cluster.apply(run, following)

    def _repeat_later(self, key: RunRef, error: KubeError | None) -> None:
        self._metrics.reconcile_errors.inc()
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(_FIRST_DELAY_SECONDS * 2**failures, _MAX_DELAY_SECONDS)
        if error is not None:
            logger.warning("cannot reconcile %s: %s; retrying in %g s", key, error, delay)
        asyncio.get_running_loop().call_later(delay, self.enqueue, key)
