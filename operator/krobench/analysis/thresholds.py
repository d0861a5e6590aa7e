"""Thresholds: CEL expressions over the results of a test, in which every number is a double.

So ``5`` and ``5.0`` are the same bound for seconds and for bytes, and a ratio of two counts is not
an integer; in CEL itself, and in celpy, integers and doubles are different types.

celpy is good enough for these expressions. It never replaces kro's own CEL, which is cel-go with
libraries that celpy does not have.

The comparisons in an expression are found in its syntax tree: which figure is compared with which
bound, and by how much the figure misses it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import celpy
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.celtypes import BoolType
from celpy.evaluation import CELEvalError
from lark import Token, Tree

from krobench.analysis.figurenames import Tree as Values
from krobench.analysis.figurenames import example, known_names, numbers_of, tree_of
from krobench.analysis.iterations import errors_of
from krobench.api.common import ErrorInfo
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.collect import Collect
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.figures.latencies import latency_of, why_absent
from krobench.figures.reasons.figures import AnyReason
from krobench.figures.renamed import new_name
from krobench.record.test import IterationRecord, Margin, TestSummary, ThresholdResult

_WHOLE = ("INT_LIT", "UINT_LIT")
_CEL_TYPE = re.compile(r"celtypes\.(\w+)Type")
_NO_OVERLOAD = "found no matching overload"
_OPERATORS = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}

Node = Tree[Any] | Token | None

_PLAIN = re.compile(
    r"\s*(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)\s*(?:<=?|>=?|==)"
    r"\s*-?(?:0|[1-9]\d{0,30})(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?\s*",
    re.ASCII,
)
"""A figure that is compared with a number, which is valid if the figure is known."""
_TOKEN = re.compile(r"\w+|\S")
QUICK_TOKENS = 100
"""Tokens of expressions that are more than plain comparisons, of which celpy checks about four a
millisecond. The operator leaves what goes beyond to the load Job."""


@cache
def _environment() -> celpy.Environment:
    """celpy's grammar, which takes 0.1 s to read: reports import this module and parse little."""
    return celpy.Environment()


@dataclass(frozen=True)
class Bound:
    """A figure that is compared with a number."""

    figure: str
    operator: str
    """What should hold between figure and value: <, <=, >, >= or ==."""
    value: float

    def met_by(self, figure: float) -> bool:
        return _holds(self.operator, figure, self.value)


def check_thresholds(spec: KroBenchmarkSpec, *, quickly: bool = False) -> list[ErrorInfo]:
    """Return what is wrong with a suite's thresholds, before anything is run.

    If ``quickly``, only with those that take little time to check.
    """
    expressions = {
        f"spec.tests[{test_index}].thresholds[{index}]": expression
        for test_index, test in enumerate(spec.tests)
        for index, expression in enumerate(test.thresholds)
    }
    return _check_all(expressions, spec.collect, quickly=quickly)


def check_slo(spec: KroScaleTestSpec, *, quickly: bool = False) -> list[ErrorInfo]:
    """Return what is wrong with a scale test's SLOs, before anything is run.

    If ``quickly``, only with those that take little time to check.
    """
    expressions = {f"spec.slo[{index}]": expression for index, expression in enumerate(spec.slo)}
    return _check_all(expressions, spec.collect, quickly=quickly)


def are_quick(expressions: Iterable[str]) -> bool:
    """Whether it takes little time to check all of these."""
    seen = set(expressions)
    return sum(_tokens(expression) for expression in seen) <= QUICK_TOKENS


def evaluate(
    expression: str,
    measures: TestSummary | IterationRecord,
    unavailable: Mapping[str, AnyReason] | None = None,
) -> ThresholdResult:
    """Decide a threshold for a test, or for one of its iterations.

    An expression that uses a number which is not available cannot be decided: ``passed`` is None
    then, and ``missing`` has the number and, if ``unavailable`` or the sample shows it, the reason.
    """
    if isinstance(measures, TestSummary):
        numbers = numbers_of(measures, measures.errors_total)
    else:
        numbers = numbers_of(measures, errors_of(measures))
    tree = _compile(expression)
    result = ThresholdResult(
        expression=expression,
        passed=None,
        values={name: numbers.get(name) for name in _names(tree)},
    )
    names = sorted(name for name, value in result.values.items() if value is None)
    if names:
        missing = {name: _why_missing(name, measures, unavailable or {}) for name in names}
        return result.model_copy(update={"missing": missing})
    values = tree_of(result.values)
    try:
        passed = bool(_evaluate(tree, values))
        missed = [] if passed else _margins(tree, values)
    except Exception as error:  # noqa: BLE001 - celpy lets many kinds of exceptions through
        return result.model_copy(update={"error": _first_argument(error)})
    return result.model_copy(update={"passed": passed, "margins": missed})


@lru_cache(maxsize=1024)
def bounds(expression: str) -> tuple[Bound, ...]:
    """Return the bounds of single metrics that the expression consists of; none if it is more."""
    found = []
    try:
        for part in _conjuncts(_compile(expression)):
            comparison = _comparison(part)
            if comparison is None:
                return ()
            operator, left, right = comparison
            if not _names(left):
                operator, left, right = _MIRRORED[operator], right, left
            figure = _name(left)
            value = None if _names(right) else _number(_evaluate(right, {}))
            if figure is None or value is None:
                return ()
            found.append(Bound(figure, operator, value))
    except Exception:  # noqa: BLE001 - celpy lets many kinds of exceptions through
        return ()
    return tuple(found)


def names_in(expression: str) -> list[str]:
    """Return every metric that an expression uses, as ``latency.instanceReady.p99``, once."""
    plain = _plain_names(expression)
    return list(dict.fromkeys(plain)) if plain is not None else _names(_compile(expression))


def unavailable_of(iterations: Iterable[IterationRecord]) -> dict[str, AnyReason]:
    """Return why numbers are missing, by their names, as the measured iterations say."""
    return {
        name: reason
        for iteration in iterations
        if not iteration.warmup
        for name, reason in iteration.unavailable.items()
    }


def _why_missing(
    name: str, measures: TestSummary | IterationRecord, unavailable: Mapping[str, AnyReason]
) -> AnyReason | None:
    """Return why a number is missing; the reason may be that of the whole group of its figures."""
    parts = name.split(".")
    for known in (".".join(parts[:end]) for end in range(len(parts), 1, -1)):
        if known in unavailable:
            return unavailable[known]
    group, _, statistic = name.removeprefix("latency.").partition(".")
    if name.startswith("latency."):
        return why_absent(latency_of(measures.latency, group), statistic)
    return None


def _names(node: Node) -> list[str]:
    return [".".join(path) for path in dict.fromkeys(_walk(node))] if node is not None else []


def _check_all(
    expressions: Mapping[str, str], collect: Collect, *, quickly: bool
) -> list[ErrorInfo]:
    """Return what is wrong with expressions, given by their fields."""
    asked = collect.prometheus
    further = tuple(name for query in asked.queries for name in query.metrics) if asked else ()
    spent, checked, errors = 0, set[str](), []
    for where, expression in expressions.items():
        spent += _tokens(expression) if expression not in checked else 0
        checked.add(expression)
        if quickly and spent > QUICK_TOKENS:
            break
        error = _check(expression, further)
        if error is not None:
            errors.append(ErrorInfo(reason=error.reason, message=f"{where}: {error.message}"))
    return errors


def _plain_names(expression: str) -> list[str] | None:
    """Return the metrics of an expression that only compares each with a number, else None."""
    found = [_PLAIN.fullmatch(part) for part in expression.split("&&")]
    return None if None in found else [match["name"] for match in found if match]


def _tokens(expression: str) -> int:
    """Return the tokens that celpy has to read to check an expression."""
    return 0 if _plain_names(expression) is not None else len(_TOKEN.findall(expression))


def _name(node: Node) -> str | None:
    path = _path(node) if isinstance(node, Tree) else None
    while path is None and isinstance(node, Tree) and len(node.children) == 1:
        node = node.children[0]
        path = _path(node)
    return ".".join(path) if path else None


@lru_cache(maxsize=1024)
def _check(expression: str, further: tuple[str, ...]) -> ErrorInfo | None:
    known = {*known_names(), *further}
    plain = _plain_names(expression)
    try:
        tree = _compile(expression) if plain is None else None
        for name in plain or _names(tree):
            if name not in known:
                return ErrorInfo(reason="UnknownMetric", message=_unknown(name, known))
        if tree is None:
            return None
        if isinstance(_evaluate(tree, example(further)), BoolType | bool):
            return None
        message = "is not a condition: it must evaluate to true or false"
    except CELParseError as error:
        message = f"is not valid CEL: line {error.line}, column {error.column}"
    except CELEvalError as error:
        message = f"cannot be evaluated: {_first_argument(error)}"
    except Exception as error:  # noqa: BLE001 - celpy lets many kinds of exceptions through
        message = f"cannot be evaluated: {type(error).__name__}: {error}"
    return ErrorInfo(reason="InvalidThreshold", message=f"{expression!r} {message}")


def _unknown(name: str, names: set[str]) -> str:
    renamed = new_name(name)
    if renamed is not None:
        return f"{name} is now called {renamed}: use that name"
    path, known = name.split("."), {tuple(each.split(".")) for each in names}
    shared = 0
    while any([*other[: shared + 1]] == path[: shared + 1] for other in known) and shared < len(
        path
    ):
        shared += 1
    choices = sorted({other[shared] for other in known if [*other[:shared]] == path[:shared]})
    group = ".".join(path[:shared]) or "a threshold"
    return (
        f"{'.'.join(path)} is not a metric of a test: {group} has {', '.join(choices)}; "
        "names are case-sensitive"
    )


def _compile(expression: str) -> Tree[Any]:
    tree = _environment().compile(expression)
    for literal in tree.find_data("literal"):
        literal.children = [
            Token("FLOAT_LIT", f"{float(int(child.rstrip('uU'), 0))!r}")
            if isinstance(child, Token) and child.type in _WHOLE
            else child
            for child in literal.children
        ]
    return tree


def _evaluate(tree: Tree[Any], values: Values) -> Any:
    program = _environment().program(tree)
    return program.evaluate({name: json_to_cel(_doubles(value)) for name, value in values.items()})


def _doubles(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _doubles(each) for name, each in value.items()}
    return float(value) if isinstance(value, int | float) else value


def _walk(node: Tree[Any] | Token) -> Iterator[tuple[str, ...]]:
    if isinstance(node, Token):
        return
    path = _path(node)
    if path is not None:
        yield path
        return
    for child in node.children:
        yield from _walk(child)


def _path(node: Tree[Any] | Token) -> tuple[str, ...] | None:
    """Return the chain of names that this node is, if it is nothing else."""
    if isinstance(node, Token):
        return None
    match node.data, node.children:
        case "ident", [Token() as name]:
            return (str(name),)
        case "member_dot", [target, Token() as name]:
            base = _path(target)
            return (*base, str(name)) if base else None
        case "member_index", [target, index]:
            base, key = _path(target), _string_literal(index)
            return (*base, key) if base and key is not None else None
        case (("member" | "primary"), [child]):
            return _path(child)
    return None


def _string_literal(node: Tree[Any] | Token) -> str | None:
    while isinstance(node, Tree):
        if len(node.children) != 1:
            return None
        node = node.children[0]
    return str(node)[1:-1] if node.type == "STRING_LIT" else None


def _first_argument(error: Exception) -> str:
    said = str(error.args[0]) if error.args else type(error).__name__
    if said.startswith(_NO_OVERLOAD):
        types = [name.lower() for name in _CEL_TYPE.findall(said)]
        return f"an operator does not accept {' and '.join(types) or 'these types'}"
    return said.partition(" (in activation ")[0]  # celpy adds all that an expression can name


def _margins(tree: Tree[Any], values: Values) -> list[Margin]:
    """Return value and bound of each false comparison of numbers, the measured side first."""
    found = []
    for operator, left, right in _comparisons(tree):
        if not _names(left) and _names(right):
            operator, left, right = _MIRRORED[operator], right, left  # noqa: PLW2901 - a swap
        value, bound = _number(_evaluate(left, values)), _number(_evaluate(right, values))
        if value is not None and bound is not None and not _holds(operator, value, bound):
            found.append(Margin(names=_names(left), operator=operator, value=value, bound=bound))
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
