"""Kept results, which outlive their custom resource: their names, labels and order."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from krobench.api.common import API_GROUP, COMPONENT_LABEL
from krobench.api.kinds import Kind, RunKind, RunRef, ScheduleKind, ScheduleRef

HISTORY_COMPONENT = "history"
NAME_LABELS: Mapping[Kind, str] = {
    RunKind.BENCHMARK: f"{API_GROUP}/benchmark",
    RunKind.SCALE_TEST: f"{API_GROUP}/scaletest",
    ScheduleKind.SCHEDULE: f"{API_GROUP}/schedule",
}
"""Name of the custom resource whose runs these are, by its kind."""
KEPT_RUN_LABEL = f"{API_GROUP}/kept-run"
"""UID of the run. It is not the label of a run's objects: those are deleted with the run."""

_UID_LENGTH = 8

ConfigMap = dict[str, Any]


def kept_name(name: str, uid: str) -> str:
    """Return the name under which a run's results are kept."""
    return f"{name}-run-{uid[:_UID_LENGTH]}"


def selector(kind: Kind, name: str) -> str:
    """Return the label selector of all that is kept of a custom resource's runs."""
    return f"{COMPONENT_LABEL}={HISTORY_COMPONENT},{NAME_LABELS[kind]}={name}"


def as_kept(config_map: ConfigMap, run: RunRef, of: RunRef | ScheduleRef) -> ConfigMap:
    """Return a results ConfigMap without an owner, so that only retention deletes it.

    ``of`` is the schedule that created the run; without one, the run itself.
    """
    metadata = {
        "name": config_map["metadata"]["name"],
        "namespace": config_map["metadata"]["namespace"],
        "labels": {
            "app.kubernetes.io/name": "krobench",
            "app.kubernetes.io/managed-by": "krobench",
            COMPONENT_LABEL: HISTORY_COMPONENT,
            NAME_LABELS[of.kind]: of.name,
            KEPT_RUN_LABEL: run.uid,
        },
    }
    return config_map | {"metadata": metadata}


def main_maps(config_maps: Sequence[ConfigMap]) -> list[ConfigMap]:
    """Return those that hold a run.json, oldest first; their metadata is enough."""
    found = []
    for item in config_maps:
        metadata = item["metadata"]
        labels = metadata.get("labels") or {}
        name = next((labels[label] for label in NAME_LABELS.values() if label in labels), None)
        if metadata["name"] == kept_name(str(name), _uid(item)):
            found.append((metadata.get("creationTimestamp") or "", metadata["name"], item))
    return [item for _, _, item in sorted(found, key=lambda entry: entry[:2])]


def names_beyond(
    config_maps: Sequence[ConfigMap], runs: int, protected: Collection[str] = ()
) -> list[str]:
    """Return the names of all ConfigMaps of the oldest runs, beyond the number to be kept.

    ``protected`` are the UIDs of runs that are kept in addition.

    ConfigMaps without one that holds run.json belong to a run that was not stored to the end.
    """
    keep = {_uid(item) for item in main_maps(config_maps)[-runs:]} | set(protected)
    return [item["metadata"]["name"] for item in config_maps if _uid(item) not in keep]


def _uid(config_map: Mapping[str, Any]) -> str:
    return str((config_map["metadata"].get("labels") or {}).get(KEPT_RUN_LABEL))
