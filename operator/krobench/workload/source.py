"""Where a workload's ResourceGraphDefinitions come from."""

from dataclasses import dataclass

from krobench.api.common import LOAD_GROUP
from krobench.api.specs.workload.workload import Workload
from krobench.workload.blueprint import (
    KRO_DEFAULT_API_VERSION,
    RGD_API_VERSION,
    Blueprint,
    Manifest,
    RgdParts,
)
from krobench.workload.cel import ROUND_FIELD, expression_parts, expressions_of
from krobench.workload.generator import generate_rgd, resolve
from krobench.workload.own import own_children, own_manifest
from krobench.workload.scenarios import SCENARIOS

OWN_RGD = "rgd"
GENERATOR = "generator"
CEL = "cel"


@dataclass(frozen=True)
class RgdSource:
    """What one of a test's RGDs is made from."""

    workload: Workload
    field_path: str
    """Where the workload stands in the spec, for messages."""
    number: int
    """Which of the test's RGDs it is."""
    name: str
    kind: str
    """The kind to define; a user's own RGD keeps the one it names."""
    labels: dict[str, str]


def source_name(workload: Workload) -> str:
    """Return the scenario's name, or the field that takes its place."""
    if workload.scenario is not None:
        return workload.scenario.value
    if workload.cel is not None:
        return CEL
    return OWN_RGD if workload.rgd is not None else GENERATOR


def children(workload: Workload) -> int:
    """Return the number of objects that kro creates for an instance."""
    if workload.rgd is not None:
        return own_children(workload.rgd)
    if workload.generator is not None:
        return resolve(workload.generator).children
    if workload.cel is not None:
        return 1
    assert workload.scenario is not None
    return SCENARIOS[workload.scenario].children


def with_counts(workload: Workload) -> Workload:
    """Return the workload with the numbers of RGDs and instances that its expressions make."""
    if workload.cel is None:
        return workload
    count = len(expressions_of(workload.cel))
    return workload.model_copy(update={"rgds": count, "instances": count})


def has_unread_rgd(workload: Workload) -> bool:
    """Whether the RGD stands in a ConfigMap, so that its number of children is not known yet."""
    return workload.rgd is not None and workload.rgd.inline is None


@dataclass(frozen=True)
class RgdSet:
    """An RGD and what it rests on."""

    manifests: tuple[Manifest, ...]
    """In the order of their creation: the last one's kind has the instances."""
    values: Manifest
    """The spec of the instances."""
    update: Manifest
    """A merge patch of it that makes work for kro; empty for a user's own RGD."""


def rgds_of(source: RgdSource) -> RgdSet:
    """Return the RGD, and before it those that it rests on.

    Raises:
        WorkloadError: if there is no RGD for this workload.
    """
    workload = source.workload
    if workload.rgd is not None:
        manifest = own_manifest(workload.rgd, f"{source.field_path}.rgd")
        return RgdSet((_named(manifest, source.name, source.labels),), workload.values, {})
    blueprint = _blueprint(source)
    inner = [
        _manifest(source, f"{source.name}-inner{position}", kind, parts, blueprint)
        for position, (kind, parts) in enumerate(blueprint.inner.items())
    ]
    outer = _manifest(source, source.name, source.kind, blueprint.outer, blueprint)
    return RgdSet((*inner, outer), blueprint.values | workload.values, blueprint.update)


def _blueprint(source: RgdSource) -> Blueprint:
    generator, cel = source.workload.generator, source.workload.cel
    if cel is not None:
        expression = expressions_of(cel)[source.number]
        parts = expression_parts(expression, source.name, f"{source.field_path}.cel")
        return Blueprint(parts, values=expression.values, update={ROUND_FIELD: 0})
    if generator is not None:
        path = f"{source.field_path}.generator"
        parts = generate_rgd(generator, source.number, path)
        return Blueprint(parts, update={"value": "round {{round}}"})
    assert source.workload.scenario is not None
    return SCENARIOS[source.workload.scenario].build(source.kind)


def _manifest(
    source: RgdSource, name: str, kind: str, parts: RgdParts, blueprint: Blueprint
) -> Manifest:
    # Instances that are children are found by the run's labels too, when a run is swept.
    for resource in parts.resources:
        if resource["template"]["kind"] in blueprint.inner:
            resource["template"]["metadata"]["labels"] = source.labels
    schema = {"apiVersion": KRO_DEFAULT_API_VERSION, "kind": kind, "group": LOAD_GROUP}
    manifest = {
        "apiVersion": RGD_API_VERSION,
        "kind": "ResourceGraphDefinition",
        "metadata": {},
        "spec": {"schema": parts.schema | schema, "resources": parts.resources},
    }
    return _named(manifest, name, parts.labels | source.labels)


def _named(manifest: Manifest, name: str, labels: dict[str, str]) -> Manifest:
    metadata = manifest.get("metadata", {})
    metadata = metadata | {"name": name, "labels": metadata.get("labels", {}) | labels}
    return manifest | {"metadata": metadata}
