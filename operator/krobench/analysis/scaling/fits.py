"""Fits of a curve with their intervals, and which of them describes it best."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from krobench.analysis.scaling.models import FITS, Fitted
from krobench.analysis.scaling.resample import Ends, Resampling, Values
from krobench.findings.scaling import CurveFit, CurveModel, CurvePoint, Parameter

_FEWEST_SIZES = 3
_AS_GOOD = 1.25
"""Times the least error: less of a difference is mere chance."""
_SPARE_VALUES = 3
"""Values beyond the number of parameters that an interval takes at least."""


@dataclass(frozen=True)
class Described:
    """A fit, as fitted and as recorded, and what it would have been otherwise."""

    fitted: Fitted
    record: CurveFit
    redrawn: Sequence[Fitted | None]
    """By bootstrap; empty where the points are too few."""
    resampling: Resampling | None


def by_size(points: Sequence[CurvePoint]) -> dict[float, list[float]]:
    """Return the values of each size."""
    values: dict[float, list[float]] = {}
    for point in points:
        values.setdefault(point.size, []).append(point.value)
    return values


def describe(values: Values, models: Sequence[CurveModel]) -> list[Described]:
    """Return the fits of these models that there are, the one with the least error first.

    But of those that are about as good as that, the first of ``models`` comes first.
    """
    if len(values) < _FEWEST_SIZES:
        return []
    found = [fit for model in models if (fit := _describe(values, model)) is not None]
    least = min((_error_of(fit) for fit in found), default=0.0)
    return sorted(
        found, key=lambda fit: 0.0 if _error_of(fit) <= _AS_GOOD * least else _error_of(fit)
    )


def _error_of(fit: Described) -> float:
    error = fit.record.error_ratio
    return math.inf if error is None else error


def _describe(values: Values, model: CurveModel) -> Described | None:
    fit, count = FITS[model]
    fitted = fit(values)
    if fitted is None or not all(math.isfinite(value) for value in fitted.parameters.values()):
        return None
    resampling = _resampling(fitted, values, count)
    redrawn = (
        [
            fit({size: [math.exp(value) for value in each] for size, each in drawn.items()})
            for drawn in resampling.draws()
        ]
        if resampling is not None
        else []
    )
    parameters = [
        _parameter(name, value, _ends(name, redrawn, resampling))
        for name, value in fitted.parameters.items()
    ]
    record = CurveFit(model=model, parameters=parameters, error_ratio=_error(values, model))
    return Described(fitted, record, redrawn, resampling)


def _resampling(fitted: Fitted, values: Values, parameters: int) -> Resampling | None:
    """Return new values around the fit; None where they are few, or not all above 0."""
    expected = {size: fitted.at(size) for size in values}
    measured = [value for each in values.values() for value in each]
    if len(measured) < parameters + _SPARE_VALUES:
        return None
    if not all(0 < value < math.inf for value in (*measured, *expected.values())):
        return None
    return Resampling(
        {size: math.log(value) for size, value in expected.items()},
        {size: [math.log(value) for value in each] for size, each in values.items()},
        parameters,
    )


def _ends(
    name: str, redrawn: Sequence[Fitted | None], resampling: Resampling | None
) -> Ends | None:
    if resampling is None:
        return None
    return resampling.interval_of(
        [fitted.parameters[name] if fitted is not None else None for fitted in redrawn]
    )


def _parameter(name: str, value: float, ends: Ends | None) -> Parameter:
    if ends is None:
        return Parameter(name=name, value=value)
    return Parameter(name=name, value=value, low=min(ends.low, value), high=max(ends.high, value))


def _error(values: Values, model: CurveModel) -> float | None:
    """Return how far the fit is off at sizes that it was not made of: each is left out in turn."""
    fit, parameters = FITS[model]
    if len(values) <= max(_FEWEST_SIZES - 1, parameters):
        return None
    deviations = []
    for size, each in values.items():
        fitted = fit(_without(values, size))
        if fitted is not None:
            deviations += [abs(fitted.at(size) / value - 1) for value in each if value]
    known = [deviation for deviation in deviations if math.isfinite(deviation)]
    return median(known) if known else None


def _without(values: Values, size: float) -> Mapping[float, Sequence[float]]:
    return {other: each for other, each in values.items() if other != size}
