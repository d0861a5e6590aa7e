"""The operator's process: kopf watches, a work queue reconciles.

kopf's handlers only pass on how a resource is now. Decisions rest on states and not on what
happened, so a missed, doubled or late event does no harm; and resources stay free of kopf's
annotations and finalizers.
"""

import asyncio
import contextlib
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import kopf
from prometheus_client import CollectorRegistry

from krobench.api.common import API_GROUP, API_VERSION, utc_now
from krobench.api.kinds import KINDS, RunKind, ScheduleKind
from krobench.controller.endpoints import Endpoints
from krobench.controller.leadership import Leadership
from krobench.controller.metrics import OperatorMetrics, RunMetrics
from krobench.controller.schedules.loop import Clock
from krobench.controller.settings import Settings
from krobench.controller.workqueue import Pace, WorkQueue
from krobench.kube.client import JsonObject, KubeClient, allow_deep_objects
from krobench.kube.config import ServiceAccount, load_client_config
from krobench.kube.errors import KubeError
from krobench.kube.timing import Timing
from krobench.kube.transport import NO_RETRIES
from krobench.record.run import RunRecord

logger = logging.getLogger(__name__)

Login = Callable[..., kopf.ConnectionInfo | None]

# It logs each event that is passed on.
_CHATTY_LOGGER = "kopf.objects"
# A request to an API server that does not answer takes up to a minute, and there may be several.
_MAX_IDLE_SECONDS = 300.0
# The process keeps the memory that the most objects in kopf's queues have taken at once: those of a
# page, those whose worker waits for another event, and those that only the collector can free.
_LIST_CHUNK = 20
_IDLE_SECONDS = 0.01
_OBJECTS_BETWEEN_COLLECTIONS = 5_000


class NothingStored(kopf.DiffBaseStorage):
    """Keeps kopf from copying and comparing objects: no handler asks what has changed."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        pass


class Backoffs:
    """Pauses between attempts, without an end: kopf stops an operator that has none left."""

    def __iter__(self) -> Iterator[float]:
        yield from (1, 1, 2, 3, 5, 8)
        while True:
            yield 10


class Operator:
    """One operator: its work queue, and the handlers that feed it."""

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        registry: CollectorRegistry,
        pace: Pace | None = None,
        timing: Timing | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._client = client
        self._timing = timing or Timing()
        metrics = OperatorMetrics(registry)
        self.queue = WorkQueue(client, settings, metrics, pace, clock)
        self.leadership = Leadership(client, settings, self.queue.show_life, self._timing)
        metrics.leader.set_function(lambda: self.leadership.leads)
        schedules = self.queue.scheduler.schedules
        registry.register(RunMetrics(self.queue.cluster.runs.figures, schedules.values))
        self._task: asyncio.Task[None] | None = None
        self.ready = False
        """Whether it has seen the cluster, and acts or stands by."""

    def register(self, registry: kopf.OperatorRegistry, login: Login) -> None:
        """Register the handlers with kopf, which logs in for itself."""
        kopf.on.login(registry=registry)(login)
        kopf.on.startup(registry=registry)(self._start)
        kopf.on.cleanup(registry=registry)(self._stop)
        for kind in RunKind:
            watch = kopf.on.event(API_GROUP, API_VERSION, kind.plural, registry=registry)
            watch(partial(self._changed, kind))
        watch = kopf.on.event(
            API_GROUP, API_VERSION, ScheduleKind.SCHEDULE.plural, registry=registry
        )
        watch(self._schedule_changed)

    async def _start(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        configure_kopf(settings)
        # kopf looks for our kinds only once, after this handler.
        await self._until_answered(self.queue.cluster.runs.refresh)
        self._task = asyncio.create_task(self.leadership.lead(self._work))
        self.ready = True

    async def _until_answered(self, question: Callable[[], Awaitable[None]]) -> None:
        while True:
            self.queue.show_life()
            try:
                return await question()
            except KubeError as error:
                logger.warning("cannot start yet: %s; retrying", error)
                await asyncio.sleep(self._timing.start_retry)

    async def _work(self) -> None:
        await self._until_answered(self.queue.start)
        await self.queue.run(lambda: self.leadership.leads)

    async def _stop(self, **_: Any) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._client.close()

    async def _changed(self, kind: RunKind, event: kopf.RawEvent, **_: Any) -> None:
        resource: JsonObject = {**event["object"]}
        if event["type"] == "DELETED":
            self.queue.drop(kind, resource)
        else:
            self.queue.take(kind, resource)

    async def _schedule_changed(self, event: kopf.RawEvent, **_: Any) -> None:
        resource: JsonObject = {**event["object"]}
        if event["type"] == "DELETED":
            self.queue.scheduler.drop(resource)
        else:
            self.queue.scheduler.take(resource)

    def trouble(self) -> str | None:
        """Return why the operator has to be restarted; None if it works."""
        idle_seconds = self.queue.idle_seconds
        if idle_seconds <= _MAX_IDLE_SECONDS:
            return None
        return f"the queue has made no progress for {idle_seconds:.0f} s"


def prepare_process() -> None:
    """Do before the first object what each object would wait for.

    Models are built, and the collection of garbage leaves alone what the process keeps: while a
    resource of 1 MB in many parts is parsed, it would look through all of that several times.
    """
    for kind in KINDS:
        kind.spec.model_rebuild()
        kind.status.model_rebuild()
    RunRecord.model_rebuild()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def configure_kopf(settings: kopf.OperatorSettings) -> None:
    """Make kopf a quiet watcher of our kinds, which reads whatever an API server admits."""
    allow_deep_objects()
    # Not ours: kopf takes its own finalizer off objects that none of its handlers holds.
    settings.persistence.finalizer = f"{API_GROUP}/kopf"
    settings.persistence.diffbase_storage = NothingStored()
    settings.posting.enabled = False
    # kopf would ask the API server for all kinds of a group at each change of any CRD, and kro
    # creates and deletes one for each ResourceGraphDefinition.
    settings.scanning.disabled = True
    settings.watching.server_timeout = 600
    settings.watching.connect_timeout = 30
    settings.watching.chunk_size = _LIST_CHUNK
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = Backoffs()
    settings.queueing.idle_timeout = _IDLE_SECONDS


def login_in_pod(**_: Any) -> kopf.ConnectionInfo:
    """Log in as the pod's service account.

    kopf's own login of this kind expects a DNS name of the API server.
    """
    account = ServiceAccount()
    scheme, token = account.authorization().split()
    return kopf.ConnectionInfo(
        server=account.server(), ca_path=str(account.ca_file), scheme=scheme, token=token
    )


def run_operator() -> None:
    """Run until stopped."""
    in_pod = ServiceAccount().namespace is not None
    login = login_in_pod if in_pod else kopf.login_via_client
    serve(KubeClient(load_client_config(), policy=NO_RETRIES), login)


def serve(client: KubeClient, login: Login) -> None:
    """Run against an API server until stopped; ``login`` is that of kopf."""
    logging.getLogger(_CHATTY_LOGGER).setLevel(logging.WARNING)
    prepare_process()
    settings = Settings.from_environment()
    metrics = CollectorRegistry()
    registry = kopf.OperatorRegistry()
    operator = Operator(client, settings, metrics)
    endpoints = Endpoints(metrics, operator.trouble, lambda: operator.ready)
    # First: the operator's own start waits for the API server.
    kopf.on.startup(registry=registry)(endpoints.start)
    operator.register(registry, login)
    kopf.on.cleanup(registry=registry)(endpoints.stop)
    watched = settings.watch_namespaces
    kopf.run(registry=registry, standalone=True, clusterwide=not watched, namespaces=watched)
