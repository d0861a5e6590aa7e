"""Between the decisions and the API server: observing a run, and carrying actions out."""

import hashlib
import logging
from collections.abc import Set

from krobench.api.common import (
    API_GROUP,
    API_VERSION,
    FINALIZER,
    GROUP_VERSION,
    RUN_LABEL,
    ErrorInfo,
    rfc3339,
    utc_now,
)
from krobench.api.kinds import RunKind, RunRef
from krobench.api.status import ObjectRef, RunStatus
from krobench.controller.actions import (
    Action,
    AddFinalizer,
    CreateJob,
    DeleteJob,
    JobKind,
    PatchStatus,
    RemoveFinalizer,
)
from krobench.controller.jobs import is_running, job_manifest, job_name, view_job
from krobench.controller.observed import CLEANUP_ATTEMPTS, Observed, Results, Run
from krobench.controller.parse import parse_run
from krobench.controller.settings import Settings
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.record.reading import RecordError
from krobench.record.store import (
    conflict,
    is_owned_by,
    owning_runs,
    read_run_record,
    results_name,
)
from krobench.report.events import RunEvent

logger = logging.getLogger(__name__)

_MAX_EVENT_MESSAGE = 1000


class RefusedError(Exception):
    """The API server refuses an action for good; ``info`` says which and why."""

    def __init__(self, info: ErrorInfo) -> None:
        super().__init__(info.message)
        self.info = info


class Cluster:
    """Reads and changes what the controller is responsible for."""

    def __init__(self, client: KubeClient, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    async def runs(self) -> list[Run]:
        """Return all runs of all kinds, in the order in which they may go.

        Times of creation are whole seconds: those of one ``kubectl apply`` go by their names.
        """
        most = self._settings.load_max_objects
        runs = [
            parse_run(kind, item, most)
            for kind in RunKind
            for item in await self._client.list(paths.group(API_GROUP, API_VERSION, kind.plural))
        ]
        return sorted(runs, key=_place_in_queue)

    async def observe(self, key: RunRef) -> Observed | None:
        """Return how a run stands; None if its resource does not exist."""
        runs = await self.runs()
        run = next((each for each in runs if each.key == key), None)
        if run is None:
            return None
        return Observed(
            run=run,
            load=view_job(*await self._job(run, JobKind.LOAD), utc_now()),
            load_pods_running=any(is_running(p) for p in await self._pods(run, JobKind.LOAD)),
            cleanups=tuple(
                [
                    view_job(*await self._job(run, JobKind.CLEANUP, attempt), utc_now())
                    for attempt in range(1, CLEANUP_ATTEMPTS + 1)
                ]
            ),
            results=await self._results(run, {each.uid for each in runs}),
            ahead=_ahead(run, runs),
            now=utc_now(),
        )

    async def delete_orphaned_jobs(self) -> None:
        """Delete Jobs whose resource is gone: in another namespace, no owner can be named."""
        jobs = await self._client.list(self._jobs_path(), RUN_LABEL)
        # The resources are listed after the Jobs, so those of all these Jobs are among them.
        known = {run.uid for run in await self.runs()} if jobs else set()
        for job in jobs:
            metadata = job["metadata"]
            if metadata["labels"][RUN_LABEL] not in known:
                await self._delete_job(metadata["name"])

    def load_job(self, run: Run) -> ObjectRef:
        """Return the reference of a run's load Job."""
        return ObjectRef(
            kind="Job",
            namespace=self._settings.namespace,
            name=job_name(run, JobKind.LOAD),
        )

    async def apply(self, run: Run, action: Action) -> None:
        """Carry out an action.

        Raises:
            RefusedError: if it will never be possible.
            ApiError, ApiUnreachableError: if it may be possible later.
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
            case RunEvent():
                await self._emit(run, action)

    async def _job(
        self, run: Run, kind: JobKind, attempt: int = 1
    ) -> tuple[JsonObject | None, list[JsonObject]]:
        name = job_name(run, kind, attempt)
        try:
            job = await self._client.get(self._jobs_path(name))
        except ApiError as error:
            if error.not_found:
                return None, []
            raise
        return job, await self._pods(run, kind, attempt)

    async def _pods(self, run: Run, kind: JobKind, attempt: int = 1) -> list[JsonObject]:
        selector = f"batch.kubernetes.io/job-name={job_name(run, kind, attempt)}"
        return await self._client.list(paths.core("pods", self._settings.namespace), selector)

    async def _results(self, run: Run, known: Set[str]) -> Results:
        """Return the results of a run; ``known`` are the uids of all runs that exist."""
        if run.spec is None:
            return Results()
        name = results_name(run.name, run.spec)
        try:
            config_map = await self._client.get(paths.core("configmaps", run.namespace, name))
        except ApiError as error:
            if error.not_found:
                return Results(name)
            if error.forbidden:
                return Results(name, error=ErrorInfo(reason="Forbidden", message=error.message))
            raise
        owners = owning_runs(config_map)
        if owners and known.isdisjoint(owner.uid for owner in owners):
            return Results(name)  # of a run that was deleted: the load Job takes its place
        return _results_in(config_map, name, run)

    async def _set_finalizer(self, run: Run, *, present: bool) -> None:
        path = self._run_path(run)
        try:
            current = await self._client.get(path)
            held = current["metadata"].get("finalizers") or []
            wanted = [item for item in held if item != FINALIZER]
            if present:
                wanted.append(FINALIZER)
            # The resourceVersion guards finalizers that others add or remove meanwhile.
            version = current["metadata"]["resourceVersion"]
            metadata = {"finalizers": wanted, "resourceVersion": version}
            await self._client.patch(path, {"metadata": metadata})
        except ApiError as error:
            if error.not_found and not present:
                return
            if error.forbidden and present:
                message = f"cannot set the finalizer: {error.message}"
                raise RefusedError(ErrorInfo(reason="Forbidden", message=message)) from error
            raise

    async def _create_job(self, run: Run, action: CreateJob) -> None:
        manifest = job_manifest(run, action.kind, action.attempt, self._settings)
        try:
            await self._client.create(self._jobs_path(), manifest)
        except ApiError as error:
            if error.already_exists:
                return
            if error.transient:
                raise
            reason = error.reason if error.reason != "Unknown" else "LoadJobRefused"
            message = f"cannot create the {action.kind} Job: {error.message}"
            raise RefusedError(ErrorInfo(reason=reason, message=message)) from error

    async def _delete_job(self, name: str) -> None:
        try:
            await self._client.delete(self._jobs_path(name), propagation="Background")
        except ApiError as error:
            if not error.not_found:
                raise

    async def _patch_status(self, run: Run, status: RunStatus) -> None:
        body = status.model_dump(by_alias=True, mode="json", exclude_none=True)
        removed = {field: None for field in _fields(status) if field not in body}
        path = self._run_path(run, "status")
        try:
            await self._client.patch(path, {"status": removed | body})
        except ApiError as error:
            if not error.not_found:
                raise

    async def _emit(self, run: Run, event: RunEvent) -> None:
        """Create the Event under a name made from what it says, so that it is told only once."""
        identity = f"{run.uid}/{event.reason}/{event.subject}"
        digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
        now = rfc3339(utc_now())
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{run.name}.{digest}", "namespace": run.namespace},
            "involvedObject": {
                "apiVersion": GROUP_VERSION,
                "kind": run.kind.value,
                "namespace": run.namespace,
                "name": run.name,
                "uid": run.uid,
            },
            "reason": event.reason,
            "message": event.message[:_MAX_EVENT_MESSAGE],
            "type": "Warning" if event.warning else "Normal",
            "source": {"component": "krobench"},
            "reportingComponent": "krobench",
            "reportingInstance": "krobench",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._client.create(paths.core("events", run.namespace), body)
        except ApiError as error:
            if error.transient:
                raise
            if not error.already_exists:
                # An Event is a courtesy; the status says the same.
                logger.warning("event %s of %s: %s", event.reason, run.key, error)

    def _jobs_path(self, name: str | None = None) -> str:
        return paths.group("batch", "v1", "jobs", self._settings.namespace, name)

    def _run_path(self, run: Run, sub: str | None = None) -> str:
        return paths.group(API_GROUP, API_VERSION, run.kind.plural, run.namespace, run.name, sub)


def _results_in(config_map: JsonObject, name: str, run: Run) -> Results:
    if not is_owned_by(config_map, run.uid):
        return Results(name, conflict=conflict(config_map))
    try:
        return Results(name, record=read_run_record(config_map))
    except RecordError as error:
        info = ErrorInfo(reason="ResultsUnreadable", message=str(error))
        return Results(name, error=info)


def _fields(status: RunStatus) -> set[str]:
    return {field.alias or name for name, field in type(status).model_fields.items()}


def _place_in_queue(run: Run) -> tuple[bool, str, str, str, RunKind]:
    return not run.occupies_cluster, run.created, run.namespace, run.name, run.kind


def _ahead(run: Run, runs: list[Run]) -> tuple[RunRef, ...]:
    """Return the runs that go before this one; ``runs`` are in the order in which they go."""
    keys = []
    for other in runs:
        if other.uid == run.uid:
            break
        if other.occupies_cluster or not (other.finished or other.deleting or other.errors):
            keys.append(other.key)
    return tuple(keys)
