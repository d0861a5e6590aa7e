"""The Jobs of a run: their names, their manifests, and what they tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError

from krobench.api.common import (
    API_GROUP,
    COMPONENT_LABEL,
    RUN_LABEL,
    ErrorInfo,
    parse_rfc3339,
)
from krobench.api.kinds import RunKind, RunRef
from krobench.controller.observed import JobKind, JobState, JobView, Run
from krobench.controller.runs import longest_seconds, shards_of
from krobench.controller.settings import Settings

Manifest = dict[str, Any]

_RUN_KIND_ANNOTATION = f"{API_GROUP}/kind"
_RUN_NAMESPACE_ANNOTATION = f"{API_GROUP}/namespace"
_RUN_NAME_ANNOTATION = f"{API_GROUP}/name"

_NAME_LENGTH = 40
_KEEP_SECONDS = 24 * 3600
_CLEANUP_DEADLINE_SECONDS = 900
_GRACE_SECONDS = 20
_USER_ID = 65532
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
_INDEX_LABEL = "batch.kubernetes.io/job-completion-index"


def job_name(run: Run, kind: JobKind, attempt: int = 1) -> str:
    """Return the name of a run's Job: the same for the same run, and a DNS label."""
    stem = run.name[:_NAME_LENGTH].replace(".", "-").strip("-")
    suffix = kind.value if kind is JobKind.LOAD else f"{kind.value}-{attempt}"
    return f"{stem}-{run.ref.short_id}-{suffix}"


def job_manifest(run: Run, kind: JobKind, attempt: int, settings: Settings) -> Manifest:
    """Return the manifest of a run's Job, which runs in the operator's namespace.

    There, users who can create pods in a tenant's namespace cannot use the load's cluster-wide
    rights. An owner in another namespace is not possible; the finalizer, the labels and the time
    to live do its job.
    """
    labels = {
        "app.kubernetes.io/name": "krobench-load",
        "app.kubernetes.io/managed-by": "krobench",
        COMPONENT_LABEL: kind.value,
        RUN_LABEL: run.uid,
    }
    annotations = {
        _RUN_KIND_ANNOTATION: run.kind.value,
        _RUN_NAMESPACE_ANNOTATION: run.namespace,
        _RUN_NAME_ANNOTATION: run.name,
    }
    metadata: Manifest = {
        "name": job_name(run, kind, attempt),
        "namespace": settings.namespace,
        "labels": labels,
        "annotations": annotations,
    }
    if run.namespace == settings.namespace:
        metadata["ownerReferences"] = [run.ref.owner_reference]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": _deadline_seconds(run, kind),
            "ttlSecondsAfterFinished": _KEEP_SECONDS,
            **(_indexed(run) if kind is JobKind.LOAD else {}),
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": _pod_spec(run, kind, settings),
            },
        },
    }


def _deadline_seconds(run: Run, kind: JobKind) -> int:
    if kind is JobKind.CLEANUP or run.spec is None:
        return _CLEANUP_DEADLINE_SECONDS
    return int(longest_seconds(run.spec))


def _indexed(run: Run) -> Manifest:
    """Return what makes a pod of each shard; the first leads, and its end is the Job's.

    A shard that fails must not take the others along: the leader notices, and says so.
    """
    shards = shards_of(run.spec) if run.spec is not None else 1
    if shards == 1:
        return {}
    return {
        "completionMode": "Indexed",
        "completions": shards,
        "parallelism": shards,
        "backoffLimit": shards,
        "backoffLimitPerIndex": 0,
        "successPolicy": {"rules": [{"succeededIndexes": "0"}]},
    }


def _pod_spec(run: Run, kind: JobKind, settings: Settings) -> Manifest:
    return {
        "serviceAccountName": settings.load_service_account,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "nodeSelector": dict(settings.load_node_selector),
        "tolerations": [dict(toleration) for toleration in settings.load_tolerations],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER_ID,
            "runAsGroup": _USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "containers": [_container(run, kind, settings)],
    }


def _container(run: Run, kind: JobKind, settings: Settings) -> Manifest:
    if kind is JobKind.LOAD:
        arguments = [
            "load",
            f"--kind={run.kind}",
            f"--namespace={run.namespace}",
            f"--name={run.name}",
            f"--uid={run.uid}",
            f"--max-objects={settings.load_max_objects}",
        ]
    else:
        arguments = ["cleanup", f"--run={run.uid}"]
        if run.keeps_objects:
            arguments.append("--only-kro")
    return {
        "name": kind.value,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "args": arguments,
        "resources": dict(settings.load_resources),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the pod's own
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


@dataclass(frozen=True, slots=True)
class Job:
    """What is kept of a Job."""

    name: str
    run: RunRef
    created: datetime
    indexed: bool
    ended: tuple[str, str, str] | None
    """Type, reason and message of the condition with which it ended."""


@dataclass(frozen=True, slots=True)
class Pod:
    """What is kept of a Job's pod."""

    name: str
    job: str
    run: RunRef | None
    leads: bool
    """Whether it is a Job's only pod, or the one that coordinates the others."""
    phase: str
    waiting: ErrorInfo | None
    """Why it does not start."""
    terminated: tuple[tuple[str, str], ...]
    """Reason and message of each container that has ended."""

    @property
    def running(self) -> bool:
        """Whether its containers may be running."""
        return self.phase not in ("Succeeded", "Failed")


def read_job(manifest: Mapping[str, Any]) -> Job | None:
    """Return the parts of a Job that the operator keeps; None if it does not belong to a run."""
    metadata = manifest["metadata"]
    run = _run_of(metadata)
    if run is None:
        return None
    ended = [
        (condition["type"], condition.get("reason") or "", condition.get("message") or "")
        for condition in manifest.get("status", {}).get("conditions") or []
        if condition.get("status") == "True" and condition["type"] in ("Complete", "Failed")
    ]
    return Job(
        name=metadata["name"],
        run=run,
        created=parse_rfc3339(metadata["creationTimestamp"]),
        indexed=manifest.get("spec", {}).get("completionMode") == "Indexed",
        ended=ended[0] if ended else None,
    )


def _run_of(metadata: Mapping[str, Any]) -> RunRef | None:
    annotations, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    kind, uid = annotations.get(_RUN_KIND_ANNOTATION), labels.get(RUN_LABEL)
    namespace, name = (
        annotations.get(_RUN_NAMESPACE_ANNOTATION),
        annotations.get(_RUN_NAME_ANNOTATION),
    )
    if kind not in list(RunKind) or not (uid and namespace and name):
        return None
    return RunRef(RunKind(kind), namespace, name, uid)


def read_pod(manifest: Mapping[str, Any]) -> Pod:
    """Return the parts of a Job's pod that the operator keeps."""
    metadata, status = manifest["metadata"], manifest.get("status") or {}
    labels = metadata.get("labels") or {}
    states = [container["state"] for container in status.get("containerStatuses") or []]
    return Pod(
        name=metadata["name"],
        job=labels.get(JOB_NAME_LABEL, ""),
        run=_run_of(metadata),
        leads=labels.get(_INDEX_LABEL, "0") == "0",
        phase=status.get("phase", ""),
        waiting=_waiting(states, status.get("conditions") or []),
        terminated=tuple(
            (state["terminated"].get("reason") or "", state["terminated"].get("message") or "")
            for state in states
            if "terminated" in state
        ),
    )


def _waiting(
    states: Sequence[Manifest], conditions: Sequence[Mapping[str, str]]
) -> ErrorInfo | None:
    for state in states:
        reason = state.get("waiting", {}).get("reason", "")
        if reason and reason not in ("ContainerCreating", "PodInitializing"):
            return ErrorInfo(reason=reason, message=state["waiting"].get("message") or "no message")
    for condition in conditions:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return ErrorInfo(
                reason=condition.get("reason", "Unschedulable"),
                message=condition.get("message") or "no message",
            )
    return None


def view_job(job: Job | None, pods: Sequence[Pod], now: datetime) -> JobView:
    """Return what a Job and its pods tell; None if there is no such Job."""
    if job is None:
        return JobView()
    age_seconds = (now - job.created).total_seconds()
    leaders = [pod for pod in pods if pod.leads]
    if job.ended is None:
        waiting = next((pod.waiting for pod in leaders if pod.waiting is not None), None)
        return JobView(JobState.ACTIVE, waiting=waiting, age_seconds=age_seconds)
    how, reason, message = job.ended
    # A worker that failed can outweigh the successPolicy; the coordinator reports it.
    led_well = job.indexed and any(pod.phase == "Succeeded" for pod in leaders)
    if how == "Complete" or led_well:
        return JobView(JobState.SUCCEEDED, age_seconds=age_seconds)
    return JobView(JobState.FAILED, _why_failed(reason, message, leaders), age_seconds=age_seconds)


def _why_failed(reason: str, message: str, pods: Sequence[Pod]) -> ErrorInfo:
    """Return the error that the load reported, or if there is none, what Kubernetes says."""
    terminated = [each for pod in pods for each in pod.terminated]
    for how, text in terminated:
        if how == "OOMKilled":
            return ErrorInfo(
                reason="LoadJobOOMKilled",
                message="the load Job ran out of memory; raise the chart's value load.resources",
            )
        try:
            return ErrorInfo.model_validate(orjson.loads(text))
        except (orjson.JSONDecodeError, ValidationError):
            continue
    if reason == "DeadlineExceeded":
        return ErrorInfo(
            reason=reason,
            message="the load Job ran longer than its spec allows; raise the timeouts",
        )
    detail = next((text for _, text in terminated if text), message)
    return ErrorInfo(reason="LoadJobFailed", message=f"the load Job failed: {detail}")
