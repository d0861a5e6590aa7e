"""Where a workload's RGDs come from: a scenario, the generator, expressions, or the user."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml
from pydantic import ValidationError

from krobench.api.common import LOAD_GROUP
from krobench.api.refusal import refusals
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.workload import ConfigMapKeyRef, RGDSource, Workload
from krobench.api.yaml import yaml_error
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
from krobench.workload.scenarios import SCENARIOS

_RGD_KIND = "ResourceGraphDefinition"
# Bounds only the time for deletions, until the RGD has been read.
_CHILDREN_OF_UNREAD_RGD = 100


def own_manifest(source: RGDSource) -> Manifest:
    """Return the RGD with optional fields filled in."""
    assert source.inline is not None, "references are resolved before"
    manifest = copy.deepcopy(source.inline)
    schema = manifest["spec"]["schema"]
    manifest.setdefault("apiVersion", RGD_API_VERSION)
    manifest.setdefault("kind", _RGD_KIND)
    schema.setdefault("apiVersion", KRO_DEFAULT_API_VERSION)
    schema.setdefault("group", LOAD_GROUP)
    return manifest


def config_map_refs(spec: KroBenchmarkSpec) -> Iterator[tuple[int, ConfigMapKeyRef]]:
    """Yield the references to ConfigMaps with the indexes of their tests."""
    for index, test in enumerate(spec.tests):
        rgd = test.workload.rgd
        if rgd is not None and rgd.config_map_key_ref is not None:
            yield index, rgd.config_map_key_ref


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
    """Return the workload with its RGD inline, if it refers to a ConfigMap.

    Raises:
        WorkloadError: if the ConfigMap or its key is missing, or is not an RGD.
    """
    ref = workload.rgd.config_map_key_ref if workload.rgd is not None else None
    if ref is None:
        return workload
    path = f"{field_path}.rgd.configMapKeyRef"
    object_name, config_map = f"{namespace}/{ref.name}", config_maps.get(ref.name)
    if config_map is None:
        raise WorkloadError(f"{path}.name: ConfigMap {object_name} does not exist; create it")
    text = (config_map.get("data") or {}).get(ref.key)
    if text is None:
        raise WorkloadError(f"{path}.key: ConfigMap {object_name} has no key {ref.key}; add it")
    where = f"{path}: key {ref.key} of ConfigMap {object_name}"
    try:
        manifest = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WorkloadError(f"{where} must be YAML of one object: {yaml_error(error)}") from error
    try:
        return workload.model_copy(update={"rgd": RGDSource(inline=manifest)})
    except ValidationError as error:
        problem = refusals(error, "")[0].removeprefix("inline").removeprefix(".")
        raise WorkloadError(f"{where} must be a {_RGD_KIND}: {problem}") from error


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
        if workload.rgd.inline is None:
            return _CHILDREN_OF_UNREAD_RGD
        return len(workload.rgd.inline["spec"].get("resources", ()))
    if workload.generator is not None:
        return resolve(workload.generator).children
    if workload.cel is not None:
        return 1
    assert workload.scenario is not None
    return SCENARIOS[workload.scenario].children


def with_counts(workload: Workload) -> Workload:
    """Return the workload with the numbers of RGDs and instances that its expressions need."""
    if workload.cel is None:
        return workload
    count = len(expressions_of(workload.cel))
    return workload.model_copy(update={"rgds": count, "instances": count})


def has_unread_rgd(workload: Workload) -> bool:
    """Whether the RGD is still in a ConfigMap, so its number of children is unknown."""
    return workload.rgd is not None and workload.rgd.inline is None


@dataclass(frozen=True)
class RgdSet:
    """An RGD and the RGDs that it uses."""

    manifests: tuple[Manifest, ...]
    """In the order of creation; the last one's kind has the instances."""
    values: Manifest
    """The spec of the instances."""
    update: Manifest
    """A merge patch of the spec that gives kro work; empty for a user's own RGD."""


def rgds_of(source: RgdSource) -> RgdSet:
    """Return the RGD, and before it those that it uses.

    Raises:
        WorkloadError: if the workload has no valid RGD.
    """
    workload = source.workload
    if workload.rgd is not None:
        manifest = own_manifest(workload.rgd)
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
    # The cleanup finds instances that are children by the run's labels, too.
    for resource in parts.resources:
        if resource["template"]["kind"] in blueprint.inner:
            resource["template"]["metadata"]["labels"] = source.labels
    schema = {"apiVersion": KRO_DEFAULT_API_VERSION, "kind": kind, "group": LOAD_GROUP}
    manifest = {
        "apiVersion": RGD_API_VERSION,
        "kind": _RGD_KIND,
        "metadata": {},
        "spec": {"schema": parts.schema | schema, "resources": parts.resources},
    }
    return _named(manifest, name, parts.labels | source.labels)


def _named(manifest: Manifest, name: str, labels: dict[str, str]) -> Manifest:
    metadata = manifest.get("metadata", {})
    metadata = metadata | {"name": name, "labels": metadata.get("labels", {}) | labels}
    return manifest | {"metadata": metadata}
