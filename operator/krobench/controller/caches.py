"""What the operator sees of Jobs, pods and results: caches that watches keep current."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from krobench.api.common import RUN_LABEL, ErrorInfo
from krobench.api.kinds import RunRef
from krobench.controller.jobstatus import JOB_NAME_LABEL, Job, Pod, read_job, read_pod, why_no_start
from krobench.controller.runs import is_newer
from krobench.controller.state import Results, Run
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.kube.watch import Watch, WatchEvent
from krobench.record.ownership import conflict, is_owned_by, owning_runs
from krobench.record.reading import RecordError
from krobench.record.store import (
    RUN_KEY,
    read_run_record,
    results_name,
)

logger = logging.getLogger(__name__)

_REWATCH_SECONDS = 5.0
_EVENTS_SECONDS = 30.0


class JobCache:
    """The Jobs of all runs, and their pods."""

    def __init__(
        self, client: KubeClient, namespace: str, changed: Callable[[RunRef], None]
    ) -> None:
        """``changed`` is called with the run of each Job or pod that changes."""
        self._client = client
        self._namespace = namespace
        self._changed = changed
        self._jobs: dict[str, Job] = {}
        self._pods: dict[str, Pod] = {}
        self._pods_of: dict[str, set[str]] = {}
        """Names of pods by the name of their Job."""
        self._job_watch = Watch(client, paths.group("batch", "v1", "jobs", namespace), RUN_LABEL)
        self._pod_watch = Watch(client, paths.core("pods", namespace), RUN_LABEL)

    def job(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def jobs(self) -> list[Job]:
        return list(self._jobs.values())

    def pods(self, job: str) -> list[Pod]:
        return [self._pods[name] for name in self._pods_of.get(job, ())]

    async def fill(self) -> None:
        """List all Jobs and pods, which is where the watches start.

        Raises:
            KubeError: if they cannot be listed.
        """
        await self._fill_jobs()
        await self._fill_pods()

    async def _fill_jobs(self) -> None:
        items = await self._job_watch.start()
        self._jobs.clear()
        for item in items:
            self.put_job(item)

    async def _fill_pods(self) -> None:
        items = await self._pod_watch.start()
        self._pods.clear()
        self._pods_of.clear()
        for item in items:
            self._put_pod(item)

    async def follow(self) -> None:
        """Keep the caches current, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(follow(self._job_watch, self._fill_jobs, self._on_job))
            group.create_task(follow(self._pod_watch, self._fill_pods, self._on_pod))

    async def reread(self, name: str) -> None:
        """Ask the API server for a Job and its pods.

        Raises:
            KubeError: if the API server does not answer.
        """
        self._jobs.pop(name, None)
        job = await self._client.find(paths.group("batch", "v1", "jobs", self._namespace, name))
        if job is not None:
            self.put_job(job)
        selector = f"{JOB_NAME_LABEL}={name}"
        pods = await self._client.list(paths.core("pods", self._namespace), selector)
        for known in self.pods(name):
            self._drop_pod(known.name)
        for item in pods:
            self._put_pod(item)

    def put_job(self, manifest: JsonObject) -> Job | None:
        """Take a Job as the API server gives it; None if it is not of a run."""
        job = read_job(manifest)
        if job is not None:
            self._jobs[job.name] = job
        return job

    def _put_pod(self, manifest: JsonObject) -> Pod:
        pod = read_pod(manifest)
        self._pods[pod.name] = pod
        self._pods_of.setdefault(pod.job, set()).add(pod.name)
        return pod

    def _drop_pod(self, name: str) -> Pod | None:
        pod = self._pods.pop(name, None)
        if pod is not None:
            names = self._pods_of[pod.job]
            names.discard(name)
            if not names:
                del self._pods_of[pod.job]
        return pod

    def _on_job(self, event: WatchEvent) -> None:
        name = event.object["metadata"]["name"]
        gone = event.type == "DELETED"
        job = self._jobs.pop(name, None) if gone else self.put_job(event.object)
        if job is not None:
            self._changed(job.run)

    def _on_pod(self, event: WatchEvent) -> None:
        name = event.object["metadata"]["name"]
        pod = self._drop_pod(name) if event.type == "DELETED" else self._put_pod(event.object)
        if pod is not None and pod.run is not None:
            self._changed(pod.run)


class StartEvents:
    """The Events that say why the pod of a load Job does not start.

    They are listed and not watched: only while a load has not started, and not often.
    """

    def __init__(self, client: KubeClient, namespace: str) -> None:
        self._client = client
        self._path = paths.core("events", namespace)
        self._job = ""
        self._asked = float("-inf")
        self._why: ErrorInfo | None = None

    async def why(self, job: str, pods: Sequence[Pod], *, fresh: bool) -> ErrorInfo | None:
        """Return the latest warning about a Job that has no pod, or else about its pod.

        Raises:
            KubeError: if the API server does not answer.
        """
        now = time.monotonic()
        if not fresh and job == self._job and now < self._asked + _EVENTS_SECONDS:
            return self._why
        kind, name = ("Pod", pods[0].name) if pods else ("Job", job)
        chosen = {"involvedObject.kind": kind, "involvedObject.name": name, "type": "Warning"}
        selector = ",".join(f"{field}={value}" for field, value in chosen.items())
        try:
            found = await self._client.get(self._path, {"fieldSelector": selector})
        except ApiError as error:
            if not error.forbidden:
                raise
            logger.warning("cannot read why %s does not start: %s", job, error)
            found = {}
        events = [
            event
            for event in found.get("items") or []
            if event["involvedObject"].get("name") == name
        ]
        self._job, self._asked, self._why = job, now, why_no_start(events)
        return self._why


class ResultsCache:
    """The results ConfigMaps of runs that are not finished.

    A ConfigMap of results may be a megabyte, and there may be thousands of finished runs. So it is
    read once of a run that waits, followed by a watch of its own while the run is going on, and
    forgotten after that. What is kept of it is ``run.json``.
    """

    def __init__(
        self,
        client: KubeClient,
        exists: Callable[[str], bool],
        changed: Callable[[RunRef], None],
    ) -> None:
        """``exists`` tells whether there is a run with a UID; ``changed`` is called with the run
        whose results change."""
        self._client = client
        self._exists = exists
        self._changed = changed
        self._seen: dict[str, _Results] = {}
        self._followers: dict[str, asyncio.Task[None]] = {}

    @property
    def followed(self) -> int:
        """Number of runs whose results are watched."""
        return len(self._followers)

    async def of(self, run: Run, *, follow: bool) -> Results:
        """Return the results of a run, and with ``follow`` keep them current from now on.

        Raises:
            KubeError: if the API server does not answer.
        """
        if run.spec is None:
            return Results()
        uid, name = run.uid, results_name(run.name, run.spec)
        try:
            if follow and uid not in self._followers:
                await self._follow(run, name)
            elif uid not in self._seen:
                await self.reread(run)
        except ApiError as error:
            if not error.forbidden or error.transient:
                raise
            info = ErrorInfo(reason="Forbidden", message=error.message)
            return Results(name, error=info)
        return self._seen[uid].parsed(uid, self._exists)

    async def reread(self, run: Run) -> None:
        """Ask the API server for the results of a run.

        Raises:
            KubeError: if the API server does not answer.
        """
        assert run.spec is not None
        name = results_name(run.name, run.spec)
        found = await self._client.find(paths.core("configmaps", run.namespace, name))
        self._seen[run.uid] = _Results(name)
        if found is not None:
            self._put(run.uid, name, found)

    def forget(self, uid: str) -> None:
        """Follow the results of a run no more."""
        self._seen.pop(uid, None)
        task = self._followers.pop(uid, None)
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Forget all: another operator may change them from now on."""
        for uid in (*self._seen, *self._followers):
            self.forget(uid)

    async def _follow(self, run: Run, name: str) -> None:
        collection = paths.core("configmaps", run.namespace)
        watch = Watch(self._client, collection, field_selector=f"metadata.name={name}")

        async def fill() -> None:
            items = await watch.start()
            self._seen[run.uid] = _Results(name)
            for item in items:
                self._put(run.uid, name, item)

        def on_event(event: WatchEvent) -> None:
            if event.type == "DELETED":
                self._seen[run.uid] = _Results(name)
            elif not self._put(run.uid, name, event.object):
                return
            self._changed(run.ref)

        await fill()
        task = asyncio.create_task(follow(watch, fill, on_event))
        self._followers[run.uid] = task

    def _put(self, uid: str, name: str, config_map: JsonObject) -> bool:
        metadata = config_map["metadata"]
        if metadata["name"] != name:
            return False
        known = self._seen.get(uid)
        version = metadata.get("resourceVersion", "")
        if known is not None and known.there and not is_newer(version, known.version):
            return False
        data = config_map.get("data") or {}
        kept = {
            "metadata": {
                key: metadata[key]
                for key in ("name", "namespace", "ownerReferences")
                if key in metadata
            },
            "data": {key: data[key] for key in (RUN_KEY,) if key in data},
        }
        self._seen[uid] = _Results(name, version, kept)
        return True


class _Results:
    """A results ConfigMap, which is parsed when it is first needed."""

    def __init__(self, name: str, version: str = "", config_map: JsonObject | None = None) -> None:
        self.version = version
        self._name = name
        self._config_map = config_map
        self._record: Results | None = None

    @property
    def there(self) -> bool:
        return self._config_map is not None

    def parsed(self, uid: str, exists: Callable[[str], bool]) -> Results:
        """Return it as the run with this UID sees it."""
        if self._config_map is None:
            return Results(self._name)
        owners = owning_runs(self._config_map)
        if owners and not any(exists(owner.uid) for owner in owners):
            return Results(self._name)  # of a deleted run: the load Job takes its place
        if not is_owned_by(self._config_map, uid):
            return Results(self._name, conflict=conflict(self._config_map))
        if self._record is None:
            try:
                self._record = Results(self._name, record=read_run_record(self._config_map))
            except RecordError as error:
                info = ErrorInfo(reason="ResultsUnreadable", message=str(error))
                self._record = Results(self._name, error=info)
            del self._config_map["data"]  # a text of up to 1 MB
        return self._record


async def follow(
    watch: Watch, refill: Callable[[], Awaitable[None]], on_event: Callable[[WatchEvent], None]
) -> None:
    """Handle the events of a watch that has been started, and start again whenever it fails."""
    while True:
        try:
            async for event in watch.events():
                try:
                    on_event(event)
                except Exception:
                    # An object that nobody foresees must not hide the others.
                    logger.exception("cannot read %s", event.object.get("metadata", {}).get("name"))
        except KubeError as error:
            logger.warning("cannot watch: %s; retrying in %g s", error, _REWATCH_SECONDS)
        except Exception:
            logger.exception("cannot watch; retrying in %g s", _REWATCH_SECONDS)
        await asyncio.sleep(_REWATCH_SECONDS)
        with contextlib.suppress(KubeError):
            await refill()
