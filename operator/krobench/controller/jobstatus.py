"""The state of a run's load, read from its Jobs and their pods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from krobench.controller.state import JobKind, JobState, JobView
from krobench.report.words import runs as words

Manifest = dict[str, Any]

KIND_ANNOTATION = f"{API_GROUP}/kind"
NAMESPACE_ANNOTATION = f"{API_GROUP}/namespace"
NAME_ANNOTATION = f"{API_GROUP}/name"
"""On Jobs: the custom resource of their run."""
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
_INDEX_LABEL = "batch.kubernetes.io/job-completion-index"

# The node controller waits 40 s before it calls a node unreachable, and pods tolerate that for
# another five minutes by default.
_UNREACHABLE = timedelta(minutes=6)
# After the time that a deleted pod was given to end: its kubelet does not answer.
_NOT_DELETED = timedelta(minutes=1)
# Sidecars that notice the end of krobench have this time to end.
_SIDECARS_END = timedelta(minutes=1)
# By the reason of the pod's condition DisruptionTarget, or of its status.
_DISRUPTIONS = {
    "PreemptionByScheduler": words.PREEMPTED,
    "Preempting": words.PREEMPTED,
    "DeletionByTaintManager": words.NODE_LOST,
    "DeletionByPodGC": words.NODE_LOST,
    "NodeLost": words.NODE_LOST,
    "NodeShutdown": words.NODE_LOST,
    "Terminated": words.NODE_LOST,
}


@dataclass(frozen=True, slots=True)
class Job:
    """What is kept of a Job."""

    name: str
    run: RunRef
    kind: JobKind
    attempt: int
    """Of a cleanup Job."""
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
    ended: "Ended | None"
    """Of the container with krobench; a sidecar may run on."""
    disrupted: ErrorInfo | None
    """Why the cluster takes it away."""
    deleted: datetime | None
    """When it has to have ended, if it is being deleted."""
    unready_since: datetime | None
    """Since when its node is not reachable: nothing else makes a pod without probes unready."""

    @property
    def started(self) -> bool:
        return self.phase not in ("", "Pending")

    def running(self, now: datetime) -> bool:
        """Whether krobench may be running in it."""
        if self.phase in ("Succeeded", "Failed") or self.ended is not None:
            return False
        return self.deleted is None or now < self.deleted + _NOT_DELETED

    def disruption(self, now: datetime) -> ErrorInfo | None:
        """Return why the cluster takes it away, or has lost it."""
        if (
            self.disrupted is None
            and self.unready_since
            and now > self.unready_since + _UNREACHABLE
        ):
            return words.unreachable(self.unready_since)
        return self.disrupted


@dataclass(frozen=True, slots=True)
class Ended:
    """How a container ended."""

    exit_code: int
    reason: str
    message: str
    time: datetime | None


def read_job(manifest: Mapping[str, Any]) -> Job | None:
    """Return the parts of a Job that the operator keeps; None if it does not belong to a run."""
    metadata = manifest["metadata"]
    run = _run_of(metadata)
    if run is None:
        return None
    kind = JobKind(metadata["labels"][COMPONENT_LABEL])
    conditions = {
        condition["type"]: (condition.get("reason") or "", condition.get("message") or "")
        for condition in manifest.get("status", {}).get("conditions") or []
        if condition.get("status") == "True"
    }
    ended = [(kind, *conditions[kind]) for kind in ("Complete", "Failed") if kind in conditions]
    return Job(
        name=metadata["name"],
        run=run,
        kind=kind,
        attempt=int(metadata["name"].rpartition("-")[2]) if kind is JobKind.CLEANUP else 1,
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
    containers = status.get("containerStatuses") or []
    states = [
        container["state"]
        for container in [*(status.get("initContainerStatuses") or []), *containers]
    ]
    own = [each for each in containers if each.get("name") in list(JobKind)] or containers
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    ready = conditions.get("Ready", {})
    unready = status.get("phase") == "Running" and ready.get("status") == "False"
    return Pod(
        name=metadata["name"],
        job=labels.get(JOB_NAME_LABEL, ""),
        run=_run_of(metadata),
        leads=labels.get(_INDEX_LABEL, "0") == "0",
        phase=status.get("phase", ""),
        waiting=_waiting(states, conditions.get("PodScheduled", {})),
        ended=_ended(own[0]["state"].get("terminated")) if own else None,
        disrupted=_disruption(status, conditions.get("DisruptionTarget", {})),
        deleted=_time(metadata.get("deletionTimestamp")),
        unready_since=_time(ready.get("lastTransitionTime")) if unready else None,
    )


def _ended(state: Mapping[str, Any] | None) -> Ended | None:
    if state is None:
        return None
    return Ended(
        exit_code=state.get("exitCode", 1),
        reason=state.get("reason") or "",
        message=state.get("message") or "",
        time=_time(state.get("finishedAt")),
    )


def _time(text: str | None) -> datetime | None:
    return parse_rfc3339(text) if text else None


def _disruption(status: Mapping[str, Any], target: Mapping[str, str]) -> ErrorInfo | None:
    """Return why the cluster takes a pod away, by its condition DisruptionTarget or its status."""
    if target.get("status") == "True":
        reason, detail = target.get("reason") or "", target.get("message") or ""
    else:
        reason, detail = status.get("reason") or "", status.get("message") or ""
        if reason not in (*_DISRUPTIONS, "Evicted"):
            return None
    return words.disrupted(_DISRUPTIONS.get(reason, words.EVICTED), reason, detail)


def _waiting(states: Sequence[Manifest], scheduled: Mapping[str, str]) -> ErrorInfo | None:
    for state in states:
        reason = state.get("waiting", {}).get("reason", "")
        if reason and reason not in ("ContainerCreating", "PodInitializing"):
            return ErrorInfo(reason=reason, message=state["waiting"].get("message") or "no message")
    if scheduled.get("status") == "False":
        return ErrorInfo(
            reason=scheduled.get("reason", "Unschedulable"),
            message=scheduled.get("message") or "no message",
        )
    return None


def view_job(job: Job | None, pods: Sequence[Pod], now: datetime) -> JobView:
    """Return what a Job and its pods tell; None if there is no such Job.

    A Job whose container with krobench has ended counts as ended, although a sidecar may keep its
    pod, and so the Job, going.
    """
    if job is None:
        return JobView()
    age_seconds = (now - job.created).total_seconds()
    leaders = [pod for pod in pods if pod.leads]
    disrupted = next((why for pod in leaders if (why := pod.disruption(now)) is not None), None)
    ended = next((pod.ended for pod in leaders if pod.ended is not None), None)
    if job.ended is None and ended is None:
        waiting = next((pod.waiting for pod in leaders if pod.waiting is not None), None)
        if job.suspended is not None:
            waiting = ErrorInfo(reason="Suspended", message=job.suspended)
        started = any(pod.started for pod in leaders)
        return JobView(JobState.ACTIVE, None, disrupted, started, waiting, age_seconds, job.attempt)
    how, reason, message = job.ended or ("", "", "")
    # A worker that failed can outweigh the successPolicy; the coordinator reports it.
    led_well = job.indexed and any(pod.phase == "Succeeded" for pod in leaders)
    ended_well = job.ended is None and ended is not None and ended.exit_code == 0
    if how == "Complete" or led_well or ended_well:
        return JobView(JobState.SUCCEEDED, age_seconds=age_seconds, attempt=job.attempt)
    error = _why_failed(reason, message, leaders)
    return JobView(JobState.FAILED, error, disrupted, age_seconds=age_seconds, attempt=job.attempt)


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
    ended = [pod.ended for pod in pods if pod.ended is not None]
    for each in ended:
        if each.reason == "OOMKilled":
            return words.OUT_OF_MEMORY
        try:
            return ErrorInfo.model_validate(orjson.loads(each.message))
        except (orjson.JSONDecodeError, ValidationError):
            continue
    if reason == words.TOO_LONG.reason:
        return words.TOO_LONG
    detail = next((each.message for each in ended if each.message), message)
    return words.load_job_failed(detail)


def only_sidecars_run(job: Job, pods: Sequence[Pod], now: datetime) -> bool:
    """Whether nothing but sidecars keeps a Job going, of which all else ended a while ago."""
    ended = [pod.ended for pod in pods]
    return (
        job.ended is None
        and bool(ended)
        and all(each and each.time and now > each.time + _SIDECARS_END for each in ended)
    )
