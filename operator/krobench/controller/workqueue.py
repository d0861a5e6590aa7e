"""The queue of runs to reconcile, one at a time.

Two runs must not start at once, and a reconcile takes a few milliseconds.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from krobench.api.common import utc_now
from krobench.api.kinds import RunKind, RunRef
from krobench.controller.cluster import Cluster, GoneError, RefusedError
from krobench.controller.metrics import OperatorMetrics
from krobench.controller.reconcile import (
    Action,
    CreateJob,
    PatchStatus,
    fail,
    is_final,
    reconcile,
)
from krobench.controller.schedules.loop import Clock, Scheduler
from krobench.controller.settings import Settings
from krobench.controller.state import JobKind, Observed
from krobench.controller.webhooks import PAUSES_SECONDS
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.report.events import RunEvent, kept_event, status_refused

logger = logging.getLogger(__name__)

_FIRST_DELAY_SECONDS = 1.0
_MAX_DELAY_SECONDS = 60.0
_INVALID_DELAY_SECONDS = 600.0
"""Until a status is written again that the API server takes for invalid."""


@dataclass(frozen=True)
class Pace:
    """How often the operator looks and writes when nothing asks for it."""

    look_seconds: float = 5.0
    """Between looks at all runs that are not finished: time passes without an event. A look costs
    no request."""
    progress_seconds: float = 5.0
    """Between writes of a status in which only progress changes."""
    refresh_seconds: float = 3600.0
    """Between lists of all resources, in case the watch missed that one is gone. To list 1,000 runs
    takes 50 requests."""
    webhook_pauses: Sequence[float] = PAUSES_SECONDS
    """Before each repetition of a request to a webhook."""


def _stands_by() -> bool:
    return False


class WorkQueue:
    """Reconciles runs as they are enqueued, one at a time."""

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        metrics: OperatorMetrics,
        pace: Pace | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """``clock`` is that of schedules."""
        self._pace = pace or Pace()
        self.cluster = Cluster(client, settings, self.enqueue, self._pace.webhook_pauses)
        self.scheduler = Scheduler(
            client,
            self.cluster.runs,
            self.take,
            settings,
            clock,
        )
        self._metrics = metrics
        self._queue: asyncio.PriorityQueue[tuple[bool, int, RunRef]] = asyncio.PriorityQueue()
        self._numbers = itertools.count()
        self._waiting: set[RunRef] = set()
        self._failures: dict[RunRef, int] = {}
        self._left_alone: dict[RunRef, float] = {}
        """Until when runs that cannot be reconciled are, if there is no news of them."""
        self._progress_written: dict[RunRef, float] = {}
        """When the status was last written, of runs that are not finished."""
        self._postponed: set[RunRef] = set()
        self._last_events: dict[RunRef, RunEvent] = {}
        """Of runs that were deleted."""
        self._may_act: Callable[[], bool] = _stands_by
        self._last_seen_alive = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """Time since the queue last showed a sign of life."""
        return time.monotonic() - self._last_seen_alive

    def show_life(self) -> None:
        self._last_seen_alive = time.monotonic()

    def enqueue(self, run: RunRef) -> None:
        """Have a run reconciled soon."""
        if self._may_act() and run not in self._waiting:
            self._waiting.add(run)
            # Refused runs come last: hundreds of them must not delay those that can run.
            known = self.cluster.runs.get(run.uid)
            last = known is not None and bool(known.errors) and not known.occupies_cluster
            self._queue.put_nowait((last, next(self._numbers), run))

    def take(self, kind: RunKind, item: JsonObject) -> None:
        """Take news of a resource from a watch."""
        before = self.cluster.runs.queue()
        if self.cluster.runs.put(kind, item):
            self.enqueue(RunRef.of(kind, item["metadata"]))
            self._enqueue_moved(before)

    def drop(self, kind: RunKind, item: JsonObject) -> None:
        """Take from a watch that a resource is gone."""
        before = self.cluster.runs.queue()
        run = RunRef.of(kind, item["metadata"])
        self.cluster.runs.remove(run.uid)
        kept = kept_event(run, item)
        if kept is not None and self._may_act():
            self._last_events[run] = kept
        self.enqueue(run)
        self._enqueue_moved(before)

    def _enqueue_moved(self, before: tuple[RunRef, ...]) -> None:
        """Enqueue the runs that have another place in the queue than before."""
        after = self.cluster.runs.queue()
        if after != before:
            for run in after:
                self.enqueue(run)

    async def start(self) -> None:
        """Look at everything once.

        Raises:
            KubeError: if that is not possible.
        """
        await self.cluster.runs.refresh()
        await self.scheduler.schedules.refresh()
        await self.cluster.jobs.fill()

    async def run(self, may_act: Callable[[], bool]) -> None:
        """Reconcile until cancelled; as soon as ``may_act`` is false, change nothing any more."""
        self._may_act = may_act
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.cluster.jobs.follow())
                group.create_task(self._work())
                group.create_task(self._look())
                group.create_task(self.scheduler.run(self._pace.look_seconds, may_act))
        finally:
            self._may_act = _stands_by
            self._queue, self._waiting = asyncio.PriorityQueue(), set()
            self._last_events.clear()
            self.cluster.results.close()
            self.cluster.webhooks.close()

    async def _work(self) -> None:
        while True:
            *_, run = await self._queue.get()
            self._waiting.discard(run)
            self.show_life()
            before = self.cluster.runs.queue()
            try:
                with self._metrics.reconcile_seconds.time():
                    await self._reconcile(run)
            except GoneError:
                self._forget(run)
            except KubeError as error:
                self._repeat_later(run, error)
            except Exception:
                # A bug in the handling of one run must not stop that of others.
                logger.exception("cannot reconcile %s", run)
                self._repeat_later(run, None)
            else:
                self._failures.pop(run, None)
                self._left_alone.pop(run, None)
            self._enqueue_moved(before)

    async def _look(self) -> None:
        """Look at all unfinished runs again and again, as time passes without an event."""
        refreshed = time.monotonic()
        while True:
            self.show_life()
            try:
                if time.monotonic() - refreshed > self._pace.refresh_seconds:
                    refreshed = time.monotonic()
                    await self.cluster.runs.refresh()
                    await self.scheduler.schedules.refresh()
                for run in self.cluster.runs.unsettled():
                    if time.monotonic() >= self._left_alone.get(run, 0.0):
                        self.enqueue(run)
                if self._may_act():
                    await self.cluster.delete_needless_jobs()
            except KubeError as error:
                logger.warning("cannot look at all runs: %s", error)
            except Exception:
                # Without this task, a bug met once would stop everything until a restart.
                logger.exception("cannot look at all runs")
            await asyncio.sleep(self._pace.look_seconds)

    async def _reconcile(self, ref: RunRef) -> None:
        observed = await self.cluster.observe(ref)
        if observed is None and (event := self._last_events.pop(ref, None)) is not None:
            await self.cluster.emit(ref, event)
        actions = self._decide(observed)
        if is_final(actions):
            observed = await self.cluster.observe(ref, fresh=True)
            actions = self._decide(observed)
        if observed is not None:
            await self._act(observed, actions)
        run = self.cluster.runs.get(ref.uid)
        if run is None or run.settled:
            self._forget(ref)

    async def _act(self, observed: Observed, actions: list[Action]) -> None:
        ref = observed.run.ref
        for action in actions:
            if not self._may_act():
                return
            if isinstance(action, PatchStatus) and self._postpones(ref, action):
                continue
            if isinstance(action, RunEvent):
                logger.info("%s: %s: %s", ref, action.reason, action.message)
            try:
                await self.cluster.apply(observed.run, action)
            except RefusedError as error:
                await self._give_up(observed, action, error)
                return
            except ApiError as error:
                if isinstance(action, PatchStatus) and error.invalid:
                    # Of an object that an older CRD admitted, for example.
                    await self.cluster.emit(ref, status_refused(error.message))
                raise

    def _decide(self, observed: Observed | None) -> list[Action]:
        if observed is None:
            return []
        return reconcile(observed, self.cluster.load_job(observed.run))

    def _postpones(self, run: RunRef, action: PatchStatus) -> bool:
        """Whether to write a status later; the run is then reconciled again."""
        now = time.monotonic()
        due = self._progress_written.get(run, float("-inf")) + self._pace.progress_seconds
        if action.may_wait and now < due:
            if run not in self._postponed:
                self._postponed.add(run)
                asyncio.get_running_loop().call_later(due - now, self._resume, run)
            return True
        self._progress_written[run] = now
        return False

    def _resume(self, run: RunRef) -> None:
        self._postponed.discard(run)
        self.enqueue(run)

    def _forget(self, run: RunRef) -> None:
        self.cluster.results.forget(run.uid)
        self._progress_written.pop(run, None)
        self._failures.pop(run, None)
        self._left_alone.pop(run, None)

    async def _give_up(self, before: Observed, action: Action, error: RefusedError) -> None:
        """End a run one of whose actions is refused for good."""
        run = before.run
        logger.warning("%s: %s", run, error)
        # Other actions may have been carried out before, such as setting the finalizer.
        if isinstance(action, CreateJob) and action.kind is JobKind.CLEANUP:
            self.cluster.refuse_cleanup(run, action.attempt, error.info)
            self.enqueue(run.ref)
            return
        current = await self.cluster.observe(run.ref)
        if current is None:
            return
        actions = fail(current, error.info)
        for following in actions:
            await self.cluster.apply(run, following)

    def _repeat_later(self, run: RunRef, error: KubeError | None) -> None:
        self._metrics.reconcile_errors.inc()
        failures = self._failures.get(run, 0)
        self._failures[run] = failures + 1
        delay = min(_FIRST_DELAY_SECONDS * 2**failures, _MAX_DELAY_SECONDS)
        if isinstance(error, ApiError) and error.invalid:
            delay = _INVALID_DELAY_SECONDS
        self._left_alone[run] = time.monotonic() + delay
        if error is not None:
            logger.warning("cannot reconcile %s: %s; retrying in %g s", run, error, delay)
        asyncio.get_running_loop().call_later(delay, self.enqueue, run)
