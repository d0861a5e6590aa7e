"""What a run's Jobs, pods and their Events mean."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from unit.controller.test_manifest import SETTINGS, benchmark

from krobench.controller.jobstatus import (
    only_sidecars_run,
    read_job,
    read_pod,
    view_job,
    why_no_start,
)
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


def running_pod(*conditions: dict[str, str], **metadata: str) -> dict[str, Any]:
    containers = [{"name": "load", "state": {"running": {}}}]
    status = {
        "phase": "Running",
        "conditions": list(conditions),
        "containerStatuses": containers,
    }
    return {"metadata": {"name": "p", **metadata}, "status": status}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("EvictionByEvictionAPI", "LoadPodEvicted"),
        ("TerminationByKubelet", "LoadPodEvicted"),
        ("PreemptionByScheduler", "LoadPodPreempted"),
        ("DeletionByTaintManager", "LoadNodeLost"),
        ("DeletionByPodGC", "LoadNodeLost"),
    ],
)
def test_a_pod_that_the_cluster_takes_away_says_why(target: str, reason: str) -> None:
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": target,
        "message": "words of the cluster",
    }
    found = view(job(), running_pod(condition))
    assert found.state is JobState.ACTIVE
    assert found.disrupted is not None
    assert found.disrupted.reason == reason
    assert f"{target}: words of the cluster" in found.disrupted.message
    failed = view(job(FAILED), running_pod(condition))
    assert failed.disrupted == found.disrupted


def test_a_pod_that_the_kubelet_evicted_says_for_want_of_what() -> None:
    status = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"}
    found = view(job(FAILED), {"metadata": {"name": "p"}, "status": status})
    assert found.disrupted is not None
    assert found.disrupted.reason == "LoadPodEvicted"
    assert "low on memory" in found.disrupted.message


def test_a_node_that_stays_unreachable_is_lost_after_a_bounded_time() -> None:
    since = {"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    pod = running_pod(since)
    assert view(job(), pod).disrupted is None
    later = NOW + timedelta(minutes=6)
    found = view_job(read_job(job()), [read_pod(pod)], later).disrupted
    assert found is not None
    assert found.reason == "LoadNodeLost"


def test_a_deleted_pod_on_a_lost_node_counts_as_ended_after_a_bounded_time() -> None:
    pod = read_pod(running_pod(deletionTimestamp="2026-01-01T00:00:30Z"))
    assert pod.running(NOW)
    assert not pod.running(NOW + timedelta(minutes=1))


@pytest.mark.parametrize(("code", "state"), [(0, JobState.SUCCEEDED), (1, JobState.FAILED)])
def test_a_sidecar_that_never_ends_holds_nothing_up(code: int, state: JobState) -> None:
    text = '{"reason": "KroNotFound", "message": "m"}' if code else ""
    ended = {"exitCode": code, "message": text, "finishedAt": "2026-01-01T00:00:50Z"}
    containers = [
        {"name": "istio-proxy", "state": {"running": {}}},
        {"name": "load", "state": {"terminated": ended}},
    ]
    status = {"phase": "Running", "containerStatuses": containers}
    manifest = {"metadata": {"name": "p"}, "status": status}
    found = view(job(), manifest)
    assert found.state is state
    assert (found.error.reason if found.error else None) == ("KroNotFound" if code else None)
    pod, known = read_pod(manifest), read_job(job())
    assert not pod.running(NOW)
    assert known is not None
    assert not only_sidecars_run(known, [pod], NOW)
    assert only_sidecars_run(known, [pod], NOW + timedelta(minutes=1))
