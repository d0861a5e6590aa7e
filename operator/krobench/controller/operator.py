"""The operator's process: kopf watches, a worker reconciles.

kopf's handlers only pass on which resource changed. Decisions rest on how things stand and not
on what happened, so a missed, doubled or late event does no harm; and resources stay free of
kopf's annotations and finalizers.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import kopf
from prometheus_client import CollectorRegistry, start_http_server

from krobench.api.common import API_GROUP, API_VERSION, COMPONENT_LABEL, RUN_LABEL
from krobench.api.kinds import RunKind, RunRef
from krobench.controller.cluster import Cluster
from krobench.controller.jobs import run_of
from krobench.controller.metrics import OperatorMetrics
from krobench.controller.settings import Settings
from krobench.controller.worker import Worker
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import load_client_config
from krobench.kube.errors import KubeError
from krobench.kube.transport import NO_RETRIES
from krobench.kube.watch import Watch
from krobench.record.store import RESULTS_COMPONENT, owning_runs

logger = logging.getLogger(__name__)

Login = Callable[..., kopf.ConnectionInfo | None]

METRICS_PORT = 8080
LIVENESS_ENDPOINT = "http://0.0.0.0:8081/healthz"

# They report each event that was passed on, and each probe of the kubelet.
_CHATTY_LOGGERS = ("kopf.objects", "kopf.activities.probe", "aiohttp.access")
_MAX_IDLE_SECONDS = 60.0
_REWATCH_SECONDS = 5.0
# kopf lists whole objects, and a ConfigMap of results may be a megabyte.
_LIST_CHUNK = 20


class Operator:
    """One operator: its worker, and the handlers that feed it."""

    def __init__(self, client: KubeClient, settings: Settings, registry: CollectorRegistry) -> None:
        self._client = client
        self._settings = settings
        self.worker = Worker(Cluster(client, settings), OperatorMetrics(registry))
        self._tasks: list[asyncio.Task[None]] = []

    def register(
        self, registry: kopf.OperatorRegistry, login: Login = kopf.login_via_client
    ) -> None:
        """Register the handlers with kopf, which logs in for itself."""
        kopf.on.login(registry=registry)(login)
        kopf.on.startup(registry=registry)(self._start)
        kopf.on.cleanup(registry=registry)(self._stop)
        for kind in RunKind:
            watch = kopf.on.event(API_GROUP, API_VERSION, kind.plural, registry=registry)
            watch(partial(self._changed, kind))
        kopf.on.event("v1", "configmaps", registry=registry)(self._results_changed)
        kopf.on.probe(id="worker", registry=registry)(self._probe)

    async def _start(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        # Not ours: kopf takes its own finalizer off objects that none of its handlers holds.
        settings.persistence.finalizer = f"{API_GROUP}/kopf"
        settings.posting.enabled = False
        settings.watching.server_timeout = 600
        settings.watching.connect_timeout = 30
        settings.watching.chunk_size = _LIST_CHUNK
        settings.networking.request_timeout = 60
        settings.queueing.worker_limit = 20
        settings.watching.label_selectors["configmaps"] = f"{COMPONENT_LABEL}={RESULTS_COMPONENT}"
        self._tasks = [
            asyncio.create_task(self.worker.run()),
            asyncio.create_task(self._watch_jobs()),
        ]

    async def _stop(self, **_: Any) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._client.close()

    async def _changed(self, kind: RunKind, meta: kopf.Meta, **_: Any) -> None:
        self.worker.enqueue(RunRef.of(kind, meta))

    async def _results_changed(self, body: kopf.Body, **_: Any) -> None:
        for run in owning_runs(body):
            self.worker.enqueue(run)

    async def _probe(self, **_: Any) -> float:
        idle_seconds = self.worker.idle_seconds
        if idle_seconds > _MAX_IDLE_SECONDS:
            raise kopf.PermanentError(f"the worker has made no progress for {idle_seconds:.0f} s")
        return round(idle_seconds, 1)

    async def _watch_jobs(self) -> None:
        """Watch our own namespace's Jobs; kopf would have to watch those of the whole cluster."""
        path = paths.group("batch", "v1", "jobs", self._settings.namespace)
        watch = Watch(self._client, path, RUN_LABEL)
        while True:
            try:
                await watch.start()
                async for event in watch.events():
                    key = run_of(event.object)
                    if key is not None:
                        self.worker.enqueue(key)
            except KubeError as error:
                logger.warning("cannot watch Jobs: %s", error)
            except Exception:
                # The worker's resync stands in meanwhile, only slower.
                logger.exception("cannot watch Jobs")
            await asyncio.sleep(_REWATCH_SECONDS)


def run_operator() -> None:
    """Run until stopped."""
    for chatty in _CHATTY_LOGGERS:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings = Settings.from_environment()
    metrics = CollectorRegistry()
    start_http_server(METRICS_PORT, registry=metrics)
    registry = kopf.OperatorRegistry()
    Operator(KubeClient(load_client_config(), policy=NO_RETRIES), settings, metrics).register(
        registry
    )
    kopf.run(
        registry=registry,
        standalone=True,
        clusterwide=True,
        liveness_endpoint=LIVENESS_ENDPOINT,
    )
