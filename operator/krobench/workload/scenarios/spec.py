"""What a ready-made workload says of itself."""

from collections.abc import Callable
from dataclasses import dataclass

from krobench.api.specs.workload.workload import Scenario
from krobench.workload.blueprint import Blueprint


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
    """Builds the RGDs; it is given the kind of the outer one."""
