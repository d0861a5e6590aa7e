"""A second opinion on expected values, by a CEL in Python, before anything is created."""

from dataclasses import dataclass
from enum import StrEnum

from krobench.workload.cel.expression import Expression


class Opinion(StrEnum):
    """What celpy says of an expected value."""

    AGREES = "agrees"
    DIFFERS = "differs"
    KRO_ONLY = "kro only"


@dataclass(frozen=True)
class CrossCheck:
    """Whether celpy is sure of an expression's value, and which it is."""

    opinion: Opinion
    value: str | None = None
    """None where it has no opinion."""


def cross_check(expression: Expression) -> CrossCheck:
    """Return what celpy says of an expression's expected value."""
    from krobench.workload.cel.celpyvalue import sure_value

    value = sure_value(expression)
    if value is None:
        return CrossCheck(Opinion.KRO_ONLY)
    return CrossCheck(Opinion.AGREES if value == expression.expected else Opinion.DIFFERS, value)
