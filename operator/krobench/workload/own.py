"""A user's own ResourceGraphDefinition."""

import copy

from krobench.model.benchmark import RGDSource
from krobench.model.common import LOAD_GROUP
from krobench.workload.blueprint import (
    KRO_DEFAULT_API_VERSION,
    RGD_API_VERSION,
    Manifest,
    WorkloadError,
)


def own_manifest(source: RGDSource, field_path: str) -> Manifest:
    """Return the RGD with what may be left out filled in.

    Raises:
        WorkloadError: if it has no spec.schema.kind.
    """
    manifest = copy.deepcopy(source.inline)
    schema = manifest.get("spec", {}).get("schema")
    if not isinstance(schema, dict) or not isinstance(schema.get("kind"), str):
        raise WorkloadError(f"{field_path}.spec.schema.kind is missing: name the kind it defines")
    manifest.setdefault("apiVersion", RGD_API_VERSION)
    manifest.setdefault("kind", "ResourceGraphDefinition")
    schema.setdefault("apiVersion", KRO_DEFAULT_API_VERSION)
    schema.setdefault("group", LOAD_GROUP)
    return manifest


def own_children(source: RGDSource) -> int:
    """Return the number of objects that an instance has, taking each resource for one."""
    resources = source.inline.get("spec", {}).get("resources")
    return len(resources) if isinstance(resources, list) else 1
