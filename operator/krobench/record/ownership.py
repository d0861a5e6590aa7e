"""Whose results a ConfigMap holds: a run writes only to its own."""

from collections.abc import Mapping
from typing import Any

from krobench.api.common import API_GROUP, ErrorInfo
from krobench.api.kinds import RunKind, RunRef


def is_owned_by(config_map: Mapping[str, Any], uid: str) -> bool:
    """Whether this run may write to the ConfigMap."""
    references = config_map.get("metadata", {}).get("ownerReferences") or []
    return any(reference.get("uid") == uid for reference in references)


def owning_runs(config_map: Mapping[str, Any]) -> list[RunRef]:
    """Return the runs that own a ConfigMap; none if anything else owns it too.

    Once they are deleted, the cluster's garbage collector deletes it, but not at once.
    """
    metadata = config_map.get("metadata", {})
    references = metadata.get("ownerReferences") or []
    if any(_kind_of(reference) is None for reference in references):
        return []
    return [
        RunRef(kind, metadata["namespace"], reference["name"], reference["uid"])
        for reference in references
        if (kind := _kind_of(reference)) is not None
    ]


def _kind_of(reference: Mapping[str, Any]) -> RunKind | None:
    group, _, _ = reference["apiVersion"].partition("/")
    kinds = {kind.value: kind for kind in RunKind}
    return kinds.get(reference["kind"]) if group == API_GROUP else None


def conflict(config_map: Mapping[str, Any]) -> ErrorInfo:
    """Return why a run must not write to a ConfigMap of results that it does not own."""
    metadata = config_map.get("metadata", {})
    owner = next(iter(metadata.get("ownerReferences") or []), None)
    where = f"ConfigMap {metadata.get('namespace')}/{metadata.get('name')}"
    if owner is None:
        message = (
            f"{where} already exists and was not created by a run: delete it, or set "
            "spec.results.configMapName to another name"
        )
    else:
        message = (
            f"{where} holds the results of {owner.get('kind')} {owner.get('name')}, which are left "
            "alone: give this one another name, or set spec.results.configMapName to another"
        )
    return ErrorInfo(reason="ResultsConflict", message=message)
