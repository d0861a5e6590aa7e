"""What somebody's object has besides what its author wrote.

People copy RGDs out of a cluster, a repository of Argo CD or the output of a Go program. What the
API server or a GitOps tool has added there must not be applied again: an annotation of Argo CD's
makes the copy part of an application, which Argo CD then deletes as surplus.
"""

import re
from collections.abc import Collection
from typing import Any

_OWNED = re.compile(
    r"""
    ( kro\.run | ([-a-z0-9]+\.)?applyset\.(kubernetes|k8s)\.io          # kro, kubectl
    | kubectl\.kubernetes\.io | (internal\.)?config\.kubernetes\.io     # kubectl, kpt
    | argocd\.argoproj\.io | ([-a-z0-9]+\.)?toolkit\.fluxcd\.io         # Argo CD, Flux
    | meta\.helm\.sh | helm\.sh | objectset\.rio\.cattle\.io | fleet\.cattle\.io
    | kapp\.k14s\.io | config\.gke\.io | configsync\.gke\.io
    )/.*
    | app\.kubernetes\.io/(instance|managed-by)                         # Argo CD's, Helm's
    """,
    re.VERBOSE,
)
_UNREAD = ("spec", "status", "types")


def without_nulls(value: Any) -> Any:
    """Return the value without fields that are null: for the API server, they are absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def authored(manifest: Any) -> Any:
    """Return an RGD as its author wrote it; anything but an object is returned as it is.

    Its metadata keeps labels and annotations that no tool owns. SimpleSchema is not touched: there,
    a null is kro's to refuse.
    """
    if not isinstance(manifest, dict):
        return manifest
    found = _without_added(manifest, ())
    spec = manifest.get("spec")
    schema = spec.get("schema") if isinstance(spec, dict) else None
    if isinstance(schema, dict):
        fields = {key: schema[key] for key in _UNREAD if schema.get(key) is not None}
        found["spec"]["schema"] |= fields
    return found


def authored_object(manifest: Any) -> Any:
    """Return an object of any kind as its author wrote it, with its name and namespace."""
    if not isinstance(manifest, dict):
        return manifest
    return _without_added(manifest, ("name", "namespace"))


def _without_added(manifest: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return an object without status, nulls and metadata, but for ``names`` and what is not a
    tool's."""
    found = {key: item for key, item in without_nulls(manifest).items() if key != "status"}
    metadata = found.get("metadata")
    if isinstance(metadata, dict):
        kept = {key: metadata[key] for key in ("labels", "annotations") if key in metadata}
        named = {key: metadata[key] for key in names if key in metadata}
        found["metadata"] = named | {key: _not_owned(entries) for key, entries in kept.items()}
    return found


def _not_owned(entries: Any) -> Any:
    if not isinstance(entries, dict):
        return entries
    return {key: value for key, value in entries.items() if not _OWNED.fullmatch(key)}
