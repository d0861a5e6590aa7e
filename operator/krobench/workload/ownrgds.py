"""A user's own RGD and those that it requires: their order, their kinds, and copies of them."""

import copy
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from krobench.api.common import LOAD_GROUP
from krobench.api.specs.manifests import RGDSource
from krobench.workload.blueprint import (
    KRO_DEFAULT_API_VERSION,
    RGD_API_VERSION,
    Manifest,
    WorkloadError,
)

RGD_KIND = "ResourceGraphDefinition"
_KRO_DEFAULT_GROUP = "kro.run"

GroupKind = tuple[str, str]
"""API version and kind, as in a template."""


def own_manifests(source: RGDSource, number: int | None, path: str) -> tuple[Manifest, ...]:
    """Return the RGDs in the order of creation, with optional fields filled in; the last is the
    one whose kind has the instances.

    With a number, they are copies whose kinds end in it.

    Raises:
        WorkloadError: if they define a kind twice, or use each other in a circle.
    """
    given = [*(each.inline for each in source.requires), source.inline]
    kinds: dict[GroupKind, GroupKind] = {}
    filled: list[Manifest] = []
    for at, inline in enumerate(given):
        assert inline is not None, "references are resolved before"
        manifest = _filled(inline)
        old, new = _kind(manifest), _kind(manifest, number)
        if old in kinds:
            raise WorkloadError(
                f"{path}.requires[{min(at, len(given) - 2)}]: kind {old[1]} is defined twice: "
                "leave one of the RGDs out"
            )
        kinds[old] = new
        if inline["spec"]["schema"].get("group", _KRO_DEFAULT_GROUP) == _KRO_DEFAULT_GROUP:
            # Templates name such a kind in the group that kro would give it.
            version = manifest["spec"]["schema"]["apiVersion"]
            kinds[f"{_KRO_DEFAULT_GROUP}/{version}", old[1]] = new
        filled.append(manifest)
    linked = [_linked(manifest, kinds, number) for manifest in filled]
    return _ordered(linked, path)


def own_group(schema: Mapping[str, Any]) -> str:
    """Return the API group that a kind has in a run.

    kro's default group is replaced: an RGD that was exported from a cluster names it, and there its
    kind is in use.
    """
    group = str(schema.get("group", _KRO_DEFAULT_GROUP))
    return LOAD_GROUP if group == _KRO_DEFAULT_GROUP else group


def outermost(manifests: Sequence[Manifest]) -> int | None:
    """Return which of some RGDs uses the others and is used by none; None if that is not one."""
    kinds: dict[GroupKind, int] = {}
    for at, manifest in enumerate(manifests):
        schema = manifest["spec"]["schema"]
        version = schema.get("apiVersion", KRO_DEFAULT_API_VERSION)
        groups = {own_group(schema), schema.get("group", _KRO_DEFAULT_GROUP)}
        kinds |= {(f"{group}/{version}", schema["kind"]): at for group in groups}
    used = {kinds[key] for each in manifests for key in _uses(each) & kinds.keys()}
    left = set(range(len(manifests))) - used
    return left.pop() if len(left) == 1 else None


def nested_children(source: RGDSource) -> int:
    """Return the number of objects of an instance, those of nested instances included.

    Each resource counts as one, as the size of a collection is not known.
    """
    manifests = own_manifests(source, None, "rgd")
    counts: dict[GroupKind, int] = {}
    for manifest in manifests:
        used = [_of(item.get("template")) for item in manifest["spec"]["resources"]]
        counts[_kind(manifest)] = sum(1 + counts.get(each, 0) for each in used)
    return counts[_kind(manifests[-1])]


def with_labels_on_nested(manifests: Sequence[Manifest], labels: dict[str, str]) -> list[Manifest]:
    """Return the RGDs with labels on the instances that they create: cleanup finds them so."""
    kinds = {_kind(manifest) for manifest in manifests}

    def labelled(item: Manifest) -> Manifest:
        template = item.get("template")
        if not isinstance(template, dict) or _of(template) not in kinds:
            return item
        metadata = template.get("metadata")
        if not isinstance(metadata, dict):
            return item
        own = metadata.get("labels") or {}
        if not isinstance(own, dict):
            return item
        metadata = metadata | {"labels": own | labels}
        return item | {"template": template | {"metadata": metadata}}

    return [
        each | {"spec": each["spec"] | {"resources": [*map(labelled, each["spec"]["resources"])]}}
        for each in manifests
    ]


def _filled(inline: Manifest) -> Manifest:
    manifest = copy.deepcopy(inline)
    schema = manifest["spec"]["schema"]
    manifest.setdefault("apiVersion", RGD_API_VERSION)
    manifest.setdefault("kind", RGD_KIND)
    schema.setdefault("apiVersion", KRO_DEFAULT_API_VERSION)
    schema["group"] = own_group(schema)
    manifest["spec"].setdefault("resources", [])
    return manifest


def _kind(manifest: Manifest, number: int | None = None) -> GroupKind:
    schema = manifest["spec"]["schema"]
    suffix = "" if number is None else str(number)
    return f"{schema['group']}/{schema['apiVersion']}", f"{schema['kind']}{suffix}"


def _of(body: Any) -> GroupKind:
    found = body if isinstance(body, dict) else {}
    return str(found.get("apiVersion")), str(found.get("kind"))


def _uses(manifest: Manifest) -> set[GroupKind]:
    resources = manifest["spec"].get("resources") or []
    return {_of(item.get(part)) for item in resources for part in ("template", "externalRef")}


def _linked(
    manifest: Manifest, kinds: Mapping[GroupKind, GroupKind], number: int | None
) -> Manifest:
    """Return the RGD with the new names of all these kinds: in templates and owner references."""

    def renamed(value: Any) -> Any:
        if isinstance(value, list):
            return [renamed(item) for item in value]
        if not isinstance(value, dict):
            return value
        new = kinds.get(_of(value))
        named = {"apiVersion": new[0], "kind": new[1]} if new is not None else {}
        return {key: renamed(item) for key, item in value.items()} | named

    spec = manifest["spec"]
    return manifest | {
        "spec": spec
        | {
            "schema": spec["schema"] | {"kind": _kind(manifest, number)[1]},
            "resources": renamed(spec["resources"]),
        }
    }


def _ordered(manifests: Sequence[Manifest], path: str) -> tuple[Manifest, ...]:
    """Return the RGDs, each after those whose kinds it uses."""
    by_kind = {_kind(manifest): manifest for manifest in manifests}
    last = _kind(manifests[-1])
    uses = {key: _uses(each) & by_kind.keys() - {key} for key, each in by_kind.items()}
    above = [key for key, used in uses.items() if last in used]
    if above:
        raise WorkloadError(
            f"{path}.requires: the RGD of kind {above[0][1]} uses kind {last[1]}, which has the "
            "instances: exchange the two RGDs"
        )
    try:
        order = list(TopologicalSorter(uses).static_order())
    except CycleError as error:
        around = ", ".join(kind for _, kind in error.args[1])
        raise WorkloadError(
            f"{path}.requires: RGDs use each other in a circle ({around}): break it"
        ) from error
    return (*(by_kind[key] for key in order if key != last), manifests[-1])
