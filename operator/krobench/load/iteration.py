"""One iteration of a test: set-up, run, and the timed deletion of what it made."""

import asyncio
import contextlib
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self

from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.load.breaker import ApiServerInDistressError
from krobench.load.clock import RunClock
from krobench.load.concurrency import run_together
from krobench.load.driver import Driver, ForbiddenError
from krobench.load.kinds import KIND_TIMEOUT_SECONDS, find_kind, kind_exists
from krobench.load.loops import Target, closed_loop, from_now, open_loop
from krobench.load.observer import (
    Apply,
    Followed,
    Observer,
    RgdRejectedError,
    apply_instance,
    apply_rgd,
)
from krobench.load.probe import WatchLag, WatchProbe
from krobench.load.rgdphases import observe_phases
from krobench.model.common import ITERATION_LABEL, RUN_LABEL, TEST_LABEL, ErrorInfo
from krobench.model.rawlines import ObjectRecord
from krobench.workload.arrivals import schedule
from krobench.workload.plan import IterationPlan, RgdPlan
from krobench.workload.source import OWN_RGD

RGDS_PATH = paths.group("kro.run", "v1alpha1", "resourcegraphdefinitions")

# An API server answers a create request of a kind that was established less than two seconds
# ago only after sleeping for two seconds (so that in a cluster of several servers the others
# have learnt of the kind). Without this pause, that sleep would be booked on kro.
_NEW_KIND_PAUSE_SECONDS = 2.1
_DELETE_CONCURRENCY = 16
_RGD_CONCURRENCY = 16


class _TestEnded(Exception):  # noqa: N818 - carries a result, not a fault of ours
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.info = ErrorInfo(reason=reason, message=message)


@dataclass
class Outcome:
    """What an iteration came to; times are seconds on the run's clock."""

    started_seconds: float
    run_started_seconds: float | None = None
    run_ended_seconds: float | None = None
    ended_seconds: float | None = None
    error: ErrorInfo | None = None
    records: list[ObjectRecord] = field(default_factory=list)
    watch_interruptions: int = 0
    schedule: tuple[float, ...] | None = None
    """When the instances were to be sent; None in a closed loop."""
    watch_lag: WatchLag | None = None
    phases_unavailable: str | None = None
    """Why the compilation of RGDs could not be timed."""
    invalid: list[ErrorInfo] = field(default_factory=list)
    """Why what was measured is not what was asked for."""
    metrics: dict[str, float | None] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    """Why a metric is None."""
    requests_elsewhere: int = 0
    """Requests of the run phase that other shards sent."""
    watch_interruptions_elsewhere: int = 0


class Iteration:
    """Runs one iteration; an async context manager, on whose exit the watches end."""

    def __init__(self, client: KubeClient, clock: RunClock, plan: IterationPlan) -> None:
        self._client = client
        self._clock = clock
        self._plan = plan
        self._driver = Driver(client, clock, plan)
        self._stack = AsyncExitStack()
        self._observers: list[Observer] = []
        self._instances: list[Target] = []
        self.outcome = Outcome(started_seconds=clock.now())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    @property
    def ready_count(self) -> int:
        """Instances that are ready so far."""
        return sum(
            followed.record.ready_seconds is not None
            for _, _, observer in self._instances
            for followed in observer.all()
        )

    @property
    def instance_count(self) -> int:
        """Instances that are to become ready."""
        return self._plan.instance_count

    async def set_up(self) -> None:
        """Create the RGDs and wait until each is ready; what goes wrong is in the outcome."""
        await self._guarded(self._create_rgds(), "the RGDs were ready")

    async def run(self) -> None:
        """Create the instances and wait until each is ready; what goes wrong is in the outcome."""
        test, count = self._plan.test, self._plan.instance_count
        self.outcome.run_started_seconds = self._clock.now()
        arrivals = schedule(test.load, count)
        if arrivals is None:
            work = closed_loop(self._driver, self._instances, min(test.concurrency, count))
        else:
            times = from_now(arrivals, self._clock)
            self.outcome.schedule = times
            work = open_loop(
                self._driver, self._instances, times, self._clock, test.load.max_in_flight
            )
        async with self._probe() as probe:
            await self._guarded(work, "all instances were ready")
            self.outcome.run_ended_seconds = self._clock.now()
        self.outcome.watch_lag = probe.result()

    def _probe(self) -> WatchProbe:
        plan = self._plan
        name = f"{plan.run.prefix}{plan.test.index}-{plan.index}-watch-probe"
        return WatchProbe(self._client, self._clock, plan.namespace, name, plan.labels)

    def finish(self) -> Outcome:
        """Close the books: what was measured up to now is the result."""
        outcome = self.outcome
        outcome.ended_seconds = self._clock.now()
        outcome.records = [f.record for observer in self._observers for f in observer.all()]
        own = sum(o.interruptions for o in self._observers)
        outcome.watch_interruptions = own + outcome.watch_interruptions_elsewhere
        for observer in self._observers:
            for followed in observer.all():
                if followed.record.ready_seconds is None and followed.record.error is None:
                    followed.record.error = followed.problem
        return outcome

    async def delete_instances(self, timeout_seconds: float) -> None:
        """Delete all instances and time each until it is gone; leaves what the time does not do."""
        gate = asyncio.Semaphore(_DELETE_CONCURRENCY)
        deletions = [
            self._delete(path, followed, gate)
            for _, path, observer in self._instances
            for followed in observer.all()
            if followed.record.acknowledged_seconds is not None
        ]
        # The sweep that follows deletes what is left, and reports what it cannot.
        with contextlib.suppress(TimeoutError, KubeError):
            async with asyncio.timeout(timeout_seconds):
                await run_together(deletions)

    async def _delete(self, path: str, followed: Followed, gate: asyncio.Semaphore) -> None:
        async with gate:
            followed.deletion = followed.record.model_copy(
                update={
                    "operation": "delete-instance",
                    "intended_seconds": None,
                    "sent_seconds": self._clock.now(),
                    "acknowledged_seconds": None,
                    "active_seconds": None,
                    "ready_seconds": None,
                    "retries": 0,
                    "throttled": 0,
                    "server_errors": 0,
                    "error": None,
                }
            )
            self.outcome.records.append(followed.deletion)
            try:
                await self._client.delete(f"{path}/{followed.record.name}")
            except ApiError as error:
                if not error.not_found:
                    raise
                followed.gone.set()
            followed.deletion.acknowledged_seconds = self._clock.now()
        await followed.gone.wait()

    async def _guarded(self, work: Coroutine[None, None, None], goal: str) -> None:
        """Await ``work`` within what is left of the test's timeout, and book its failure."""
        deadline = self.outcome.started_seconds + self._plan.test.timeout_seconds
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.now())):
                await work
        except TimeoutError:
            self.outcome.error = ErrorInfo(reason="Timeout", message=self._timeout_message(goal))
        except (
            _TestEnded,
            RgdRejectedError,
            ForbiddenError,
            ApiServerInDistressError,
            KubeError,
        ) as error:
            self.outcome.error = _explain(error)

    def _timeout_message(self, goal: str) -> str:
        seconds = self._plan.test.timeout_seconds
        message = f"the timeout of {seconds:g}s was over before {goal}"
        followed = [f for observer in self._observers for f in observer.all()]
        if self._instances:
            message += f": {self.ready_count} of {self.instance_count} instances were ready"
        for entry in followed:
            if entry.record.ready_seconds is None and entry.problem:
                return f"{message}; {entry.record.kind} {entry.record.name} says: {entry.problem}"
        return message

    async def _create_rgds(self) -> None:
        await self._refuse_existing_kind()
        selector = self._instance_selector()
        observer = await self._observe(RGDS_PATH, selector, apply_rgd)
        self.outcome.phases_unavailable = await observe_phases(self._stack, observer)
        gate = asyncio.Semaphore(_RGD_CONCURRENCY)

        async def create(rgd: RgdPlan) -> None:
            async with gate:
                followed = await self._driver.create(
                    RGDS_PATH, rgd.manifest, observer, "create-rgd"
                )
                await followed.ready

        for stage in self._plan.stages:
            await run_together(create(rgd) for rgd in stage)
        await self._observe_instances(selector)
        await asyncio.sleep(_NEW_KIND_PAUSE_SECONDS)

    def _instance_selector(self) -> str:
        labels = self._plan.labels
        return ",".join(f"{key}={labels[key]}" for key in (RUN_LABEL, TEST_LABEL, ITERATION_LABEL))

    async def _observe_instances(self, selector: str) -> None:
        for rgd in self._plan.stages[-1]:
            path = await self._path_of_kind(rgd)
            watcher = await self._observe(path, selector, apply_instance)
            self._instances.append((rgd, path, watcher))

    async def _observe(self, path: str, selector: str, apply: Apply) -> Observer:
        observer = Observer(self._client, self._clock, path, selector, apply)
        await self._stack.enter_async_context(observer)
        self._observers.append(observer)
        return observer

    async def _refuse_existing_kind(self) -> None:
        """A user's own kind that is in use already would be deleted at our tear-down."""
        if self._plan.test.workload_name != OWN_RGD:
            return
        for rgd in self._plan.rgds:
            owner = await kind_exists(self._client, rgd.group, rgd.kind)
            if owner is not None:
                raise _TestEnded(
                    "KindExists",
                    f"kind {rgd.kind} in group {rgd.group} exists already ({owner}): give "
                    f"tests[{self._plan.test.index}].workload.rgd.inline.spec.schema another kind "
                    "or group",
                )

    async def _path_of_kind(self, rgd: RgdPlan) -> str:
        kind = await find_kind(self._client, rgd.name)
        if kind is None:
            raise _TestEnded(
                "CRDNotFound",
                f"RGD {rgd.name} is Ready, but no CRD of kind {rgd.kind} carries its label after "
                f"{KIND_TIMEOUT_SECONDS:g}s; see the log of kro",
            )
        namespace = self._plan.namespace if kind.namespaced else None
        return paths.group(kind.group, rgd.version, kind.plural, namespace)


def _explain(error: Exception) -> ErrorInfo:
    match error:
        case _TestEnded():
            return error.info
        case RgdRejectedError():
            return ErrorInfo(reason="RGDRejected", message=f"kro rejects the RGD: {error}")
        case ForbiddenError():
            return ErrorInfo(
                reason="Forbidden",
                message=f"{error}; grant it to the load Job, for kinds of your own RGD by the "
                "chart's value load.extraGroups",
            )
        case ApiServerInDistressError():
            return ErrorInfo(
                reason="ApiServerInDistress",
                message=f"the test was ended to spare the API server: {error}; see its log, or "
                "ask for a lower load",
            )
        case ApiError():
            return ErrorInfo(reason=error.reason or "ApiError", message=str(error))
        case KubeError():
            return ErrorInfo(reason="ApiServerUnreachable", message=str(error))
        case _:
            raise error
