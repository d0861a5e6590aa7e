"""The comparisons in a threshold: what is held against which bound, and how far it missed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from celpy.celtypes import BoolType
from lark import Token, Tree

from krobench.record.test import Margin

_OPERATORS = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}

Node = Tree[Any] | Token | None


@dataclass(frozen=True)
class Bound:
    """A figure that is held against a number."""

    figure: str
    operator: str
    """What should hold between figure and value: <, <=, >, >= or ==."""
    value: float

    def met_by(self, figure: float) -> bool:
        """Return whether it holds for a value of the figure."""
        return _holds(self.operator, figure, self.value)


def bounds_of(
    tree: Tree[Any],
    name: Callable[[Node], str | None],
    names: Callable[[Node], list[str]],
    evaluate: Callable[[Tree[Any]], Any],
) -> list[Bound]:
    """Return the bounds that must all hold; none if the expression is more than such bounds.

    ``name`` is the metric that a part of the expression is, if it is nothing else.
    """
    found = []
    for part in _conjuncts(tree):
        comparison = _comparison(part)
        if comparison is None:
            return []
        operator, left, right = comparison
        if not names(left):
            operator, left, right = _MIRRORED[operator], right, left
        figure = name(left)
        value = None if names(right) else _number(evaluate(right))
        if figure is None or value is None:
            return []
        found.append(Bound(figure, operator, value))
    return found


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
    comparison = _comparison(node)
    if comparison is not None:
        yield comparison
    for child in node.children:
        yield from _comparisons(child)


def _comparison(node: Tree[Any]) -> tuple[str, Tree[Any], Tree[Any]] | None:
    match node.data, node.children:
        case "relation", [Tree() as first, Tree() as right] if first.data in _OPERATORS:
            left = first.children[0]
            return (_OPERATORS[first.data], left, right) if isinstance(left, Tree) else None
    return None


def _conjuncts(node: Tree[Any]) -> Iterator[Tree[Any]]:
    """Return the parts that ``&&`` joins, without the brackets around them."""
    children = [child for child in node.children if isinstance(child, Tree)]
    if node.data == "conditionaland" or (_comparison(node) is None and len(children) == 1):
        for child in children:
            yield from _conjuncts(child)
    else:
        yield node


def _number(value: object) -> float | None:
    # What celpy multiplies is a plain number; its truth values are integers too.
    if isinstance(value, float | int) and not isinstance(value, bool | BoolType):
        return float(value)
    return None


def _holds(operator: str, value: float, bound: float) -> bool:
    return {
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
        "==": value == bound,
    }[operator]
