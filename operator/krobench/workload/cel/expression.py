"""What is known of an expression before it is measured."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from krobench.api.specs.workload.cel import CelFamily, CelLevel
from krobench.workload.blueprint import Manifest

COPIES = 50
"""How often an RGD carries its expression: enough to outweigh what an RGD costs by itself."""


class Role(StrEnum):
    """What an RGD is measured for."""

    EXPRESSION = "expression"
    CONSTANTS = "constants"
    """The twin: as many constants, whose evaluation is all kro's and cel-go's framework."""
    ONE_CONSTANT = "one-constant"
    """An RGD with next to no CEL, to compare the building of others with."""


@dataclass(frozen=True)
class Expression:
    """An expression with all that is needed to have kro evaluate it, and to check its value."""

    name: str
    text: str
    """CEL, without ``${`` and ``}``."""
    expected: Any
    level: CelLevel = CelLevel.SIMPLE
    family: CelFamily | None = None
    """None for a user's own and for those that others are compared with."""
    values: Manifest = field(default_factory=dict)
    """The spec of the instance."""
    types: dict[str, Any] = field(default_factory=dict)
    """SimpleSchema types of values that cannot be taken from the values."""
    copies: int = COPIES
    """How often its RGD carries it."""
    distinct: bool = True
    """Whether the copies differ by a space here and there, so that kro takes each for another."""
    role: Role = Role.EXPRESSION
