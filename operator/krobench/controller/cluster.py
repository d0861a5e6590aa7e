"""Between the decisions and the API server: observing a run, and carrying out actions.

Observing reads caches. Only a decision that gives up a run is checked with a fresh look before it
is carried out.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from krobench.api.common import (
    FINALIZER,
    OPERATOR_ANNOTATION,
    ErrorInfo,
    utc_now,
)
from krobench.api.kinds import RunRef
from krobench.api.status import ObjectRef, RunStatus
from krobench.controller.caches import JobCache, ResultsCache, StartEvents
from krobench.controller.events import emit
from krobench.controller.jobstatus import only_sidecars_run, view_job
from krobench.controller.manifest import job_manifest, job_name
from krobench.controller.reconcile import (
    Action,
    AddFinalizer,
    CreateJob,
    DeleteJob,
    PatchStatus,
    RemoveFinalizer,
)
from krobench.controller.runs import RunCache
from krobench.controller.settings import Settings
from krobench.controller.state import (
    JobKind,
    JobState,
    JobView,
    Observed,
    Results,
    Run,
)
from krobench.controller.webhooks import PAUSES_SECONDS, Webhooks
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError
from krobench.report.events import RunEvent
from krobench.report.words import runs as words

logger = logging.getLogger(__name__)

_SLOW_START_SECONDS = 10.0


def _starts_slowly(job: JobView) -> bool:
    """Whether a pod that does not say why it has not started should have started by now."""
    waits = job.state is JobState.ACTIVE and not job.started and job.waiting is None
    return waits and job.age_seconds > _SLOW_START_SECONDS


class RefusedError(Exception):
    """The API server refuses an action for good; ``info`` says which and why."""

    def __init__(self, info: ErrorInfo) -> None:
        super().__init__(info.message)
        self.info = info


class GoneError(Exception):
    """The resource is gone, and with it all that was to do for it."""


class Cluster:
    """What the controller sees and changes."""

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        changed: Callable[[RunRef], None],
        webhook_pauses: Sequence[float] = PAUSES_SECONDS,
    ) -> None:
        """``changed`` is called with each run whose Jobs, pods or results change."""
        self._client = client
        self._settings = settings
        self._refused_cleanups: dict[str, tuple[int, datetime, ErrorInfo]] = {}
        self.runs = RunCache(
            client, settings.load_max_objects, settings.limits, settings.watch_namespaces
        )
        self.jobs = JobCache(client, settings.namespace, changed)
        self._start_events = StartEvents(client, settings.namespace)
        self.results = ResultsCache(client, self.runs.__contains__, changed)
        self.webhooks = Webhooks(client, settings.access, self.emit, webhook_pauses)

    async def observe(self, ref: RunRef, *, fresh: bool = False) -> Observed | None:
        """Return what is known of a run; None if its resource does not exist.

        With ``fresh``, everything is read from the API server again.

        Raises:
            KubeError: if the API server is asked, and does not answer.
        """
        run = await self.runs.reread(ref) if fresh else self.runs.get(ref.uid)
        if run is None:
            self.results.forget(ref.uid)
            return None
        if run.finished or run.deleting:
            self.results.forget(ref.uid)
        if run.settled:
            self._refused_cleanups.pop(run.uid, None)
            return Observed(run, now=utc_now())
        if run.operator not in ("", self._settings.namespace):
            return Observed(run, foreign=True, now=utc_now())
        load_name = job_name(run, JobKind.LOAD)
        if fresh:
            await self.jobs.reread(load_name)
        load = self._view(load_name)
        if _starts_slowly(load):
            load = replace(load, waiting=await self._why_no_start(load_name, fresh=fresh))
        ahead = self.runs.ahead_of(run)
        results = Results()
        if not run.finished and not run.deleting and run.spec is not None:
            if fresh:
                await self.results.reread(run)
            results = await self.results.of(run, follow=not ahead and not run.suspended)
        return Observed(
            run=run,
            load=load,
            load_pods_running=any(pod.running(utc_now()) for pod in self.jobs.pods(load_name)),
            cleanups=self._cleanups(run),
            results=results,
            ahead=ahead,
            now=utc_now(),
        )

    def _view(self, name: str) -> JobView:
        return view_job(self.jobs.job(name), self.jobs.pods(name), utc_now())

    async def _why_no_start(self, job: str, *, fresh: bool) -> ErrorInfo | None:
        pods = [pod for pod in self.jobs.pods(job) if pod.leads]
        return await self._start_events.why(job, pods, fresh=fresh) or (
            None if pods else words.POD_NOT_CREATED
        )

    def _cleanups(self, run: Run) -> tuple[JobView, ...]:
        """Return the attempts to clean up, the latest last."""
        found = [
            self._view(job.name)
            for job in self.jobs.jobs()
            if job.run.uid == run.uid and job.kind is JobKind.CLEANUP
        ]
        refused = self._refused_cleanups.get(run.uid)
        if refused is not None:
            attempt, when, error = refused
            age_seconds = (utc_now() - when).total_seconds()
            found.append(JobView(JobState.FAILED, error, age_seconds=age_seconds, attempt=attempt))
        return tuple(sorted(found, key=lambda job: job.attempt))

    def refuse_cleanup(self, run: Run, attempt: int, error: ErrorInfo) -> None:
        """Remember an attempt to clean up whose Job the API server refuses."""
        self._refused_cleanups[run.uid] = attempt, utc_now(), error

    async def delete_needless_jobs(self) -> None:
        """Delete Jobs that only sidecars keep going, and those whose resource is gone.

        A resource in another namespace cannot be the owner of a Job.

        Raises:
            KubeError: if the API server does not answer.
        """
        for job in self.jobs.jobs():
            if not self._settings.watches(job.run.namespace):
                continue  # its resource may not be read
            alone = only_sidecars_run(job, self.jobs.pods(job.name), utc_now())
            if alone or (job.run.uid not in self.runs and await self.runs.reread(job.run) is None):
                await self._delete_job(job.name)

    def load_job(self, run: Run) -> ObjectRef:
        """Return the reference of a run's load Job."""
        return ObjectRef(
            kind="Job", namespace=self._settings.namespace, name=job_name(run, JobKind.LOAD)
        )

    async def apply(self, run: Run, action: Action) -> None:
        """Carry out an action.

        Raises:
            RefusedError: if the API server refuses it for good.
            GoneError: if the resource is gone.
            KubeError: if it may be possible later.
        """
        match action:
            case AddFinalizer():
                await self._set_finalizer(run, present=True)
            case RemoveFinalizer():
                await self._set_finalizer(run, present=False)
            case CreateJob():
                await self._create_job(run, action)
            case DeleteJob():
                await self._delete_job(job_name(run, JobKind.LOAD))
            case PatchStatus():
                await self._patch_status(run, action.status)
                self._tell(run, action.status)
            case RunEvent():
                await self.emit(run.ref, action)

    async def _set_finalizer(self, run: Run, *, present: bool) -> None:
        current = self.runs.get(run.uid) or run
        wanted = [item for item in current.finalizers if item != FINALIZER]
        metadata: dict[str, Any] = {"finalizers": wanted}
        if present:
            wanted.append(FINALIZER)
            # In one write that fails if another operator was faster: nobody may have changed the
            # resource since it was decided to begin.
            metadata["annotations"] = {OPERATOR_ANNOTATION: self._settings.namespace}
            metadata["resourceVersion"] = run.version
        try:
            await self._patch(run.ref, {"metadata": metadata})
        except ApiError as error:
            if error.forbidden and present:
                raise RefusedError(words.finalizer_refused(error.message)) from error
            raise

    async def _patch_status(self, run: Run, status: RunStatus) -> None:
        body = status.model_dump(by_alias=True, mode="json", exclude_none=True)
        fields = {field.alias or name for name, field in type(status).model_fields.items()}
        removed = {field: None for field in fields if field not in body}
        await self._patch(run.ref, {"status": removed | body}, "status")

    def _tell(self, run: Run, status: RunStatus) -> None:
        """Tell the run's webhook that it has ended, if this status says so for the first time."""
        ends = status.phase is not None and status.phase.terminal and not run.finished
        if ends and run.spec is not None and run.spec.webhook is not None:
            self.webhooks.send(run.ref, run.spec.webhook, status)

    async def _patch(self, ref: RunRef, body: Mapping[str, Any], sub: str | None = None) -> None:
        """Patch a resource that nobody else has changed meanwhile.

        The resourceVersion also protects a new resource of the same name.
        """
        known = self.runs.get(ref.uid)
        if known is None:
            raise GoneError
        metadata = {"resourceVersion": known.version, **body.get("metadata", {})}
        try:
            answer = await self._client.patch(paths.run(ref, sub), {**body, "metadata": metadata})
        except ApiError as error:
            if error.not_found:
                self.runs.remove(ref.uid)
                raise GoneError from error
            if error.conflict:
                await self.runs.reread(ref)
            raise
        self.runs.put(ref.kind, answer)

    async def _create_job(self, run: Run, action: CreateJob) -> None:
        manifest = job_manifest(run, action.kind, action.attempt, self._settings)
        try:
            self.jobs.put_job(await self._client.create(self._jobs_path(), manifest))
        except ApiError as error:
            if error.already_exists:
                await self.jobs.reread(manifest["metadata"]["name"])
                return
            if error.transient:
                raise
            refused = words.job_refused(action.kind, error.reason, error.message)
            raise RefusedError(refused) from error

    async def _delete_job(self, name: str) -> None:
        await self._client.delete(self._jobs_path(name), propagation="Background")

    async def emit(self, run: RunRef, event: RunEvent) -> None:
        await emit(self._client, run, event)

    def _jobs_path(self, name: str | None = None) -> str:
        return paths.group("batch", "v1", "jobs", self._settings.namespace, name)
