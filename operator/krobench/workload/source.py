"""Where a workload's RGDs come from: a scenario, the generator, expressions, or the user."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError

from krobench.api.common import LOAD_GROUP
from krobench.api.refusal import refusals
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.manifests import ConfigMapKeyRef, RequiredRGD
from krobench.api.specs.workload import InstanceMetadata, Workload
from krobench.api.yaml import load_all, yaml_error
from krobench.workload.blueprint import (
    KRO_DEFAULT_API_VERSION,
    RGD_API_VERSION,
    Blueprint,
    Manifest,
    RgdParts,
    WorkloadError,
)
from krobench.workload.cel.expression import ROUND_FIELD, expression_parts
from krobench.workload.cel.selection import expressions_of
from krobench.workload.generator import generate_rgd, resolve
from krobench.workload.instances import InstanceSpecs, own_specs
from krobench.workload.ownrgds import (
    RGD_KIND,
    nested_children,
    outermost,
    own_manifests,
    with_labels_on_nested,
)
from krobench.workload.placeholders import Turn
from krobench.workload.readiness import Ready, readiness
from krobench.workload.scenarios import SCENARIOS
from krobench.workload.scenarios.cloud import cloud_blueprint, cloud_children
from krobench.workload.simpleschema import spec_schema

# Bounds only the time for deletions, until the RGD has been read.
_CHILDREN_OF_UNREAD_RGD = 100


def config_map_refs(spec: KroBenchmarkSpec) -> Iterator[tuple[int, ConfigMapKeyRef]]:
    """Yield the references to ConfigMaps with the indexes of their tests."""
    for index, test in enumerate(spec.tests):
        yield from ((index, ref) for ref in refs_of(test.workload))


def refs_of(workload: Workload) -> list[ConfigMapKeyRef]:
    """Return the references of a workload to ConfigMaps."""
    if workload.rgd is None:
        return []
    sources = (workload.rgd, *workload.rgd.requires)
    return [each.config_map_key_ref for each in sources if each.config_map_key_ref is not None]


def with_rgds_inline(
    spec: KroBenchmarkSpec, config_maps: Mapping[str, Manifest], namespace: str
) -> KroBenchmarkSpec:
    """Return the spec with RGDs inline, instead of references to their ConfigMaps.

    ``config_maps`` are the existing ones of ``namespace``, by name.

    Raises:
        WorkloadError: if a ConfigMap or its key is missing, or is not an RGD.
    """
    tests = list(spec.tests)
    for index, _ in config_map_refs(spec):
        path = f"tests[{index}].workload"
        workload = with_rgd_inline(tests[index].workload, config_maps, namespace, path)
        tests[index] = tests[index].model_copy(update={"workload": workload})
    return spec.model_copy(update={"tests": tests})


def with_rgd_inline(
    workload: Workload, config_maps: Mapping[str, Manifest], namespace: str, field_path: str
) -> Workload:
    """Return the workload with its RGDs inline, instead of references to ConfigMaps.

    Raises:
        WorkloadError: if a ConfigMap or its key is missing, or is not an RGD.
    """
    if not refs_of(workload):
        return workload
    rgd = workload.rgd
    assert rgd is not None
    required: list[RequiredRGD] = []
    for index, each in enumerate(rgd.requires):
        path = f"{field_path}.rgd.requires[{index}].configMapKeyRef"
        required += _read(each, config_maps, namespace, path)
    *more, outer = _read(rgd, config_maps, namespace, f"{field_path}.rgd.configMapKeyRef")
    changes = {"inline": outer.inline, "config_map_key_ref": None, "requires": [*required, *more]}
    return workload.model_copy(update={"rgd": rgd.model_copy(update=changes)})


def _read(
    source: RequiredRGD, config_maps: Mapping[str, Manifest], namespace: str, path: str
) -> list[RequiredRGD]:
    """Return the RGDs of a source; the last is the one that uses the others."""
    ref = source.config_map_key_ref
    if ref is None:
        return [RequiredRGD(inline=source.inline)]
    object_name, config_map = f"{namespace}/{ref.name}", config_maps.get(ref.name)
    if config_map is None:
        raise WorkloadError(f"{path}.name: ConfigMap {object_name} does not exist; create it")
    text = (config_map.get("data") or {}).get(ref.key)
    if text is None:
        raise WorkloadError(f"{path}.key: ConfigMap {object_name} has no key {ref.key}; add it")
    where = f"{path}: key {ref.key} of ConfigMap {object_name}"
    try:
        documents = load_all(text)
    except yaml.YAMLError as error:
        raise WorkloadError(f"{where} must be YAML: {yaml_error(error)}") from error
    try:
        found = [RequiredRGD(inline=each) for each in _rgds_in(documents, where)]
    except ValidationError as error:
        problem = refusals(error, "")[0].removeprefix("inline").removeprefix(".")
        raise WorkloadError(f"{where} must be a {RGD_KIND}: {problem}") from error
    manifests = [each.inline or {} for each in found]
    last = outermost(manifests)
    if last is None:
        kinds = ", ".join(each["spec"]["schema"]["kind"] for each in manifests)
        raise WorkloadError(
            f"{where} has {len(found)} RGDs (kinds {kinds}), and none of them uses all others: "
            "give each a key of its own, and name one key"
        )
    return [*found[:last], *found[last + 1 :], found[last]]


def _rgds_in(documents: list[Any], where: str) -> list[Any]:
    """Return the RGDs among some objects, or the only object, whatever it is.

    Raises:
        WorkloadError: if there are none among several objects.
    """
    objects = [
        item
        for each in documents
        for item in (each["items"] if isinstance(each, dict) and _is_list(each) else [each])
    ]
    if len(objects) == 1:
        return objects
    found = [each for each in objects if isinstance(each, dict) and _is_rgd(each)]
    if not found:
        raise WorkloadError(f"{where} must have a {RGD_KIND}: it has {len(objects)} objects")
    return found


def _is_list(manifest: Manifest) -> bool:
    """Whether it is what ``kubectl get -o yaml`` prints of several objects."""
    return str(manifest.get("kind", "")).endswith("List") and isinstance(
        manifest.get("items"), list
    )


def _is_rgd(manifest: Manifest) -> bool:
    spec = manifest.get("spec")
    named = manifest.get("kind")
    return named == RGD_KIND or (named is None and isinstance(spec, dict) and "schema" in spec)


OWN_RGD = "rgd"
GENERATOR = "generator"
CEL = "cel"


@dataclass(frozen=True)
class RgdSource:
    """What one of a test's RGDs is made from."""

    workload: Workload
    field_path: str
    """The workload's path in the spec, for messages."""
    number: int
    """Which of the test's RGDs it is."""
    name: str
    kind: str
    """The kind that it defines; a user's own RGD keeps its own."""
    labels: dict[str, str]
    cloud_kind: str = "CloudResource"
    """The kind of the run's simulated cloud resources."""


def source_name(workload: Workload) -> str:
    """Return the scenario's name, or the field that is set instead."""
    if workload.scenario is not None:
        return workload.scenario.value
    if workload.cel is not None:
        return CEL
    return OWN_RGD if workload.rgd is not None else GENERATOR


def children(workload: Workload) -> int:
    """Return the number of objects that kro creates for an instance.

    In a user's own RGD, each resource counts as one.
    """
    if workload.rgd is not None:
        if refs_of(workload):
            return _CHILDREN_OF_UNREAD_RGD
        return nested_children(workload.rgd)
    if workload.generator is not None:
        return resolve(workload.generator).children
    if workload.cel is not None:
        return 1
    if workload.simulated_cloud is not None:
        return cloud_children(workload.simulated_cloud)
    assert workload.scenario is not None
    return SCENARIOS[workload.scenario].children


def with_counts(workload: Workload) -> Workload:
    """Return the workload with the numbers of RGDs and instances that its expressions need."""
    if workload.cel is None:
        return workload
    count = len(expressions_of(workload.cel))
    return workload.model_copy(update={"rgds": count, "instances": count})


def has_unread_rgd(workload: Workload) -> bool:
    """Whether an RGD is still in a ConfigMap, so the number of children is unknown."""
    return bool(refs_of(workload))


@dataclass(frozen=True)
class RgdSet:
    """An RGD and the RGDs that it uses."""

    manifests: tuple[Manifest, ...]
    """In the order of creation; the last one's kind has the instances."""
    specs: InstanceSpecs
    """Makes the spec of each instance."""
    update: Manifest
    """A merge patch of the spec that gives kro work; empty for a user's own RGD."""
    ready: Ready = field(default_factory=Ready)
    """What shows that an instance is ready."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of instances, with placeholders."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Annotations of instances, with placeholders."""

    def metadata(self, index: int) -> Manifest:
        """Return the metadata that an instance has by the user's wish."""
        turn = Turn(index, seed=self.specs.seed)
        found = {"labels": self.labels, "annotations": self.annotations}
        return {
            part: {key: turn.fill(value) for key, value in entries.items()}
            for part, entries in found.items()
            if entries
        }


def rgds_of(source: RgdSource) -> RgdSet:
    """Return the RGD, and before it those that it uses.

    Raises:
        WorkloadError: if the workload has no valid RGD.
    """
    workload, path = source.workload, f"{source.field_path}.values"
    wish = workload.instance_metadata or InstanceMetadata()
    if workload.rgd is not None:
        number = source.number if workload.rgds > 1 else None
        own = own_manifests(workload.rgd, number, f"{source.field_path}.rgd")
        *used, manifest = with_labels_on_nested(own, source.labels)
        named = [
            _named(each, f"{source.name}-inner{position}", source.labels)
            for position, each in enumerate(used)
        ]
        manifest = _named(manifest, source.name, source.labels)
        specs = own_specs(manifest, workload.values, path, workload.seed)
        at = f"{source.field_path}.rgd.readiness"
        ready = readiness(manifest, workload.rgd.readiness, at)
        return RgdSet((*named, manifest), specs, {}, ready, wish.labels, wish.annotations)
    blueprint = _blueprint(source)
    inner = [
        _manifest(source, f"{source.name}-inner{position}", kind, parts, blueprint)
        for position, (kind, parts) in enumerate(blueprint.inner.items())
    ]
    outer = _manifest(source, source.name, source.kind, blueprint.outer, blueprint)
    schema = spec_schema(outer["spec"]["schema"])
    specs = InstanceSpecs(schema, blueprint.values | workload.values, path, workload.seed)
    return RgdSet(
        (*inner, outer),
        specs,
        blueprint.update,
        labels=wish.labels,
        annotations=wish.annotations,
    )


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
    cloud = source.workload.simulated_cloud
    if cloud is not None:
        return cloud_blueprint(cloud, source.cloud_kind)
    assert source.workload.scenario is not None
    return SCENARIOS[source.workload.scenario].build(source.kind)


def _manifest(
    source: RgdSource, name: str, kind: str, parts: RgdParts, blueprint: Blueprint
) -> Manifest:
    # The cleanup finds instances that are children by the run's labels, too.
    for resource in parts.resources:
        if resource["template"]["kind"] in blueprint.inner:
            resource["template"]["metadata"]["labels"] = source.labels
    schema = {"apiVersion": KRO_DEFAULT_API_VERSION, "kind": kind, "group": LOAD_GROUP}
    manifest = {
        "apiVersion": RGD_API_VERSION,
        "kind": RGD_KIND,
        "metadata": {},
        "spec": {"schema": parts.schema | schema, "resources": parts.resources},
    }
    return _named(manifest, name, parts.labels | source.labels)


def _named(manifest: Manifest, name: str, labels: dict[str, str]) -> Manifest:
    metadata = manifest.get("metadata", {})
    metadata = metadata | {"name": name, "labels": metadata.get("labels", {}) | labels}
    return manifest | {"metadata": metadata}
