"""How far a threshold was missed by: for each comparison in it that is false."""

from collections.abc import Callable, Iterator
from typing import Any

from celpy.celtypes import DoubleType, IntType, UintType
from lark import Token, Tree

from krobench.model.record import Margin

_OPERATORS = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}

Node = Tree[Any] | Token | None


def margins(
    tree: Tree[Any], names: Callable[[Node], list[str]], evaluate: Callable[[Tree[Any]], Any]
) -> list[Margin]:
    """Return value and bound of each false comparison of numbers, the measured side first.

    ``names`` says which metrics a part of the expression uses, ``evaluate`` what it comes to.
    """
    found = []
    for operator, left, right in _comparisons(tree):
        if not names(left) and names(right):
            operator, left, right = _MIRRORED[operator], right, left  # noqa: PLW2901 - one step
        value, bound = _number(evaluate(left)), _number(evaluate(right))
        if value is None or bound is None or _holds(operator, value, bound):
            continue
        used = names(left)
        found.append(Margin(names=used, operator=operator, value=value, bound=bound))
    return found


def _comparisons(node: Node) -> Iterator[tuple[str, Tree[Any], Tree[Any]]]:
    if not isinstance(node, Tree):
        return
    match node.data, node.children:
        case "relation", [Tree() as first, Tree() as right] if first.data in _OPERATORS:
            left = first.children[0]
            if isinstance(left, Tree):
                yield _OPERATORS[first.data], left, right
    for child in node.children:
        yield from _comparisons(child)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, DoubleType | IntType | UintType) else None


def _holds(operator: str, value: float, bound: float) -> bool:
    return {
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
        "==": value == bound,
    }[operator]
