"""What a run's Jobs, pods and their Events mean."""

from datetime import UTC, datetime
from typing import Any

import pytest
from unit.controller.test_manifest import SETTINGS, benchmark

from krobench.controller.jobstatus import read_job, read_pod, view_job, why_no_start
from krobench.controller.manifest import job_manifest
from krobench.controller.state import JobKind, JobState, JobView

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


def job(*conditions: dict[str, str]) -> dict[str, Any]:
    manifest = job_manifest(benchmark(), JobKind.LOAD, 1, SETTINGS)
    manifest["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": manifest["metadata"], "status": {"conditions": list(conditions)}}


def pod(**state: Any) -> dict[str, Any]:
    status = {"phase": "Failed", "containerStatuses": [{"state": state}]}
    return {"metadata": {"name": "p"}, "status": status}


def view(job: dict[str, Any], *pods: dict[str, Any]) -> JobView:
    return view_job(read_job(job), [read_pod(each) for each in pods], NOW)


FAILED = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ({"message": '{"reason": "KroNotFound", "message": "no kro"}'}, "KroNotFound", "no kro"),
        ({"message": "Traceback: boom"}, "LoadJobFailed", "boom"),
        ({"reason": "OOMKilled"}, "LoadJobOOMKilled", "load.resources"),
        ({}, "LoadJobFailed", "m"),
    ],
)
def test_a_failed_job_is_explained_by_what_its_pod_reported(
    state: dict[str, str], reason: str, words: str
) -> None:
    found = view(job(FAILED), pod(terminated=state))
    assert found.state is JobState.FAILED
    assert found.error is not None
    assert found.error.reason == reason
    assert words in found.error.message


def test_an_active_job_says_why_its_pod_waits() -> None:
    found = view(job(), pod(waiting={"reason": "ErrImagePull", "message": "x"}))
    assert found.state is JobState.ACTIVE
    assert found.waiting is not None
    assert found.waiting.reason == "ErrImagePull"
    assert found.age_seconds == 60


def test_a_container_that_is_being_created_is_no_problem() -> None:
    assert view(job(), pod(waiting={"reason": "ContainerCreating"})).waiting is None


def indexed_pod(index: int, phase: str, word: str = "") -> dict[str, Any]:
    labels = {"batch.kubernetes.io/job-completion-index": str(index)}
    state = {"terminated": {"message": word}}
    status = {"phase": phase, "containerStatuses": [{"state": state}]}
    return {"metadata": {"name": str(index), "labels": labels}, "status": status}


def test_the_coordinators_error_counts_in_an_indexed_job() -> None:
    indexed = job(FAILED) | {"spec": {"completionMode": "Indexed"}}
    lost = indexed_pod(1, "Failed", '{"reason": "CoordinatorLost", "message": "m"}')
    leader = indexed_pod(0, "Failed", '{"reason": "KroNotFound", "message": "m"}')
    found = view(indexed, lost, leader)
    assert found.error is not None
    assert found.error.reason == "KroNotFound"
    done = view(indexed, lost, indexed_pod(0, "Succeeded"))
    assert done.state is JobState.SUCCEEDED


def waiting_pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "status": {"phase": "Pending", **status}}


def test_an_init_container_that_cannot_start_is_a_reason_too() -> None:
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "x"}}
    own = {"waiting": {"reason": "PodInitializing"}}
    found = view(
        job(),
        waiting_pod(initContainerStatuses=[{"state": state}], containerStatuses=[{"state": own}]),
    )
    assert not found.started
    assert found.waiting is not None
    assert found.waiting.reason == "ImagePullBackOff"


def test_a_job_that_is_suspended_says_by_what() -> None:
    condition = {"type": "Suspended", "status": "True", "message": "queued by team-queue"}
    found = view(job(condition))
    assert found.waiting is not None
    assert (found.waiting.reason, found.waiting.message) == ("Suspended", "queued by team-queue")


def event(reason: str, message: str, time: str, kind: str = "Warning") -> dict[str, Any]:
    return {
        "metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
        "type": kind,
        "reason": reason,
        "message": message,
        "lastTimestamp": time,
    }


def test_the_latest_warning_says_why_a_pod_does_not_start() -> None:
    found = why_no_start(
        [
            event("FailedCreate", "exceeded quota", "2026-01-01T00:00:30Z"),
            event("FailedCreate", "no service account", "2026-01-01T00:00:10Z"),
            event("FailedScheduling", "no node", "2026-01-01T00:00:40Z"),
            event("SuccessfulCreate", "created", "2026-01-01T00:00:50Z", "Normal"),
        ]
    )
    assert found is not None
    assert (found.reason, found.message) == ("FailedCreate", "exceeded quota")
    assert why_no_start([]) is None
