"""Limits that an administrator sets for all runs, in the chart.

A ValidatingAdmissionPolicy of the chart refuses what it can see when a resource is applied. The
operator refuses the rest before the run is queued.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from krobench.api.common import ErrorInfo
from krobench.api.kinds import RunSpec
from krobench.api.notation import duration_seconds
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.load import Load
from krobench.api.specs.scaletest import Axis
from krobench.program.sizes import longest_scale_seconds
from krobench.workload.testplan import longest_run_seconds, plan_tests

LIMIT_EXCEEDED = "LimitExceeded"

_BYTES_PER_INSTANCE = 64
"""Compressed results of one instance in one iteration."""

Use = tuple[str, float, str]
"""A field of a spec, its value, and what to do about it."""


@dataclass(frozen=True)
class Limits:
    """The values of ``limits`` in the chart."""

    duration: str = "168h"
    """Longest time that a run may take."""
    instances: int = 10_000
    """Most instances of a test."""
    rate: float = 1000.0
    """Most operations per second of an open loop."""
    shards: int = 16
    """Most pods that drive a load."""
    result_bytes: int = 100_000_000
    """Most bytes of results of a run: refused by estimate, and kept to by the load Job."""

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Read the limits as the chart passes them.

        Raises:
            ValueError: if there is an unknown one, or a value is not what it should be.
        """
        known = {_camel(field.name): field for field in fields(cls)}
        if unknown := sorted(raw.keys() - known):
            raise ValueError(f"unknown limit {unknown[0]!r}")
        for name, value in raw.items():
            if name == "duration":
                duration_seconds(value)
            elif not isinstance(value, int | float) or value <= 0:
                raise ValueError(f"limit {name} must be above 0, not {value!r}")
        return cls(**{known[name].name: value for name, value in raw.items()})

    def check(self, spec: RunSpec) -> tuple[ErrorInfo, ...]:
        """Return which limits a valid spec exceeds."""
        seconds = longest_seconds(spec)
        allowed = duration_seconds(self.duration)
        errors = []
        if seconds > allowed:
            field = "defaults.timeout" if isinstance(spec, KroBenchmarkSpec) else "budget.duration"
            errors.append(
                _exceeded(
                    f"spec.{field}: the run can take {seconds / 3600:.3g}h",
                    self.duration,
                    "duration",
                    "lower timeouts, iterations or the number of tests",
                )
            )
        for limit, uses in (
            ("instances", _instances(spec)),
            ("rate", _rates(spec)),
            ("shards", _shards(spec)),
            ("resultBytes", _results(spec)),
        ):
            allowed = getattr(self, _SNAKE[limit])
            errors += [
                _exceeded(f"spec.{field} is {value:.12g}", f"{allowed:.12g}", limit, remedy)
                for field, value, remedy in uses
                if value > allowed
            ]
        return tuple(errors)


def longest_seconds(spec: RunSpec) -> float:
    """Return the time that a run may take at most; after that it is stuck."""
    if isinstance(spec, KroBenchmarkSpec):
        return longest_run_seconds(spec)
    return longest_scale_seconds(spec)


def _exceeded(what: str, allowed: str, limit: str, remedy: str) -> ErrorInfo:
    return ErrorInfo(
        reason=LIMIT_EXCEEDED,
        message=f"{what}, and the administrator of krobench allows {allowed} (chart value "
        f"limits.{limit}): {remedy}, or ask for a higher limit",
    )


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


_SNAKE = {_camel(field.name): field.name for field in fields(Limits)}


def _instances(spec: RunSpec) -> Iterator[Use]:
    if isinstance(spec, KroBenchmarkSpec):
        for index, test in enumerate(spec.tests):
            yield f"tests[{index}].workload.instances", test.workload.instances, "lower it"
        return
    yield "workload.instances", spec.workload.instances, "lower it"
    sizes = spec.sizes
    if spec.axis is Axis.INSTANCES:
        largest = sizes.values[-1] if sizes.values is not None else sizes.to or 0.0
        field = "sizes.values" if sizes.values is not None else "sizes.to"
        yield field, min(largest, spec.budget.max_instances), "lower it, or budget.maxInstances"


def _rates(spec: RunSpec) -> Iterator[Use]:
    if isinstance(spec, KroBenchmarkSpec):
        for index, test in enumerate(spec.tests):
            yield from _of_load(f"tests[{index}].load", test.load)
            for at, phase in enumerate(test.phases):
                if phase.load is not None:
                    yield from _of_load(f"tests[{index}].phases[{at}].load", phase.load)
        return
    yield from _of_load("load", spec.load)
    if spec.axis is Axis.ARRIVAL_RATE:
        sizes = spec.sizes
        largest = sizes.values[-1] if sizes.values is not None else sizes.to or 0.0
        yield "sizes.values" if sizes.values is not None else "sizes.to", largest, "lower it"


def _of_load(path: str, load: Load) -> Iterator[Use]:
    beside = load.background
    rates = {"rate": load.rate, "toRate": load.to_rate} | (
        {"background.reads": beside.reads, "background.writes": beside.writes} if beside else {}
    )
    for name, rate in rates.items():
        if rate is not None:
            yield f"{path}.{name}", rate, "lower it"


def _shards(spec: RunSpec) -> Iterator[Use]:
    if isinstance(spec, KroBenchmarkSpec):
        for index, test in enumerate(spec.tests):
            yield f"tests[{index}].load.shards", test.load.shards, "lower it"


def _results(spec: RunSpec) -> Iterator[Use]:
    if isinstance(spec, KroBenchmarkSpec):
        objects = sum(plan.created_at_most * plan.total_iterations for plan in plan_tests(spec))
        size = objects * _BYTES_PER_INSTANCE
        remedy = "lower the number of instances or iterations"
        yield "tests: the estimated size of the results", size, remedy
