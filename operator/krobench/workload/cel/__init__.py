"""Expressions to be measured in kro, each in an RGD of its own."""

from krobench.workload.cel.crosscheck import CrossCheck, Opinion, cross_check
from krobench.workload.cel.expression import Expression, Role
from krobench.workload.cel.rgd import ROUND_FIELD, expression_parts, resources
from krobench.workload.cel.selection import expressions_of

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
