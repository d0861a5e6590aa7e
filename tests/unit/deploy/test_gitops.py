"""krobench behaves under Argo CD, Flux and kustomize, and as a part of another chart."""

import copy
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.deploy import argocd
from unit.deploy.rendering import CHART, EXAMPLES, MANIFESTS, Manifest, by_key, kustomize

from krobench.api.common import FINALIZER, OPERATOR_ANNOTATION
from krobench.api.crd import crd
from krobench.api.kinds import KINDS, Kind, RunKind

Schema = dict[str, Any]

_KINDS = {kind.value: kind for kind in KINDS}
NAME_REFERENCE = MANIFESTS / "kustomize" / "name-reference.yaml"


def with_defaults(value: Any, schema: Schema) -> Any:
    """Return a value as an API server stores it: with the defaults of its schema."""
    if isinstance(value, list):
        return [with_defaults(item, schema["items"]) for item in value]
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for name, field in schema.get("properties", {}).items():
        if name not in filled and "default" in field:
            filled[name] = copy.deepcopy(field["default"])
        if name in filled:
            filled[name] = with_defaults(filled[name], field)
    return filled


def defaults_in_lists(schema: Schema, path: str, *, in_list: bool = False) -> Iterator[str]:
    if in_list and "default" in schema:
        yield path
    for name, child in schema.get("properties", {}).items():
        yield from defaults_in_lists(child, f"{path}.{name}", in_list=in_list)
    if "items" in schema:
        yield from defaults_in_lists(schema["items"], f"{path}[]", in_list=True)
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield from defaults_in_lists(values, f"{path}{{}}", in_list=in_list)


def root(kind: Kind) -> Schema:
    schema: Schema = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


@pytest.mark.parametrize("kind", KINDS)
def test_no_default_is_inside_of_a_list(kind: Kind) -> None:
    assert not list(defaults_in_lists(root(kind), kind.value))


def stored(resource: Manifest, schema: Schema) -> Manifest:
    """Return a resource as an API server has it, once the operator has begun its run."""
    live = with_defaults(resource, schema)
    metadata = {
        **resource["metadata"],
        "uid": "uid-1",
        "generation": 1,
        "resourceVersion": "7",
        "finalizers": [FINALIZER],
        "annotations": resource["metadata"].get("annotations", {})
        | {OPERATOR_ANNOTATION: "krobench-system"},
    }
    return {**live, "metadata": metadata, "status": {"phase": "Running"}}


def applied(live: Manifest, resource: Manifest) -> Manifest:
    """Return what ``kubectl apply`` leaves: the live object with the annotation."""
    last = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(resource)}
    metadata = {**live["metadata"], "annotations": live["metadata"]["annotations"] | last}
    return {**live, "metadata": metadata}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_in_sync_after_it_was_applied(path: Path) -> None:
    for resource in yaml.safe_load_all(path.read_text()):
        live = stored(resource, root(_KINDS[resource["kind"]]))
        spec, changes = live["spec"], [{"cleanup": "Never"}, {"target": {"namespace": "elsewhere"}}]
        if "benchmarkTemplate" in spec:
            spec, changes = spec["benchmarkTemplate"]["spec"], [{"suspend": True}]
        assert spec["collect"], "defaults were filled in"
        for found in (live, applied(live, resource)):
            assert argocd.is_in_sync(resource, found)
            for change in changes:
                assert not argocd.is_in_sync(resource | {"spec": resource["spec"] | change}, found)


def test_a_default_inside_of_a_list_would_be_a_difference() -> None:
    field = {"type": "integer", "default": 1}
    item = {"type": "object", "properties": {"n": field}}
    schema = {"properties": {"spec": {"properties": {"tests": {"items": item}}}}}
    resource = {"metadata": {"name": "x"}, "spec": {"tests": [{"name": "a"}]}}
    live = stored(resource, schema)
    assert live["spec"] == {"tests": [{"name": "a", "n": 1}]}
    assert not argocd.is_in_sync(resource, live)
    assert not argocd.is_in_sync(resource, applied(live, resource))


def test_a_field_that_was_removed_from_git_is_a_difference() -> None:
    now = {"metadata": {"name": "x"}, "spec": {"axis": "instances"}}
    before = {"metadata": {"name": "x"}, "spec": {"axis": "instances", "verify": True}}
    live = stored(before, {})
    assert not argocd.is_in_sync(now, applied(live, before))
    assert argocd.is_in_sync(now, applied(live, now)), "somebody else set the field"


def references(schema: Schema, path: str = "spec") -> Iterator[str]:
    """Yield the paths at which a spec names another object, as kustomize writes them."""
    for name, child in schema.get("properties", {}).items():
        if name.endswith("Ref"):
            yield f"{path}/{name}/name"
        elif name != "inline":  # an RGD, which names objects in its own way
            yield from references(child, f"{path}/{name}")
    if "items" in schema:
        yield from references(schema["items"], path)


def test_kustomize_is_told_of_every_reference() -> None:
    found = {
        ("Secret" if "Secret" in path else "ConfigMap", kind.value, path)
        for kind in KINDS
        for path in references(root(kind)["properties"]["spec"])
    }
    told = {
        (each["kind"], field["kind"], field["path"])
        for each in yaml.safe_load(NAME_REFERENCE.read_text())["nameReference"]
        for field in each["fieldSpecs"]
    }
    assert told == found


def test_a_hash_of_kustomize_reaches_the_benchmark(kubectl: str, tmp_path: Path) -> None:
    shutil.copy(NAME_REFERENCE, tmp_path)
    (tmp_path / "team.yaml").write_text("kind: ResourceGraphDefinition\n")
    rgd = {"configMapKeyRef": {"name": "rgds", "key": "team.yaml"}}
    benchmark = {
        "apiVersion": "bench.kro.run/v1alpha1",
        "kind": "KroBenchmark",
        "metadata": {"name": "kustomized"},
        "spec": {"tests": [{"name": "team", "workload": {"rgd": rgd}}]},
    }
    (tmp_path / "benchmark.yaml").write_text(yaml.safe_dump(benchmark))
    kustomization = {
        "configMapGenerator": [{"name": "rgds", "files": ["team.yaml"]}],
        "configurations": [NAME_REFERENCE.name],
        "resources": ["benchmark.yaml"],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    made = kustomize(kubectl, tmp_path)
    [config_map] = [name for kind, name in made if kind == "ConfigMap"]
    assert config_map.startswith("rgds-")
    [test] = made["KroBenchmark", "kustomized"]["spec"]["tests"]
    assert test["workload"]["rgd"]["configMapKeyRef"]["name"] == config_map


def test_the_chart_can_be_a_part_of_another(helm: str, tmp_path: Path) -> None:
    dependency = {
        "name": "krobench",
        "version": ">=0.0.0-0",
        "repository": f"file://{CHART}",
        "condition": "krobench.enabled",
    }
    chart = {"apiVersion": "v2", "name": "platform", "version": "0.1.0"}
    values = {"global": {"imageRegistry": "registry.example.com"}, "krobench": {"enabled": True}}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(chart | {"dependencies": [dependency]}))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    run([helm, "dependency", "build", str(tmp_path)])
    render = [helm, "template", "platform", str(tmp_path), "--kube-version", "1.30.0"]
    assert ("Deployment", "platform-krobench") in by_key(run(render))
    off = [*render, "--set", "krobench.enabled=false"]
    assert not by_key(run(off))


def run(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_runs_of_the_repository_are_valid_and_in_their_namespace(kubectl: str) -> None:
    made = kustomize(kubectl, MANIFESTS / "gitops" / "benchmarks")
    assert ("Namespace", "benchmarks") in made
    for (kind, _), manifest in made.items():
        assert kind == "Namespace" or manifest["metadata"]["namespace"] == "benchmarks"
        if kind in list(RunKind):
            RunKind(kind).spec.model_validate(manifest["spec"])


def test_a_refused_change_is_known_to_flux_as_one_of_an_immutable_field() -> None:
    for kind in RunKind:
        rules = root(kind)["x-kubernetes-validations"]
        # fluxcd/pkg/ssa/errors looks for these words, and then deletes the object if it may.
        assert any("is immutable" in rule["message"] for rule in rules)
