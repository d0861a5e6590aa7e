"""The names of what is measured of a test, as thresholds and comparisons use them."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel

from krobench.analysis.usage.measure import Phases, measure_usage
from krobench.analysis.watchlag import WATCH_METRICS
from krobench.figures.measures import Latencies, LatencySummary
from krobench.figures.series import Series
from krobench.record.iteration import IterationRecord
from krobench.record.test import TestSummary

Values = dict[str, Any]
"""Numbers by name in a tree: ``values["latency"]["instanceReady"]["p99"]``."""
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


def known_names() -> list[str]:
    """Return every name that thresholds and comparisons may use."""
    return sorted(".".join(path) for path in leaves(example()))


def flat(values: Values) -> dict[str, float | None]:
    """Return the numbers of a tree by their full names."""
    return {".".join(path): lookup(values, path) for path in leaves(values)}


def lookup(values: Values, path: Path) -> float | None:
    """Return a number of a tree; None where it was not measured."""
    value: Any = values
    for name in path:
        value = value.get(name)
        if value is None:
            return None
    return float(value)


def latency_of(latencies: Latencies, name: str) -> LatencySummary | None:
    """Return a latency by its name, as ``instanceReady``."""
    found: LatencySummary | None = getattr(latencies, _LATENCIES[name])
    return found


def values_by_name(measures: TestSummary | IterationRecord, errors_total: int) -> Values:
    """Return what was measured, as a tree of names."""
    latency = {
        name: _latency(getattr(measures.latency, attribute))
        for name, attribute in _LATENCIES.items()
    }
    return {
        "latency": latency,
        "throughput": measures.throughput.model_dump(by_alias=True),
        "errors": {"total": errors_total},
        "cpu": measures.cpu.model_dump(by_alias=True),
        "memory": measures.memory.model_dump(by_alias=True),
        "apiRequests": measures.api_requests.model_dump(by_alias=True),
        "duration": {"seconds": measures.duration_seconds},
        "metrics": dict(measures.metrics),
        "usage": _numbers(measures.usage),
    }


def _numbers(model: BaseModel) -> Values:
    """Return the figures of a model and of those in it; lists have no names for their items."""
    values: Values = {}
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            values[field.alias or name] = _numbers(value)
        elif not isinstance(value, list):
            values[field.alias or name] = value
    return values


def _latency(summary: LatencySummary | None) -> Mapping[str, float | None]:
    return {
        name: getattr(summary, attribute) if summary else None
        for name, attribute in _STATISTICS.items()
    }


def example(further: tuple[str, ...] = ()) -> Values:
    """Return a value of the right type for every name, to check names and types with.

    ``further`` are metrics that only this suite has.
    """
    metrics = measure_usage(Series([]), Phases(0.0, 0.0, 0.0), ready=0).metrics
    names = [*metrics, *WATCH_METRICS, *further]
    summary = _example_of(TestSummary)
    summary = summary.model_copy(update={"metrics": dict.fromkeys(names, 1.0)})
    return values_by_name(summary, errors_total=1)


def _example_of(model: type[ModelT]) -> ModelT:
    """Return a model with a one of the right type in each field; CEL tells 1 from 1.0."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        choices = get_args(field.annotation) or (field.annotation,)
        nested = [c for c in choices if isinstance(c, type) and issubclass(c, BaseModel)]
        if get_origin(field.annotation) is list:
            values[name] = []
        elif nested:
            values[name] = _example_of(nested[0])
        elif float in choices:
            values[name] = 1.0
        elif int in choices:
            values[name] = 1
    return model.model_construct(**values)


def leaves(values: Values, prefix: Path = ()) -> Iterator[Path]:
    """Return the path of each number in the tree."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, (*prefix, name))
        else:
            yield (*prefix, name)
