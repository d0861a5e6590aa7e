"""The state of a run's load, read from its Jobs and their pods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError

from krobench.api.common import API_GROUP, RUN_LABEL, ErrorInfo, parse_rfc3339
from krobench.api.kinds import RunKind, RunRef
from krobench.controller.state import JobState, JobView

Manifest = dict[str, Any]

KIND_ANNOTATION = f"{API_GROUP}/kind"
NAMESPACE_ANNOTATION = f"{API_GROUP}/namespace"
NAME_ANNOTATION = f"{API_GROUP}/name"
"""On Jobs: the custom resource of their run."""
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
_INDEX_LABEL = "batch.kubernetes.io/job-completion-index"


@dataclass(frozen=True, slots=True)
class Job:
    """What is kept of a Job."""

    name: str
    run: RunRef
    created: datetime
    indexed: bool
    ended: tuple[str, str, str] | None
    """Type, reason and message of the condition with which it ended."""
    suspended: str | None
    """The message of its condition if something, such as a queueing system, has suspended it."""


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
    def started(self) -> bool:
        return self.phase not in ("", "Pending")

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
    conditions = {
        condition["type"]: (condition.get("reason") or "", condition.get("message") or "")
        for condition in manifest.get("status", {}).get("conditions") or []
        if condition.get("status") == "True"
    }
    ended = [(kind, *conditions[kind]) for kind in ("Complete", "Failed") if kind in conditions]
    return Job(
        name=metadata["name"],
        run=run,
        created=parse_rfc3339(metadata["creationTimestamp"]),
        indexed=manifest.get("spec", {}).get("completionMode") == "Indexed",
        ended=ended[0] if ended else None,
        suspended=conditions["Suspended"][1] if "Suspended" in conditions else None,
    )


def _run_of(metadata: Mapping[str, Any]) -> RunRef | None:
    annotations, labels = metadata.get("annotations") or {}, metadata.get("labels") or {}
    kind, uid = annotations.get(KIND_ANNOTATION), labels.get(RUN_LABEL)
    namespace, name = (
        annotations.get(NAMESPACE_ANNOTATION),
        annotations.get(NAME_ANNOTATION),
    )
    if kind not in list(RunKind) or not (uid and namespace and name):
        return None
    return RunRef(RunKind(kind), namespace, name, uid)


def read_pod(manifest: Mapping[str, Any]) -> Pod:
    """Return the parts of a Job's pod that the operator keeps."""
    metadata, status = manifest["metadata"], manifest.get("status") or {}
    labels = metadata.get("labels") or {}
    states = [container["state"] for container in status.get("containerStatuses") or []]
    first = [container["state"] for container in status.get("initContainerStatuses") or []]
    return Pod(
        name=metadata["name"],
        job=labels.get(JOB_NAME_LABEL, ""),
        run=_run_of(metadata),
        leads=labels.get(_INDEX_LABEL, "0") == "0",
        phase=status.get("phase", ""),
        waiting=_waiting([*first, *states], status.get("conditions") or []),
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
        if job.suspended is not None:
            waiting = ErrorInfo(reason="Suspended", message=job.suspended)
        started = any(pod.started for pod in leaders)
        return JobView(JobState.ACTIVE, None, started, waiting, age_seconds)
    how, reason, message = job.ended
    # A worker that failed can outweigh the successPolicy; the coordinator reports it.
    led_well = job.indexed and any(pod.phase == "Succeeded" for pod in leaders)
    if how == "Complete" or led_well:
        return JobView(JobState.SUCCEEDED, age_seconds=age_seconds)
    return JobView(JobState.FAILED, _why_failed(reason, message, leaders), age_seconds=age_seconds)


def why_no_start(events: Sequence[Mapping[str, Any]]) -> ErrorInfo | None:
    """Return the latest warning among the Events of a Job without a pod, or of its pod.

    Whether a pod can be scheduled is in its conditions, which are newer than its Events.
    """
    warnings = [
        event
        for event in events
        if event.get("type") == "Warning" and event.get("reason") not in (None, "FailedScheduling")
    ]
    if not warnings:
        return None
    latest = max(warnings, key=_event_time)
    return ErrorInfo(reason=latest["reason"], message=latest.get("message") or "no message")


def _event_time(event: Mapping[str, Any]) -> str:
    series = event.get("series") or {}
    return (
        event.get("lastTimestamp")
        or series.get("lastObservedTime")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
        or ""
    )


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
