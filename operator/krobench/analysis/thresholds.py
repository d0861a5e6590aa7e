"""Thresholds: CEL expressions over the results of a test.

celpy serves here because these expressions are ours; it never stands in for kro's own CEL,
which is cel-go with libraries that celpy does not have.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar, get_args

import celpy
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.celtypes import BoolType
from celpy.evaluation import CELEvalError
from lark import Token, Tree
from pydantic import BaseModel

from krobench.analysis.usage import Phases, measure_usage
from krobench.analysis.watchlag import WATCH_METRICS
from krobench.analysis.windows import Series
from krobench.model.benchmark import KroBenchmarkSpec
from krobench.model.common import ErrorInfo
from krobench.model.measures import LatencySummary
from krobench.model.record import TestSummary, ThresholdResult

Values = dict[str, Any]
Path = tuple[str, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)

_LATENCIES = {
    "instanceReady": "instance_ready",
    "instanceFirstChild": "instance_first_child",
    "instanceLastChild": "instance_last_child",
    "instanceActive": "instance_active",
    "rgdPickedUp": "rgd_picked_up",
    "rgdAccepted": "rgd_accepted",
    "rgdCompiled": "rgd_compiled",
    "rgdEstablished": "rgd_established",
    "rgdReady": "rgd_ready",
    "instanceUpdated": "instance_updated",
    "rgdUpdated": "rgd_updated",
    "instanceFannedOut": "instance_fanned_out",
    "instanceGone": "instance_gone",
}
_STATISTICS = {
    "p50": "p50_seconds",
    "p90": "p90_seconds",
    "p99": "p99_seconds",
    "max": "max_seconds",
    "mean": "mean_seconds",
    "n": "n",
    "censored": "censored",
}
_ENVIRONMENT = celpy.Environment()


def check_thresholds(spec: KroBenchmarkSpec) -> list[ErrorInfo]:
    """Return what is wrong with a suite's thresholds, before anything is run."""
    errors = []
    for test_index, test in enumerate(spec.tests):
        for index, expression in enumerate(test.thresholds):
            error = _check(expression)
            if error is not None:
                where = f"tests[{test_index}].thresholds[{index}]"
                errors.append(ErrorInfo(reason=error.reason, message=f"{where}: {error.message}"))
    return errors


def evaluate(expression: str, summary: TestSummary) -> ThresholdResult:
    """Decide a threshold.

    An expression that uses a number which is not available cannot be decided: ``passed`` is
    then None, and the message names the number.
    """
    values = _values(summary)
    used = {".".join(path): _lookup(values, path) for path in _paths(_compile(expression))}
    missing = sorted(name for name, value in used.items() if value is None)
    if missing:
        return ThresholdResult(
            expression=expression,
            passed=None,
            values=used,
            message=f"not available in this run: {', '.join(missing)}",
        )
    try:
        passed = bool(_evaluate(expression, values))
    except Exception as error:  # noqa: BLE001 - celpy lets many kinds of exceptions through
        return ThresholdResult(
            expression=expression, passed=None, values=used, message=_first_argument(error)
        )
    return ThresholdResult(expression=expression, passed=passed, values=used)


def known_names() -> list[str]:
    """Return every name that a threshold may use."""
    return sorted(".".join(path) for path in _leaves(_example()))


@lru_cache(maxsize=1024)
def _check(expression: str) -> ErrorInfo | None:
    try:
        return _check_names_and_types(expression)
    except CELParseError as error:
        message = f"is not CEL: line {error.line}, column {error.column}"
    except CELEvalError as error:
        message = f"cannot be evaluated: {_first_argument(error)}"
    except Exception as error:  # noqa: BLE001 - celpy lets many kinds of exceptions through
        message = f"cannot be evaluated: {type(error).__name__}: {error}"
    return ErrorInfo(reason="InvalidThreshold", message=f"{expression!r} {message}")


def _check_names_and_types(expression: str) -> ErrorInfo | None:
    tree = _compile(expression)
    example = _example()
    known = set(_leaves(example))
    for path in _paths(tree):
        if path not in known:
            return ErrorInfo(reason="UnknownMetric", message=_unknown(path, known))
    if not isinstance(_evaluate(expression, example), BoolType | bool):
        return ErrorInfo(
            reason="InvalidThreshold",
            message=f"{expression!r} is no condition: it must be true or false",
        )
    return None


def _unknown(path: Path, known: set[Path]) -> str:
    shared = 0
    while any(other[: shared + 1] == path[: shared + 1] for other in known) and shared < len(path):
        shared += 1
    choices = sorted({other[shared] for other in known if other[:shared] == path[:shared]})
    group = ".".join(path[:shared]) or "a threshold"
    return (
        f"{'.'.join(path)} is no metric of a test: {group} has {', '.join(choices)}; "
        "names are case-sensitive"
    )


def _compile(expression: str) -> Tree[Any]:
    return _ENVIRONMENT.compile(expression)


def _evaluate(expression: str, values: Values) -> Any:
    program = _ENVIRONMENT.program(_compile(expression))
    return program.evaluate({name: json_to_cel(value) for name, value in values.items()})


def _values(summary: TestSummary) -> Values:
    latency = {
        name: _latency(getattr(summary.latency, attribute))
        for name, attribute in _LATENCIES.items()
    }
    return {
        "latency": latency,
        "throughput": summary.throughput.model_dump(by_alias=True),
        "errors": {"total": summary.errors_total},
        "cpu": summary.cpu.model_dump(by_alias=True),
        "memory": summary.memory.model_dump(by_alias=True),
        "apiRequests": summary.api_requests.model_dump(by_alias=True),
        "duration": {"seconds": summary.duration_seconds},
        "metrics": dict(summary.metrics),
    }


def _latency(summary: LatencySummary | None) -> Mapping[str, float | None]:
    return {
        name: getattr(summary, attribute) if summary else None
        for name, attribute in _STATISTICS.items()
    }


def _example() -> Values:
    """Return a value of the right type for every name, to check names and types with."""
    metrics = measure_usage(Series([]), Phases(0.0, 0.0, 0.0), ready=0).metrics
    names = [*metrics, *WATCH_METRICS]
    summary = _example_of(TestSummary)
    return _values(summary.model_copy(update={"metrics": dict.fromkeys(names, 1.0)}))


def _example_of(model: type[ModelT]) -> ModelT:
    """Return a model with a one of the right type in each field; CEL tells 1 from 1.0."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        choices = get_args(field.annotation) or (field.annotation,)
        nested = [c for c in choices if isinstance(c, type) and issubclass(c, BaseModel)]
        if nested:
            values[name] = _example_of(nested[0])
        elif float in choices:
            values[name] = 1.0
        elif int in choices:
            values[name] = 1
    return model.model_construct(**values)


def _leaves(values: Values, prefix: Path = ()) -> Iterator[Path]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*prefix, name))
        else:
            yield (*prefix, name)


def _lookup(values: Values, path: Path) -> float | None:
    value: Any = values
    for name in path:
        value = value[name]
    return None if value is None else float(value)


def _paths(tree: Tree[Any]) -> list[Path]:
    """Return every name in the expression, as ``latency.instanceReady.p99``, once."""
    return list(dict.fromkeys(_walk(tree)))


def _walk(node: Tree[Any] | Token) -> Iterator[Path]:
    if isinstance(node, Token):
        return
    path = _path(node)
    if path is not None:
        yield path
        return
    for child in node.children:
        yield from _walk(child)


def _path(node: Tree[Any] | Token) -> Path | None:
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
    return str(error.args[0]) if error.args else type(error).__name__
