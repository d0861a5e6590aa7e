"""Between the decisions and the API server: observing a run, and carrying actions out."""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from krobench.analysis.comparison.check import check_baseline
from krobench.analysis.thresholds import check_thresholds
from krobench.controller.actions import (
    Action,
    AddFinalizer,
    CreateJob,
    DeleteJob,
    EmitEvent,
    JobKind,
    PatchStatus,
    RemoveFinalizer,
)
from krobench.controller.jobs import is_running, job_manifest, job_name, view_job
from krobench.controller.observed import (
    CLEANUP_ATTEMPTS,
    Benchmark,
    Observed,
    Results,
)
from krobench.controller.settings import Settings
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.model.benchmark import KroBenchmarkSpec
from krobench.model.common import (
    API_GROUP,
    API_VERSION,
    FINALIZER,
    GROUP_VERSION,
    RUN_LABEL,
    ErrorInfo,
    rfc3339,
    spec_field,
    utc_now,
)
from krobench.model.status import KroBenchmarkStatus, ObjectRef
from krobench.record.store import RecordError, is_owned_by, read_run_record, results_name
from krobench.workload.blueprint import WorkloadError
from krobench.workload.limits import DEFAULT_MAX_OBJECTS, check_objects, check_schedules
from krobench.workload.plan import plan_tests
from krobench.workload.source import has_unread_rgd

logger = logging.getLogger(__name__)

_PLURAL = "krobenchmarks"
_STATUS_FIELDS = frozenset(
    field.alias or name for name, field in KroBenchmarkStatus.model_fields.items()
)
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

    async def benchmarks(self) -> list[Benchmark]:
        """Return all runs, in the order in which they may go."""
        items = await self._client.list(paths.group(API_GROUP, API_VERSION, _PLURAL))
        most = self._settings.load_max_objects
        runs = [parse_benchmark(item, most) for item in items]
        return sorted(runs, key=lambda run: (not run.occupies_cluster, run.created, run.uid))

    async def observe(self, namespace: str, name: str) -> Observed | None:
        """Return how a run stands; None if its resource does not exist."""
        runs = await self.benchmarks()
        benchmark = next((r for r in runs if (r.namespace, r.name) == (namespace, name)), None)
        if benchmark is None:
            return None
        return Observed(
            benchmark=benchmark,
            load=view_job(*await self._job(benchmark, JobKind.LOAD), utc_now()),
            load_pods_running=any(is_running(p) for p in await self._pods(benchmark, JobKind.LOAD)),
            cleanups=tuple(
                [
                    view_job(*await self._job(benchmark, JobKind.CLEANUP, attempt), utc_now())
                    for attempt in range(1, CLEANUP_ATTEMPTS + 1)
                ]
            ),
            results=await self._results(benchmark),
            ahead=_ahead(benchmark, runs),
            now=utc_now(),
        )

    async def delete_orphaned_jobs(self) -> None:
        """Delete Jobs whose resource is gone: in another namespace, no owner can be named."""
        jobs = await self._client.list(self._jobs_path(), RUN_LABEL)
        # The resources are listed after the Jobs, so those of all these Jobs are among them.
        known = {run.uid for run in await self.benchmarks()} if jobs else set()
        for job in jobs:
            metadata = job["metadata"]
            if metadata["labels"][RUN_LABEL] not in known:
                await self._delete_job(metadata["name"])

    def load_job(self, benchmark: Benchmark) -> ObjectRef:
        """Return the reference of a run's load Job."""
        return ObjectRef(
            kind="Job",
            namespace=self._settings.namespace,
            name=job_name(benchmark, JobKind.LOAD),
        )

    async def apply(self, benchmark: Benchmark, action: Action) -> None:
        """Carry out an action.

        Raises:
            RefusedError: if it will never be possible.
            ApiError, ApiUnreachableError: if it may be possible later.
        """
        match action:
            case AddFinalizer():
                await self._set_finalizer(benchmark, present=True)
            case RemoveFinalizer():
                await self._set_finalizer(benchmark, present=False)
            case CreateJob():
                await self._create_job(benchmark, action)
            case DeleteJob():
                await self._delete_job(job_name(benchmark, JobKind.LOAD))
            case PatchStatus():
                await self._patch_status(benchmark, action.status)
            case EmitEvent():
                await self._emit(benchmark, action)

    async def _job(
        self, benchmark: Benchmark, kind: JobKind, attempt: int = 1
    ) -> tuple[JsonObject | None, list[JsonObject]]:
        name = job_name(benchmark, kind, attempt)
        try:
            job = await self._client.get(self._jobs_path(name))
        except ApiError as error:
            if error.not_found:
                return None, []
            raise
        return job, await self._pods(benchmark, kind, attempt)

    async def _pods(
        self, benchmark: Benchmark, kind: JobKind, attempt: int = 1
    ) -> list[JsonObject]:
        selector = f"batch.kubernetes.io/job-name={job_name(benchmark, kind, attempt)}"
        return await self._client.list(paths.core("pods", self._settings.namespace), selector)

    async def _results(self, benchmark: Benchmark) -> Results:
        if benchmark.spec is None:
            return Results()
        name = results_name(benchmark.name, benchmark.spec)
        try:
            config_map = await self._client.get(paths.core("configmaps", benchmark.namespace, name))
        except ApiError as error:
            if error.not_found:
                return Results(name)
            if error.forbidden:
                return Results(name, error=ErrorInfo(reason="Forbidden", message=error.message))
            raise
        if not is_owned_by(config_map, benchmark.uid):
            return Results(name, foreign=True)
        try:
            return Results(name, record=read_run_record(config_map))
        except RecordError as error:
            info = ErrorInfo(reason="ResultsUnreadable", message=str(error))
            return Results(name, error=info)

    async def _set_finalizer(self, benchmark: Benchmark, *, present: bool) -> None:
        path = self._benchmark_path(benchmark)
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
                message = f"the finalizer could not be set: {error.message}"
                raise RefusedError(ErrorInfo(reason="Forbidden", message=message)) from error
            raise

    async def _create_job(self, benchmark: Benchmark, action: CreateJob) -> None:
        manifest = job_manifest(benchmark, action.kind, action.attempt, self._settings)
        try:
            await self._client.create(self._jobs_path(), manifest)
        except ApiError as error:
            if error.already_exists:
                return
            if error.transient:
                raise
            reason = error.reason if error.reason != "Unknown" else "LoadJobRefused"
            message = f"the {action.kind} Job could not be created: {error.message}"
            raise RefusedError(ErrorInfo(reason=reason, message=message)) from error

    async def _delete_job(self, name: str) -> None:
        try:
            await self._client.delete(self._jobs_path(name), propagation="Background")
        except ApiError as error:
            if not error.not_found:
                raise

    async def _patch_status(self, benchmark: Benchmark, status: KroBenchmarkStatus) -> None:
        body = status.model_dump(by_alias=True, mode="json", exclude_none=True)
        removed = {field: None for field in _STATUS_FIELDS if field not in body}
        path = self._benchmark_path(benchmark, "status")
        try:
            await self._client.patch(path, {"status": removed | body})
        except ApiError as error:
            if not error.not_found:
                raise

    async def _emit(self, benchmark: Benchmark, event: EmitEvent) -> None:
        """Create the Event under a name made from what it says, so that it is told only once."""
        identity = f"{benchmark.uid}/{event.reason}/{event.subject}"
        digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
        now = rfc3339(utc_now())
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{benchmark.name}.{digest}", "namespace": benchmark.namespace},
            "involvedObject": {
                "apiVersion": GROUP_VERSION,
                "kind": "KroBenchmark",
                "namespace": benchmark.namespace,
                "name": benchmark.name,
                "uid": benchmark.uid,
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
            await self._client.create(paths.core("events", benchmark.namespace), body)
        except ApiError as error:
            if error.transient:
                raise
            if not error.already_exists:
                # An Event is a courtesy; the status says the same.
                logger.warning("event %s of %s: %s", event.reason, benchmark.key, error)

    def _jobs_path(self, name: str | None = None) -> str:
        return paths.group("batch", "v1", "jobs", self._settings.namespace, name)

    def _benchmark_path(self, benchmark: Benchmark, sub: str | None = None) -> str:
        return paths.group(
            API_GROUP, API_VERSION, _PLURAL, benchmark.namespace, benchmark.name, sub
        )


def parse_benchmark(item: Mapping[str, Any], max_objects: int = DEFAULT_MAX_OBJECTS) -> Benchmark:
    """Read a custom resource; what is wrong with its spec is in ``errors``."""
    metadata = item["metadata"]
    spec, errors = _parse_spec(item.get("spec") or {}, max_objects)
    return Benchmark(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 1),
        created=metadata["creationTimestamp"],
        deleting="deletionTimestamp" in metadata,
        has_finalizer=FINALIZER in (metadata.get("finalizers") or []),
        spec=spec,
        errors=errors,
        status=_parse_status(item.get("status") or {}),
    )


def _parse_spec(
    raw: Mapping[str, Any], max_objects: int
) -> tuple[KroBenchmarkSpec | None, tuple[ErrorInfo, ...]]:
    """Validate a spec; the API server did so too, but perhaps by an older CRD."""
    try:
        spec = KroBenchmarkSpec.model_validate(raw)
    except ValidationError as error:
        return None, tuple(
            ErrorInfo(
                reason="InvalidSpec", message=f"{spec_field(problem['loc'])}: {problem['msg']}"
            )
            for problem in error.errors()
        )
    try:
        plans = plan_tests(spec)
    except WorkloadError as error:
        return None, (ErrorInfo(reason="InvalidSpec", message=f"spec.{error}"),)
    # The children of an RGD that stands in a ConfigMap are known to the load Job only.
    known = [plan for plan in plans if not has_unread_rgd(plan.workload)]
    return spec, (
        *check_thresholds(spec),
        *check_baseline(spec),
        *check_schedules(plans),
        *check_objects(known, max_objects),
    )


def _parse_status(raw: Mapping[str, Any]) -> KroBenchmarkStatus:
    """Read a status that another version may have written: what is not understood is left out."""
    understood = {}
    for key, value in raw.items():
        try:
            KroBenchmarkStatus.model_validate({key: value})
        except ValidationError:
            continue
        understood[key] = value
    return KroBenchmarkStatus.model_validate(understood)


def _ahead(benchmark: Benchmark, runs: list[Benchmark]) -> tuple[str, ...]:
    """Return the runs that go before this one; ``runs`` are in the order in which they go."""
    names = []
    for run in runs:
        if run.uid == benchmark.uid:
            break
        if run.occupies_cluster or not (run.finished or run.deleting or run.errors):
            names.append(run.key)
    return tuple(names)
