"""The Jobs of a run: their names and manifests."""

from typing import Any

from krobench.api.access import ACCESS_VARIABLE
from krobench.api.common import COMPONENT_LABEL, RUN_LABEL
from krobench.api.storage import (
    CREDENTIALS,
    SESSION_TOKEN,
    STORAGE_VARIABLE,
    VOLUME_PATH,
    Storage,
)
from krobench.controller.jobstatus import KIND_ANNOTATION, NAME_ANNOTATION, NAMESPACE_ANNOTATION
from krobench.controller.limits import longest_seconds
from krobench.controller.runs import shards_of
from krobench.controller.settings import Settings
from krobench.controller.state import JobKind, Run

Manifest = dict[str, Any]

_NAME_LENGTH = 40
_KEEP_SECONDS = 24 * 3600
# A cleanup goes on while it makes progress, and ends by itself soon after it makes none.
_CLEANUP_DEADLINE_SECONDS = 6 * 3600
# An API server may be away for ten minutes, and the results are stored after that.
_OUTAGE_SECONDS = 900
_GRACE_SECONDS = 20


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
    labels = settings.load_pod.labels | {
        "app.kubernetes.io/name": "krobench-load",
        "app.kubernetes.io/managed-by": "krobench",
        COMPONENT_LABEL: kind.value,
        RUN_LABEL: run.uid,
    }
    annotations = settings.load_pod.annotations | {
        KIND_ANNOTATION: run.kind.value,
        NAMESPACE_ANNOTATION: run.namespace,
        NAME_ANNOTATION: run.name,
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
    return int(longest_seconds(run.spec)) + _OUTAGE_SECONDS


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
        **settings.load_pod.scheduling,
        "volumes": [{"name": "tmp", "emptyDir": {}}, *_results_volume(kind, settings.storage)],
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
            f"--result-bytes={settings.limits.result_bytes}",
        ]
    else:
        arguments = ["cleanup", f"--run={run.uid}"]
        if run.spec is not None:
            arguments.append(f"--kro-namespace={run.spec.target.namespace}")
        if run.keeps_objects:
            arguments.append("--only-kro")
    return {
        "name": kind.value,
        "image": settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "args": arguments,
        **settings.load_pod.container,
        "env": [
            *settings.load_pod.container.get("env", []),
            {"name": ACCESS_VARIABLE, "value": settings.access.model_dump_json(by_alias=True)},
            *_storage_env(kind, settings.storage),
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
            *(
                {"name": volume["name"], "mountPath": VOLUME_PATH}
                for volume in _results_volume(kind, settings.storage)
            ),
        ],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _results_volume(kind: JobKind, storage: Storage) -> list[Manifest]:
    if kind is not JobKind.LOAD or storage.claim_name is None:
        return []
    return [{"name": "results", "persistentVolumeClaim": {"claimName": storage.claim_name}}]


def _storage_env(kind: JobKind, storage: Storage) -> list[Manifest]:
    """Return what tells a load Job where to store results, and with which credentials.

    The keys are optional: a Secret without them costs a run its store, and not its start.
    """
    if kind is not JobKind.LOAD or not storage.used:
        return []
    settings = storage.model_dump_json(by_alias=True, exclude_none=True)
    found: list[Manifest] = [{"name": STORAGE_VARIABLE, "value": settings}]
    if storage.secret_name is not None:
        for key in (*CREDENTIALS, SESSION_TOKEN):
            reference = {"name": storage.secret_name, "key": key, "optional": True}
            found.append({"name": key, "valueFrom": {"secretKeyRef": reference}})
    return found
