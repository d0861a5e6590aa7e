"""Results that outlive their KroBenchmark: under a name and labels of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

from krobench.model.common import API_GROUP, COMPONENT_LABEL

HISTORY_COMPONENT = "history"
BENCHMARK_LABEL = f"{API_GROUP}/benchmark"
"""Name of the KroBenchmark whose runs these are."""
KEPT_RUN_LABEL = f"{API_GROUP}/kept-run"
"""UID of the run. It is not the label of a run's objects: those are deleted with the run."""

_UID_LENGTH = 8

ConfigMap = dict[str, Any]


def kept_name(benchmark: str, uid: str) -> str:
    """Return the name under which a run's results are kept."""
    return f"{benchmark}-run-{uid[:_UID_LENGTH]}"


def selector(benchmark: str) -> str:
    """Return the label selector of all that is kept of a KroBenchmark's runs."""
    return f"{COMPONENT_LABEL}={HISTORY_COMPONENT},{BENCHMARK_LABEL}={benchmark}"


def as_kept(config_map: ConfigMap, benchmark: str, uid: str) -> ConfigMap:
    """Return a results ConfigMap without an owner, so that nothing but retention deletes it."""
    metadata = {
        "name": config_map["metadata"]["name"],
        "namespace": config_map["metadata"]["namespace"],
        "labels": {
            "app.kubernetes.io/name": "krobench",
            "app.kubernetes.io/managed-by": "krobench",
            COMPONENT_LABEL: HISTORY_COMPONENT,
            BENCHMARK_LABEL: benchmark,
            KEPT_RUN_LABEL: uid,
        },
    }
    return config_map | {"metadata": metadata}


def main_maps(config_maps: Sequence[ConfigMap]) -> list[ConfigMap]:
    """Return those that hold a run.json, oldest first; their metadata alone tells."""
    found = [item for item in config_maps if item["metadata"]["name"] == _main_name(item)]
    return sorted(found, key=_age)


def names_beyond(config_maps: Sequence[ConfigMap], runs: int) -> list[str]:
    """Return the names of all ConfigMaps of the oldest runs, beyond the number to be kept.

    Pieces without the one that holds run.json are those of a run that was never stored to its end.
    """
    keep = {_uid(item) for item in main_maps(config_maps)[-runs:]}
    return [item["metadata"]["name"] for item in config_maps if _uid(item) not in keep]


def _main_name(config_map: Mapping[str, Any]) -> str:
    labels = config_map["metadata"].get("labels") or {}
    return kept_name(str(labels.get(BENCHMARK_LABEL)), _uid(config_map))


def _uid(config_map: Mapping[str, Any]) -> str:
    return str((config_map["metadata"].get("labels") or {}).get(KEPT_RUN_LABEL))


def _age(config_map: Mapping[str, Any]) -> tuple[str, str]:
    metadata = config_map["metadata"]
    return metadata.get("creationTimestamp") or "", metadata["name"]
