"""Simulated cloud resources: their kind, and what one says once it is ready."""

from collections.abc import Mapping
from typing import Any

from krobench.api.common import CLOUD_GROUP
from krobench.workload.blueprint import Manifest, namespaced_crd

CLOUD_VERSION = "v1"
CLOUD_API_VERSION = f"{CLOUD_GROUP}/{CLOUD_VERSION}"

_DETAIL_BYTES = 64


def cloud_kind(run_id: str) -> str:
    """Return the kind of the resources of a run."""
    return f"Kb{run_id}Cloud"


def cloud_plural(kind: str) -> str:
    return f"{kind.lower()}s"


def cloud_crd(kind: str, labels: Mapping[str, str]) -> Manifest:
    """Return the CRD of the resources."""
    text, number = {"type": "string"}, {"type": "integer", "format": "int64"}
    condition = {
        "type": text,
        "status": text,
        "reason": text,
        "message": text,
        "lastTransitionTime": {"type": "string", "format": "date-time"},
        "observedGeneration": number,
    }
    status = {
        "id": text,
        "endpoint": text,
        "conditions": {"type": "array", "items": {"type": "object", "properties": condition}},
        "details": {"type": "array", "items": text},
    }
    properties = {
        "spec": {"type": "object", "properties": {"region": text, "parent": text}},
        "status": {"type": "object", "properties": status},
    }
    version = {
        "name": CLOUD_VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
    }
    return namespaced_crd(cloud_plural(kind), CLOUD_GROUP, kind, version, labels)


def cloud_details(size: int) -> list[str]:
    """Return what fills a status with about so many bytes, in as many values as real ones have."""
    filler = "x" * (_DETAIL_BYTES - len('"000000",'))
    return [f"{number:06d}{filler}" for number in range(size // _DETAIL_BYTES)]


def ready_status(
    name: str, uid: str, generation: int, now: str, details: list[str]
) -> dict[str, Any]:
    """Return the status of a resource that is ready with the spec of this generation."""
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Available",
        "message": "",
        "lastTransitionTime": now,
        "observedGeneration": generation,
    }
    return {
        "id": f"sim-{uid}",
        "endpoint": f"{name}.cloud.example.com",
        "conditions": [condition],
        "details": details,
    }
