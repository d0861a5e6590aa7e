"""The value of an expression according to celpy, a CEL in Python.

celpy has neither optional types nor kro's libraries, and it differs from cel-go in some details. So
its value counts only for expressions of the language's core; the value of all others is known only
to kro. Its speed says nothing about kro's.
"""

import celpy
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.evaluation import CELEvalError
from lark import Token

from krobench.workload.cel.expression import Expression

_CALLS = frozenset({"ident_arg", "dot_ident_arg", "member_dot_arg"})
_SURE_OF = frozenset(
    {"size", "startsWith", "endsWith", "contains", "map", "filter", "all", "exists", "exists_one"}
)
_ENVIRONMENT = celpy.Environment()


def sure_value(expression: Expression) -> str | None:
    """Return the value of an expression, or None if celpy may be wrong about it."""
    try:
        tree = _ENVIRONMENT.compile(expression.text)
        calls = {
            str(child)
            for node in tree.iter_subtrees()
            if node.data in _CALLS
            for child in node.children
            if isinstance(child, Token) and child.type == "IDENT"
        }
        if not calls <= _SURE_OF:
            return None
        schema = json_to_cel({"spec": expression.values})
        result = _ENVIRONMENT.program(tree).evaluate({"schema": schema})
    except (CELParseError, CELEvalError, TypeError, ValueError):
        return None
    return str(result) if isinstance(result, str) else None
