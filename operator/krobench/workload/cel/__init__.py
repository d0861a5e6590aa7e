"""Expressions that are measured in kro, each in its own RGD."""

from krobench.workload.cel.expression import (
    ROUND_FIELD,
    Expression,
    Role,
    expression_parts,
    resources,
)
from krobench.workload.cel.selection import CrossCheck, Opinion, cross_check, expressions_of

__all__ = [
    "ROUND_FIELD",
    "CrossCheck",
    "Expression",
    "Opinion",
    "Role",
    "cross_check",
    "expression_parts",
    "expressions_of",
    "resources",
]
