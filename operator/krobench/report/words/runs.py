"""The state of a run in words, if it comes from its Jobs and pods and not from its results."""

from collections.abc import Sequence
from datetime import datetime

from krobench.api.common import ABANDON_ANNOTATION, ErrorInfo, rfc3339
from krobench.api.kinds import RunRef

STARTING = "starting the load Job"
SUSPENDED = ErrorInfo(
    reason="Suspended", message="spec.suspend is true: set it to false to queue the run"
)
LOAD_JOB_DELETED = ErrorInfo(
    reason="LoadJobDeleted", message="the load Job was deleted before it finished"
)
LOAD_JOB_FAILED = "LoadJobFailed"
NO_REASON = ErrorInfo(
    reason=LOAD_JOB_FAILED,
    message="the load Job failed without an error message; check its pod's logs",
)
OUT_OF_MEMORY = ErrorInfo(
    reason="LoadJobOOMKilled",
    message="the load Job ran out of memory; raise the chart's value load.resources",
)
TOO_LONG = ErrorInfo(
    reason="DeadlineExceeded",
    message="the load Job ran longer than its spec allows; raise the timeouts",
)
POD_NOT_CREATED = ErrorInfo(
    reason="PodNotCreated",
    message="Kubernetes has not created the pod and gives no reason; check the Events of the Job "
    "and the log of kube-controller-manager",
)
EVICTED = ErrorInfo(reason="LoadPodEvicted", message="the load Job's pod was evicted")
PREEMPTED = ErrorInfo(
    reason="LoadPodPreempted",
    message="the load Job's pod was preempted by a more important one",
)
NODE_LOST = ErrorInfo(reason="LoadNodeLost", message="the node of the load Job's pod is lost")


def first_error(errors: Sequence[ErrorInfo]) -> ErrorInfo:
    """Return the first of a spec's errors, with how many more there are."""
    first, more = errors[0], len(errors) - 1
    rest = f" (and {more} more)" if more else ""
    return ErrorInfo(reason=first.reason, message=first.message + rest)


def queued(active: RunRef, place: int) -> ErrorInfo:
    """Say which run is executed, and how many are ahead."""
    message = (
        f"queued behind {active}: runs execute one at a time so that they don't disturb each other"
    )
    if place > 1:
        message += f" ({place} runs are ahead)"
    return ErrorInfo(reason="Queued", message=message)


def pod_waits(waiting: ErrorInfo) -> str:
    """Say why the load Job's pod has not started yet."""
    return f"the load Job's pod has not started yet: {waiting.reason}: {waiting.message}"


def pod_not_started(limit_seconds: float, waiting: ErrorInfo | None) -> ErrorInfo:
    """Say why the load Job's pod was given up."""
    why = (
        f"{waiting.reason}: {waiting.message}"
        if waiting is not None
        else "its containers are still being created; check the pull of the chart's image"
    )
    message = f"the load Job's pod did not start within {limit_seconds:g} s: {why}"
    return ErrorInfo(reason="LoadPodNotStarted", message=message)


def disrupted(how: ErrorInfo, reason: str, detail: str) -> ErrorInfo:
    """Say why the cluster took the load Job's pod away, in its words."""
    said = ": ".join(part for part in (reason, detail) if part)
    message = f"{how.message} ({said}); start the run again"
    return ErrorInfo(reason=how.reason, message=message)


def unreachable(since: datetime) -> ErrorInfo:
    """Say since when the node of the load Job's pod has not answered."""
    message = f"{NODE_LOST.message}: it has not been reachable since {rfc3339(since)}"
    return ErrorInfo(reason=NODE_LOST.reason, message=message)


def load_job_failed(detail: str) -> ErrorInfo:
    """Say how the load Job failed, in the words of its pod or of Kubernetes."""
    return ErrorInfo(reason=LOAD_JOB_FAILED, message=f"the load Job failed: {detail}")


def job_refused(kind: str, reason: str, why: str) -> ErrorInfo:
    """Say why a Job cannot be created."""
    return ErrorInfo(
        reason=reason if reason != "Unknown" else "LoadJobRefused",
        message=f"cannot create the {kind} Job: {why}",
    )


def finalizer_refused(why: str) -> ErrorInfo:
    """Say that the operator may not change the resource."""
    return ErrorInfo(reason="Forbidden", message=f"cannot set the finalizer: {why}")


def results_missing(config_map: str) -> ErrorInfo:
    """Say that a run left no results although its Job succeeded."""
    return ErrorInfo(
        reason="ResultsMissing",
        message=f"the load Job succeeded, but ConfigMap {config_map} does not hold its results; "
        "check whether something deletes or overwrites the ConfigMap",
    )


def objects_kept(policy: str) -> str:
    """Say why the objects of a run that failed are still there."""
    return f"objects were kept because spec.cleanup is {policy}"


def cleanup_failed(error: ErrorInfo | None) -> str:
    """Say why objects of a run are left, and how to give up their deletion."""
    return (
        f"cleanup failed: {_why(error)}; it is tried again; to give up, annotate the resource with "
        f"{ABANDON_ANNOTATION}=true"
    )


def cleanup_abandoned(error: ErrorInfo | None, uid: str) -> str:
    """Say that somebody has given up a cleanup, and how to delete what it left."""
    return (
        f"gave up the cleanup, as the annotation {ABANDON_ANNOTATION} asks for: {_why(error)}; "
        f"delete what is left with krobench cleanup --run {uid}"
    )


def _why(error: ErrorInfo | None) -> str:
    if error is None:
        return "its Job left no error message; check its pod's logs"
    return error.message
