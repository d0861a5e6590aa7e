"""The Jobs of a run: their names, their manifests, and what can be read off them."""

from collections.abc import Mapping, Sequence
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
from krobench.controller.actions import JobKind
from krobench.controller.observed import JobState, JobView, Run
from krobench.controller.settings import Settings
from krobench.controller.specs import longest_seconds, shards_of

Manifest = dict[str, Any]

_RUN_KIND_ANNOTATION = f"{API_GROUP}/kind"
_RUN_NAMESPACE_ANNOTATION = f"{API_GROUP}/namespace"
_RUN_NAME_ANNOTATION = f"{API_GROUP}/name"

_NAME_LENGTH = 40
_KEEP_SECONDS = 24 * 3600
_CLEANUP_DEADLINE_SECONDS = 900
_GRACE_SECONDS = 20
_USER_ID = 65532
_INDEX_LABEL = "batch.kubernetes.io/job-completion-index"


def job_name(run: Run, kind: JobKind, attempt: int = 1) -> str:
    """Return the name of a run's Job: the same for the same run, and a DNS label."""
    stem = run.name[:_NAME_LENGTH].replace(".", "-").strip("-")
    suffix = kind.value if kind is JobKind.LOAD else f"{kind.value}-{attempt}"
    return f"{stem}-{run.key.short_id}-{suffix}"


def job_manifest(run: Run, kind: JobKind, attempt: int, settings: Settings) -> Manifest:
    """Return the manifest of a run's Job, which runs in the operator's namespace.

    It runs there, and not beside the custom resource, so that the load's cluster-wide rights
    are out of reach for whoever may create pods in a tenant's namespace. An owner in another
    namespace is not possible, so the finalizer, the labels and the time to live stand in.
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
        metadata["ownerReferences"] = [run.key.owner_reference]
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


def run_of(job: Mapping[str, Any]) -> RunRef | None:
    """Return the run that a Job is of; None for one that is no run's."""
    metadata = job["metadata"]
    annotations = metadata.get("annotations") or {}
    name = annotations.get(_RUN_NAME_ANNOTATION)
    if name is None:
        return None
    kind = annotations.get(_RUN_KIND_ANNOTATION, RunKind.BENCHMARK.value)
    return RunRef(
        RunKind(kind), annotations[_RUN_NAMESPACE_ANNOTATION], name, metadata["labels"][RUN_LABEL]
    )


def view_job(job: Mapping[str, Any] | None, pods: Sequence[Manifest], now: datetime) -> JobView:
    """Return what a Job and its pods say; None stands for a Job that does not exist."""
    if job is None:
        return JobView()
    created = parse_rfc3339(job["metadata"]["creationTimestamp"])
    age_seconds = (now - created).total_seconds()
    pods = _leaders(pods)
    for condition in job.get("status", {}).get("conditions") or []:
        if condition.get("status") != "True":
            continue
        if condition["type"] == "Complete":
            return JobView(JobState.SUCCEEDED, age_seconds=age_seconds)
        if condition["type"] == "Failed" and _succeeded(pods, job):
            # A shard that failed can outweigh the successPolicy; the leader has said so, and why.
            return JobView(JobState.SUCCEEDED, age_seconds=age_seconds)
        if condition["type"] == "Failed":
            return JobView(JobState.FAILED, _last_word(condition, pods), age_seconds=age_seconds)
    return JobView(JobState.ACTIVE, waiting=_waiting(pods), age_seconds=age_seconds)


def is_running(pod: Manifest) -> bool:
    """Whether a pod's containers may still run."""
    return pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")


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


def _leaders(pods: Sequence[Manifest]) -> list[Manifest]:
    """Return the pods that lead: the shards that they lead are their concern."""
    return [
        pod
        for pod in pods
        if pod.get("metadata", {}).get("labels", {}).get(_INDEX_LABEL, "0") == "0"
    ]


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


def _succeeded(pods: Sequence[Manifest], job: Mapping[str, Any]) -> bool:
    """Whether the leader of an Indexed Job ended well."""
    indexed = job.get("spec", {}).get("completionMode") == "Indexed"
    return indexed and any(pod.get("status", {}).get("phase") == "Succeeded" for pod in pods)


def _last_word(condition: Mapping[str, Any], pods: Sequence[Manifest]) -> ErrorInfo:
    """Return the pod's termination message, or where it left none, what Kubernetes says."""
    for terminated in _container_states(pods, "terminated"):
        if terminated.get("reason") == "OOMKilled":
            return ErrorInfo(
                reason="LoadJobOOMKilled",
                message="the load Job ran out of memory; raise the chart's value load.resources",
            )
        word = _parsed(terminated.get("message") or "")
        if word is not None:
            return word
    reason = condition.get("reason") or "LoadJobFailed"
    if reason == "DeadlineExceeded":
        return ErrorInfo(
            reason=reason,
            message="the load Job ran longer than its spec allows; raise the timeouts",
        )
    messages = [state.get("message") for state in _container_states(pods, "terminated")]
    detail = next((text for text in messages if text), condition.get("message") or "")
    return ErrorInfo(reason="LoadJobFailed", message=f"the load Job failed: {detail}")


def _parsed(message: str) -> ErrorInfo | None:
    try:
        return ErrorInfo.model_validate(orjson.loads(message))
    except (orjson.JSONDecodeError, ValidationError):
        return None


def _waiting(pods: Sequence[Manifest]) -> ErrorInfo | None:
    for waiting in _container_states(pods, "waiting"):
        reason = waiting.get("reason", "")
        if reason and reason not in ("ContainerCreating", "PodInitializing"):
            return ErrorInfo(reason=reason, message=waiting.get("message") or "no message")
    for pod in pods:
        for condition in pod.get("status", {}).get("conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                return ErrorInfo(
                    reason=condition.get("reason", "Unschedulable"),
                    message=condition.get("message") or "no message",
                )
    return None


def _container_states(pods: Sequence[Manifest], kind: str) -> list[Manifest]:
    statuses = [s for pod in pods for s in pod.get("status", {}).get("containerStatuses") or []]
    return [status["state"][kind] for status in statuses if kind in status.get("state", {})]
