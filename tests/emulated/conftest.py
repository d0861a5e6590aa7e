"""An emulated API server, and the operator running against it.

The emulator has no admission, no garbage collector and no controllers: what those would do is
done by the tests, or tested on a real cluster.
"""

import asyncio
import itertools
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import kmock
import kopf
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from unit.controller.world import SPECS

from krobench.api.common import API_GROUP, API_VERSION, rfc3339, utc_now
from krobench.api.kinds import KINDS, RunKind
from krobench.controller.operator import Operator
from krobench.controller.settings import Settings
from krobench.controller.workqueue import Pace, WorkQueue
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig
from krobench.kube.errors import ApiError
from krobench.kube.timing import Timing
from krobench.kube.transport import NO_RETRIES

NAMESPACE = "krobench-system"
TIMEOUT_SECONDS = 60.0

Manifest = dict[str, Any]


class _ByKey(kmock.KubernetesScaffold):
    """Finds an object by its key: kmock tries each reaction, and then each object that it has."""

    __slots__ = ()

    async def _handle(self, request: Any) -> Any:
        if request.resource not in self.resources:
            return await super()._handle(request)
        match request.action:
            case kmock.action.LIST:
                metadata = {"resourceVersion": "..."}
                return web.json_response({"metadata": metadata, "items": self._list(request)})
            case kmock.action.FETCH | kmock.action.UPDATE | kmock.action.DELETE:
                key = (request.resource, request.namespace, request.name)
            case kmock.action.CREATE:
                metadata = request.data["metadata"]
                namespace = request.namespace or metadata.get("namespace")
                key = (request.resource, namespace, metadata["name"])
            case _:
                return await super()._handle(request)
        return web.json_response(self._found(key, fetched=request.action == kmock.action.FETCH))

    def _list(self, request: Any) -> list[Manifest]:
        return [
            found.raw
            for (resource, namespace, _), found in self._stored.items()
            if resource == request.resource
            and request.namespace in (None, namespace)
            and not found.deleted
        ]

    def _found(self, key: Any, *, fetched: bool) -> Manifest:
        """Return an object; one that was just deleted, as it was before."""
        if key not in self._stored or (fetched and self._stored[key].deleted):
            raise kmock.KubernetesObjectNotFoundError
        found: Manifest = self._stored[key].last.raw
        return found

    @property
    def _stored(self) -> Any:
        return cast("kmock.KubernetesEmulator", self).objects


class Emulator(kmock.KubernetesEmulator, _ByKey):
    """Fills in what an API server fills in when it creates an object."""

    _numbers = itertools.count(1)
    invalid = ""
    """A resource of this name does not fit its schema when its status is written."""
    starting = False
    """It has not read its roles yet, and refuses to make Jobs."""
    unready_answers = 0
    away = ""
    """It does not answer requests whose path contains this."""
    unanswered = 0
    terminating = False
    """The namespaces are being deleted."""
    job_age_seconds = 0.0
    """Of a Job when it is created: as if its pod had not started since then."""
    seen: list[str]
    """Method and path of each request."""
    writers: list[str]
    """Who sent each change of anything but Leases."""

    def __init__(self) -> None:
        super().__init__()
        self.seen, self.writers = [], []

    async def _handle(self, request: Any) -> Any:
        try:
            return await self._answer(request)
        finally:
            # kmock compares each request with all that it remembers.
            self._requests[:] = [each for each in self._requests if each is not request]

    async def _answer(self, request: Any) -> Any:
        self._note(request)
        if (refusal := self._refuse(request)) is not None:
            return refusal
        if request.action == kmock.action.UPDATE and isinstance(request.data, dict):
            if self._is_outdated(request):
                return web.json_response({"reason": "Conflict", "message": "changed"}, status=409)
            request.data.setdefault("metadata", {})["resourceVersion"] = str(next(self._numbers))
        if request.action == kmock.action.DELETE:
            self._touch(request)
        if request.action == kmock.action.CREATE and isinstance(request.data, dict):
            number = next(self._numbers)
            created = f"2026-01-01T00:00:{number % 60:02d}Z"
            if request.url.path.endswith("/jobs"):
                created = rfc3339(utc_now() - timedelta(seconds=self.job_age_seconds))
            request.data["metadata"] = {
                "uid": f"{number:08x}-0000-0000-0000-000000000000",
                "creationTimestamp": created,
                "resourceVersion": str(number),
                "generation": 1,
            } | request.data["metadata"]
        if request.method.upper() == "PUT" and request.resource is not None:
            return await self._replace(request)
        return await super()._handle(request)

    async def _serve_watch(self, request: Any) -> AsyncIterator[Any]:
        """Unlike kmock's watch, lose nothing that happens while what there is so far is sent."""
        yield b""
        bus = self._buses[request.resource]
        since = await bus.mark()
        try:
            for raw in self._list(request):
                yield {"type": "ADDED", "object": raw}
            async for event in bus.stream(since=since):
                namespace = event["object"]["metadata"].get("namespace")
                if request.namespace in (None, namespace):
                    yield event
        finally:
            await bus.unmark(since)

    def _refuse(self, request: Any) -> web.Response | None:
        if self.away and self.away in request.url.path:
            self.unanswered += 1
            return web.Response(status=503)
        if self.starting and request.url.path == "/readyz":
            self.unready_answers += 1
            return web.Response(status=500)
        if self.invalid and request.url.path.endswith(f"/{self.invalid}/status"):
            return web.json_response({"reason": "Invalid", "message": "steps"}, status=422)
        if (why := self._forbids(request)) is not None:
            return web.json_response({"reason": "Forbidden", "message": why}, status=403)
        if request.action == kmock.action.CREATE and self._exists(request):
            return web.json_response({"reason": "AlreadyExists", "message": "exists"}, status=409)
        return None

    def _exists(self, request: Any) -> bool:
        name = request.data["metadata"].get("name") if isinstance(request.data, dict) else ""
        key: Any = (request.resource, request.namespace, name)
        return key in self.objects and not self.objects[key].deleted

    def _forbids(self, request: Any) -> str | None:
        if self.starting and request.method == "POST" and request.url.path.endswith("/jobs"):
            return "no"
        if self.terminating and request.action == kmock.action.CREATE:
            return "unable to create new content in namespace x because it is being terminated"
        return None

    async def _replace(self, request: Any) -> Any:
        """Do what kmock does for patches alone."""
        if self._is_outdated(request):
            return web.json_response({"reason": "Conflict", "message": "changed"}, status=409)
        stored = self.objects[request.resource, request.namespace, request.name]
        request.data["metadata"]["resourceVersion"] = str(next(self._numbers))
        stored.patch(request.data)
        event = {"type": "MODIFIED", "object": stored.raw}
        await self._buses[request.resource].put(event)
        return web.json_response(stored.raw)

    def _note(self, request: Any) -> None:
        self.seen.append(f"{request.method.upper()} {request.url.path}")
        if request.method.upper() != "GET" and "/leases" not in request.url.path:
            self.writers.append(request.headers.get("Authorization", ""))

    def serve_resources(self) -> None:
        """Know the kinds that the operator deals with."""
        for resource in (
            *(f"{API_GROUP}/{API_VERSION}/{kind.plural}" for kind in KINDS),
            "apps/v1/deployments",
            "v1/configmaps",
            "v1/pods",
            "v1/secrets",
            "v1/events",
            "v1/namespaces",
            "batch/v1/jobs",
            "coordination.k8s.io/v1/leases",
            "apiextensions.k8s.io/v1/customresourcedefinitions",
        ):
            self.resources[resource] = kmock.ResourceInfo(
                namespaced=not resource.endswith(("namespaces", "definitions")),
                verbs={"get", "list", "watch", "create", "patch", "delete"},
                subresources={"status"},
            )

    def _is_outdated(self, request: Any) -> bool:
        """Whether it is meant for another version of the object than there is."""
        key = (request.resource, request.namespace, request.name)
        meant = request.data.get("metadata", {}).get("resourceVersion")
        if meant is None or key not in self.objects or self.objects[key].deleted:
            return False
        return bool(meant != self.objects[key].raw["metadata"]["resourceVersion"])

    def _touch(self, request: Any) -> None:
        """Give an object that is to be deleted another version, as its finalizers may keep it."""
        key = (request.resource, request.namespace, request.name)
        if key in self.objects and not self.objects[key].deleted:
            self.objects[key].patch({"metadata": {"resourceVersion": str(next(self._numbers))}})


async def until(question: Callable[[], Any], what: str) -> Any:
    """Ask until the answer is true; the operator is quick, but not at once."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                try:
                    answer = await question()
                except ApiError as error:
                    if not error.not_found:
                        raise
                    answer = None
                if answer:
                    return answer
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {TIMEOUT_SECONDS:.0f} s: {what}") from None


async def until_quiet(emulator: Emulator, seconds: float, what: str) -> None:
    """Wait for so long a time without a request; what went before may still cause some.

    Renewals of the Lease do not count.
    """

    async def quiet() -> bool:
        before = len(emulator.seen)
        await asyncio.sleep(seconds)
        return all("/leases/" in request for request in emulator.seen[before:])

    await until(quiet, what)


@dataclass
class Api:
    """The emulated API server, as a user and as the load Job see it."""

    client: KubeClient
    kind: RunKind
    """Of the resources that are created."""

    async def create(self, name: str, spec: Manifest | None = None) -> None:
        """Apply a resource of this kind; with the spec of ``SPECS`` if none is given."""
        body = {
            "apiVersion": f"{API_GROUP}/{API_VERSION}",
            "kind": self.kind.value,
            "metadata": {"name": name, "namespace": "default"},
            "spec": spec or SPECS[self.kind],
        }
        await self.client.create(self.path(), body)

    def path(self, name: str | None = None) -> str:
        return paths.group(API_GROUP, API_VERSION, self.kind.plural, "default", name)

    async def status(self, name: str) -> Manifest:
        status: Manifest = (await self.client.get(self.path(name))).get("status", {})
        return status

    async def jobs(self) -> list[Manifest]:
        return await self.client.list(paths.group("batch", "v1", "jobs", NAMESPACE))

    async def end_job(self, name: str, condition: str) -> None:
        """Do what the Job controller does when the pod has ended."""
        status = {"conditions": [{"type": condition, "status": "True", "reason": "Test"}]}
        path = paths.group("batch", "v1", "jobs", NAMESPACE, name)
        await self.client.patch(path, {"status": status})

    async def events(self) -> list[tuple[str, str]]:
        items = await self.client.list(paths.core("events", "default"))
        return [(item["involvedObject"]["name"], item["reason"]) for item in items]

    async def until(self, question: Callable[[], Any], what: str) -> Any:
        return await until(question, what)

    async def until_phase(self, name: str, phase: str) -> Manifest:
        async def question() -> Manifest | None:
            status = await self.status(name)
            return status if status.get("phase") == phase else None

        answer: Manifest = await self.until(question, f"{name} is {phase}")
        return answer


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator() as handler:
        handler.serve_resources()
        yield handler


@pytest.fixture
async def server(emulator: Emulator) -> AsyncIterator[str]:
    async with kmock.Server(emulator) as running:
        yield str(running.url).rstrip("/")


@pytest.fixture(params=RunKind)
async def api(server: str, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """The same story is told of a run of either kind."""
    async with KubeClient(ClientConfig(server, None, lambda: None)) as client:
        yield Api(client, request.param)


class RunningOperator:
    """The operator with its kopf, which can be stopped and started again.

    It has a thread and a loop of its own: when kopf ends, it cancels all tasks of its loop.
    """

    def __init__(self, server: str, namespace: str = NAMESPACE, **settings: Any) -> None:
        self._server = server
        self._settings = Settings(namespace=namespace, image="registry/krobench:1", **settings)
        self.timing = Timing()
        self.pace = Pace(look_seconds=0.5, progress_seconds=0.1)
        self.clock: Callable[[], datetime] = utc_now
        self.queue: WorkQueue | None = None
        self.operator: Operator | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    async def start(self) -> None:
        ready = threading.Event()
        self._stop = threading.Event()
        # A daemon, so that an operator that does not end does not keep the suite from ending.
        self._thread = threading.Thread(target=self._run, args=(ready, self._stop), daemon=True)
        self._thread.start()
        assert await asyncio.to_thread(ready.wait, TIMEOUT_SECONDS)

    async def stop(self) -> None:
        if self._thread is not None:
            self._stop.set()
            await asyncio.to_thread(self._thread.join, TIMEOUT_SECONDS)
            if self._thread.is_alive():
                warnings.warn("an operator does not end", stacklevel=2)
            self._thread = None

    def _run(self, ready: threading.Event, stop: threading.Event) -> None:
        config = ClientConfig(self._server, None, lambda: self._settings.pod)
        registry = kopf.OperatorRegistry()
        client = KubeClient(config, policy=NO_RETRIES)
        operator = self.operator = Operator(
            client, self._settings, CollectorRegistry(), self.pace, self.timing, self.clock
        )
        self.queue = operator.queue
        operator.register(registry, login=self._login)

        async def run() -> None:
            self.loop = asyncio.get_running_loop()
            await kopf.operator(
                registry=registry,
                standalone=True,
                clusterwide=not self._settings.watch_namespaces,
                namespaces=self._settings.watch_namespaces,
                ready_flag=ready,
                stop_flag=stop,
            )

        asyncio.run(run())

    def _login(self, **_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=self._server)


@pytest.fixture
async def operator(server: str) -> AsyncIterator[RunningOperator]:
    running = RunningOperator(server)
    await running.start()
    yield running
    await running.stop()
