"""What Flux does with a custom resource: kstatus, health check expressions, drift detection."""

from collections.abc import Mapping
from typing import Any

import celpy
import yaml
from celpy.adapter import json_to_cel
from unit.deploy.rendering import MANIFESTS

Resource = dict[str, Any]

CURRENT, FAILED, IN_PROGRESS = "Current", "Failed", "InProgress"
TERMINATING = "Terminating"


def kstatus(resource: Resource) -> str:
    """Return what kstatus makes of a custom resource."""
    metadata, status = resource["metadata"], resource.get("status", {})
    if metadata.get("deletionTimestamp"):
        return TERMINATING
    if status.get("observedGeneration", metadata["generation"]) != metadata["generation"]:
        return IN_PROGRESS
    conditions = status.get("conditions", [])
    for condition in conditions:
        if condition["status"] == "True" and condition["type"] in ("Reconciling", "Stalled"):
            return IN_PROGRESS if condition["type"] == "Reconciling" else FAILED
    ready = [each["status"] for each in conditions if each["type"] == "Ready"]
    return CURRENT if not ready or ready[0] == "True" else IN_PROGRESS


def health_check_expressions() -> dict[str, Mapping[str, str]]:
    """Return the expressions of the Kustomization that is documented, by kind."""
    documents = yaml.safe_load_all((MANIFESTS / "gitops" / "flux" / "benchmarks.yaml").read_text())
    [kustomization] = [each for each in documents if each["kind"] == "Kustomization"]
    return {each["kind"]: each for each in kustomization["spec"]["healthCheckExprs"]}


def health(resource: Resource) -> str:
    """Return what Flux makes of a custom resource with these expressions."""
    generation = resource["metadata"]["generation"]
    if resource.get("status", {}).get("observedGeneration", generation) != generation:
        return IN_PROGRESS
    expressions = health_check_expressions()[resource["kind"]]
    # This order is Flux's own.
    for name, meaning in (("inProgress", IN_PROGRESS), ("failed", FAILED), ("current", CURRENT)):
        if _evaluate(expressions[name], resource):
            return meaning
    return IN_PROGRESS


def _evaluate(expression: str, resource: Resource) -> bool:
    environment = celpy.Environment()
    program = environment.program(environment.compile(expression))
    values = {name: json_to_cel(value) for name, value in resource.items()}
    found = program.evaluate(values)
    assert isinstance(found, celpy.celtypes.BoolType), expression
    return bool(found)


def has_drifted(live: Resource, dry_run: Resource) -> bool:
    """Whether Flux finds drift; ``dry_run`` is the answer to its server-side apply."""
    return any(
        live["metadata"].get(name, {}) != dry_run["metadata"].get(name, {})
        for name in ("labels", "annotations")
    ) or _content(live) != _content(dry_run)


def _content(resource: Resource) -> Resource:
    return {name: each for name, each in resource.items() if name not in ("metadata", "status")}
