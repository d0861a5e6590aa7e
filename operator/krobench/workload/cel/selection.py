"""Which expressions a workload measures, and whether celpy agrees with their expected values."""

import json
from dataclasses import dataclass
from enum import StrEnum

from krobench.api.specs.cel import CelExpression, CelLevel, CelSuite, CelWorkload
from krobench.figures import cel as results
from krobench.workload.cel.expression import Expression, Role
from krobench.workload.cel.standard import FIELD_ACCESS, STANDARD

CONSTANTS = Expression(results.CONSTANTS, '"constant"', "constant", role=Role.CONSTANTS)
ONE_CONSTANT = Expression(
    results.ONE_CONSTANT, '"constant"', "constant", copies=1, role=Role.ONE_CONSTANT
)


def expressions_of(workload: CelWorkload) -> tuple[Expression, ...]:
    """Return the measured expressions, with the controls first."""
    own = [_own(expression) for expression in workload.expressions]
    families, levels = workload.families, workload.levels
    chosen = [
        expression
        for expression in STANDARD
        if workload.suite is CelSuite.STANDARD
        and (not families or expression.family in families)
        and (not levels or expression.level in levels)
    ]
    if FIELD_ACCESS not in chosen:
        chosen.insert(0, FIELD_ACCESS)
    return (CONSTANTS, ONE_CONSTANT, *chosen, *own)


def _own(expression: CelExpression) -> Expression:
    """Convert an expression's value to a string, as a ConfigMap holds nothing else."""
    text, expected = expression.expression, expression.expected
    if isinstance(expected, list | dict):
        text = f"json.marshal({text})"
        expected = json.dumps(expected, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    elif not isinstance(expected, str):
        text = f"string({text})"
        if isinstance(expected, bool):
            expected = str(expected).lower()
        else:
            expected = f"{expected:g}" if isinstance(expected, float) else str(expected)
    return Expression(
        name=expression.name,
        text=text,
        expected=expected,
        level=CelLevel(expression.complexity),
        values=expression.values,
        types=dict(expression.types),
    )


class Opinion(StrEnum):
    """What celpy says about an expected value."""

    AGREES = "agrees"
    DIFFERS = "differs"
    KRO_ONLY = "kro only"


@dataclass(frozen=True)
class CrossCheck:
    """celpy's value of an expression, if it has one."""

    opinion: Opinion
    value: str | None = None
    """None if celpy does not support the expression."""


def cross_check(expression: Expression) -> CrossCheck:
    """Compare an expression's expected value with celpy's."""
    from krobench.workload.cel.celpyvalue import sure_value  # takes 10 MB

    value = sure_value(expression)
    if value is None:
        return CrossCheck(Opinion.KRO_ONLY)
    return CrossCheck(Opinion.AGREES if value == expression.expected else Opinion.DIFFERS, value)
