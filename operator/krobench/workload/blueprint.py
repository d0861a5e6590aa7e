"""What every source of workloads gives to the plan: ResourceGraphDefinitions without names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from krobench.api.specs.workload import Scenario

Manifest = dict[str, Any]

RGD_API_VERSION = "kro.run/v1alpha1"
KRO_DEFAULT_API_VERSION = "v1alpha1"


class WorkloadError(ValueError):
    """A workload from which no objects can be made; the message names the field."""


@dataclass(frozen=True)
class RgdParts:
    """A ResourceGraphDefinition without the names and labels that a run gives it."""

    schema: Manifest
    """spec.schema without apiVersion, kind and group."""
    resources: list[Manifest]
    """spec.resources."""
    labels: dict[str, str] = field(default_factory=dict)
    """Labels in addition to those of the run."""


@dataclass(frozen=True)
class Blueprint:
    """What one RGD of a test, and the RGDs that it uses, are made from."""

    outer: RgdParts
    """The RGD whose kind has the instances."""
    inner: dict[str, RgdParts] = field(default_factory=dict)
    """RGDs whose kinds the outer one uses, by kind; each may use those before it."""
    values: Manifest = field(default_factory=dict)
    """The default spec of an instance."""
    update: Manifest = field(default_factory=dict)
    """A merge patch of an instance's spec that gives kro work, with ``{{round}}`` in it."""


def namespaced_crd(
    plural: str, group: str, kind: str, version: Manifest, labels: Mapping[str, str]
) -> Manifest:
    """Return the CRD of a namespaced kind with one version."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "labels": dict(labels)},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "plural": plural,
                "singular": kind.lower(),
                "listKind": f"{kind}List",
            },
            "versions": [version],
        },
    }


def config_map(name: str, data: Manifest | str) -> Manifest:
    """Return the template of a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@dataclass(frozen=True)
class ScenarioSpec:
    """A ready-made workload."""

    scenario: Scenario
    stands_for: str
    stresses: str
    children: int
    """Objects that kro creates for each instance with the default values, those of instances
    that are children themselves included."""
    build: Callable[[str], Blueprint]
    """Builds the RGDs, given the kind of the outer one."""
