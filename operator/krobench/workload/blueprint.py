"""What every source of workloads gives to the plan: ResourceGraphDefinitions without names."""

from collections.abc import Callable
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


def config_map(name: str, data: Manifest | str) -> Manifest:
    """Return the template of a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


INDEX = "{{index}}"
ROUND = "{{round}}"


def with_index(values: Any, index: int) -> Any:
    """Return the values with each ``{{index}}`` in a string replaced by the instance's index.

    They cannot be confused with kro's expressions, which are ``${...}``.
    """
    return _replaced(values, {INDEX: str(index)})


def with_round(values: Any, index: int, number: int) -> Any:
    """Do the same as :func:`with_index`, and replace ``{{round}}`` by ``number``."""
    return _replaced(values, {INDEX: str(index), ROUND: str(number)})


def _replaced(values: Any, words: dict[str, str]) -> Any:
    if isinstance(values, str):
        for word, text in words.items():
            values = values.replace(word, text)
        return values
    if isinstance(values, dict):
        return {key: _replaced(value, words) for key, value in values.items()}
    if isinstance(values, list):
        return [_replaced(value, words) for value in values]
    return values


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
