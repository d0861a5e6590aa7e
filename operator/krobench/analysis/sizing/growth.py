"""How kro's memory grows with instances or RGDs, from records of runs with several sizes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from krobench.api.specs.scaletest import Axis
from krobench.figures.catalogue import KRO_RESIDENT
from krobench.findings.growth import SizeAxis
from krobench.findings.scaling import CurveFit, Parameter
from krobench.findings.sizing import (
    AnySizingRefusal,
    NoSlope,
    OtherAxis,
    RunInvalid,
    RunNotCompleted,
    SeveralWorkloads,
    TooFewSizes,
    WorkloadsDiffer,
)
from krobench.record.run import RunRecord, RunState
from krobench.record.test import TestRecord

_CURVE = KRO_RESIDENT.max.name
_SLOPES = (_CURVE, "kro resident memory, max")
"""The second is what older records store."""
_AXES: Mapping[Axis, SizeAxis] = {Axis.INSTANCES: "instances", Axis.RGDS: "rgds"}


class SizingError(Exception):
    """The records are not enough."""

    def __init__(self, reason: AnySizingRefusal) -> None:
        super().__init__(repr(reason))
        self.reason = reason


@dataclass(frozen=True)
class Estimate:
    """Bytes, with an interval."""

    value: float
    low: float | None
    high: float | None

    def plus(self, other: "Estimate") -> "Estimate":
        """Return the sum; adding the ends gives the widest possible interval."""
        low = None if self.low is None or other.low is None else self.low + other.low
        high = None if self.high is None or other.high is None else self.high + other.high
        return Estimate(self.value + other.value, low, high)


@dataclass(frozen=True)
class Growth:
    """Memory against size along one axis, from tests that differ in nothing else."""

    axis: SizeAxis
    tests: Sequence[TestRecord]
    measured: Mapping[float, Sequence[float]]
    """Bytes of each iteration by size."""
    model: Literal["linear", "power"]
    rate: float
    """linear: bytes for one more; power: the exponent."""
    low: float | None
    high: float | None

    @property
    def largest(self) -> float:
        """The largest size that was measured."""
        return max(self.measured)

    def at(self, size: float) -> Estimate:
        """Return memory at a size: from the nearest measured size along the fit.

        The interval is that of the fit's rate, around the range of the iterations there.
        """
        nearest = min(self.measured, key=lambda known: abs(math.log(known / size)))
        values = self.measured[nearest]
        value = self._moved(median(values), nearest, size, self.rate)
        if nearest == size:
            return Estimate(value, min(values), max(values))
        if self.low is None or self.high is None:
            return Estimate(value, None, None)
        ends = [
            self._moved(start, nearest, size, rate)
            for start in (min(values), max(values))
            for rate in (self.low, self.high)
        ]
        return Estimate(value, min(ends), max(ends))

    def added(self, count: float) -> Estimate:
        """Return what ``count`` more add; if it is negative, what fewer save."""
        if self.model == "power":
            start, end = self.at(self.largest), self.at(self.largest + 1)
            return Estimate((end.value - start.value) * count, None, None)
        if self.low is None or self.high is None:
            return Estimate(self.rate * count, None, None)
        low, high = sorted((self.low * count, self.high * count))
        return Estimate(self.rate * count, low, high)

    def _moved(self, value: float, from_size: float, to_size: float, rate: float) -> float:
        if self.model == "power":
            return value * float((to_size / from_size) ** rate)
        return max(0.0, value + rate * (to_size - from_size))


def growths(run: RunRecord) -> Iterator[Growth]:
    """Yield each growth of memory that a run has measured."""
    if run.scale is not None:
        found = _of_scale_test(run)
        if found is not None:
            yield found
        return
    tests = {test.name: test for test in run.tests}
    for slope in run.slopes:
        if slope.figure in _SLOPES:
            group = [tests[name] for name in slope.tests]
            yield Growth(
                axis=slope.axis,
                tests=group,
                measured=_measured(group, slope.axis),
                model="linear",
                rate=_not_falling(slope.per_one),
                low=_end(slope.low),
                high=_end(slope.high),
            )


def _of_scale_test(run: RunRecord) -> Growth | None:
    assert run.scale is not None
    axis = _AXES.get(run.scale.axis)
    curve = next((each for each in run.scale.curves if each.figure == _CURVE), None)
    if axis is None or curve is None:
        return None
    found = _growing(curve.fits)
    if found is None:
        return None
    model, rate = found
    measured: dict[float, list[float]] = {}
    for point in curve.points:
        measured.setdefault(point.size, []).append(point.value)
    names = {size.test for size in run.scale.sizes}
    return Growth(
        axis=axis,
        tests=[test for test in run.tests if test.name in names and test.success],
        measured=measured,
        model=model,
        rate=_not_falling(rate.value),
        low=_end(rate.low),
        high=_end(rate.high),
    )


def _growing(fits: Sequence[CurveFit]) -> tuple[Literal["linear", "power"], Parameter] | None:
    """Return the fit to go on along, by the parameter that says how fast it grows.

    Each further object takes its own memory, so that it is the line; a power law below 1, as
    of figures that scatter more than they grow, would promise ever cheaper ones. One that is
    clearly above 1 is used if it describes the curve best.
    """
    named = {(fit.model, parameter.name): parameter for fit in fits for parameter in fit.parameters}
    exponent = named.get(("power", "exponent"))
    if fits and fits[0].model == "power" and exponent is not None and (exponent.low or 0.0) > 1:
        return "power", exponent
    slope = named.get(("linear", "slope"))
    return ("linear", slope) if slope is not None else None


def _not_falling(rate: float) -> float:
    """Return a rate of growth; a negative one is scatter."""
    return max(0.0, rate)


def _end(rate: float | None) -> float | None:
    return None if rate is None else _not_falling(rate)


def _measured(tests: Sequence[TestRecord], axis: SizeAxis) -> dict[float, list[float]]:
    found: dict[float, list[float]] = {}
    for test in tests:
        each = [i.figures[KRO_RESIDENT.max] for i in test.iterations if not i.warmup and i.success]
        summary = test.summary.figures[KRO_RESIDENT.max] if test.summary is not None else None
        values = [float(value) for value in each or [summary] if value is not None]
        if values:
            size = test.rgds if axis == "rgds" else test.instances
            found.setdefault(float(size), []).extend(values)
    return found


@dataclass(frozen=True)
class Known:
    """What records show of one shape of RGDs."""

    run: RunRecord
    """The one that settings are taken from."""
    by_instances: Growth | None
    by_rgds: Growth | None

    @property
    def tests(self) -> list[TestRecord]:
        """All tests of the shape."""
        both = (self.by_instances, self.by_rgds)
        return [test for growth in both if growth is not None for test in growth.tests]


def what_is_known(runs: Sequence[RunRecord], test: str | None) -> Known:
    """Return what records show; ``test`` names a test of the wanted shape.

    Raises:
        SizingError: if they show no growth, or several shapes.
    """
    found: dict[SizeAxis, Growth] = {}
    shapes: dict[SizeAxis, Mapping[str, Any]] = {}
    for run in runs:
        _check(run)
        mine = [growth for growth in growths(run) if test is None or test in _names(growth)]
        if not mine:
            raise SizingError(_why_none(run, test))
        for growth in mine:
            if growth.axis in found:
                tests = [_names(found[growth.axis]), _names(growth)]
                raise SizingError(SeveralWorkloads(axis=growth.axis, tests=tests))
            found[growth.axis] = growth
            shapes[growth.axis] = _shape(run, growth)
    if len(shapes) == 2 and shapes["instances"] != shapes["rgds"]:
        raise SizingError(WorkloadsDiffer())
    return Known(runs[0], found.get("instances"), found.get("rgds"))


def _check(run: RunRecord) -> None:
    name = f"{run.namespace}/{run.name}"
    if run.state is not RunState.COMPLETED:
        raise SizingError(RunNotCompleted(run=name, state=run.state))
    if run.validity is not None and not run.validity.valid:
        raise SizingError(RunInvalid(run=name, causes=[*run.validity.by_reason()]))


def _why_none(run: RunRecord, test: str | None) -> AnySizingRefusal:
    name = f"{run.namespace}/{run.name}"
    if run.scale is None:
        return NoSlope(run=name, test=test)
    if run.scale.axis not in _AXES:
        return OtherAxis(run=name, axis=run.scale.axis)
    return TooFewSizes(run=name, sizes=len({size.size for size in run.scale.sizes}))


def _names(growth: Growth) -> list[str]:
    return [test.name for test in growth.tests]


def _shape(run: RunRecord, growth: Growth) -> Mapping[str, Any]:
    """Return the workload without its size."""
    if run.scale is not None:
        workload = run.spec.get("workload") or {}
    else:
        first = growth.tests[0].spec_name
        tests = run.spec.get("tests") or []
        workload = next((t.get("workload") for t in tests if t.get("name") == first), None) or {}
    return {key: value for key, value in workload.items() if key not in ("instances", "rgds")}
