"""A second opinion on expected values, by a CEL in Python, before anything is created.

celpy has no optional types and none of kro's libraries, and it differs from cel-go here and
there. So its word counts only for expressions that use no more than the core of the language;
of all others only kro can say what they come to. Its speed says nothing about kro's.
"""

from dataclasses import dataclass
from enum import StrEnum

import celpy
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.evaluation import CELEvalError
from lark import Token, Tree

from krobench.workload.cel.expression import Expression

_CALLS = frozenset({"ident_arg", "dot_ident_arg", "member_dot_arg"})
_SURE_OF = frozenset(
    {"size", "startsWith", "endsWith", "contains", "map", "filter", "all", "exists", "exists_one"}
)
_ENVIRONMENT = celpy.Environment()


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
    nobody = CrossCheck(Opinion.KRO_ONLY)
    try:
        tree = _ENVIRONMENT.compile(expression.text)
        if not _calls(tree) <= _SURE_OF:
            return nobody
        schema = json_to_cel({"spec": expression.values})
        result = _ENVIRONMENT.program(tree).evaluate({"schema": schema})
    except (CELParseError, CELEvalError, TypeError, ValueError):
        return nobody
    if not isinstance(result, str):
        return nobody
    value = str(result)
    return CrossCheck(Opinion.AGREES if value == expression.expected else Opinion.DIFFERS, value)


def _calls(tree: "Tree[Token]") -> set[str]:
    return {
        str(child)
        for node in tree.iter_subtrees()
        if node.data in _CALLS
        for child in node.children
        if isinstance(child, Token) and child.type == "IDENT"
    }
