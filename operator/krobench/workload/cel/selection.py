"""Which expressions a workload measures, and whether celpy agrees with their expected values."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from krobench.api.specs.workload import CelExpression, CelLevel, CelSuite, CelWorkload
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
    return Expression(
        name=expression.name,
        text=_as_string(expression.expression, expression.expected),
        expected=_expected_string(expression.expected),
        level=CelLevel(expression.complexity),
        values=expression.values,
        types=dict(expression.types),
    )


def _as_string(text: str, expected: Any) -> str:
    """Convert an expression's value to a string, as a ConfigMap holds nothing else."""
    if isinstance(expected, str):
        return text
    if isinstance(expected, list | dict):
        return f"json.marshal({text})"
    return f"string({text})"


def _expected_string(expected: Any) -> str:
    if isinstance(expected, str):
        return expected
    if isinstance(expected, list | dict):
        return json.dumps(expected, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    if isinstance(expected, bool):
        return str(expected).lower()
    return f"{expected:g}" if isinstance(expected, float) else str(expected)


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
