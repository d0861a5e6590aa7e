"""How figures grow with size, and what that predicts, in words."""

from collections.abc import Callable
from functools import partial
from typing import assert_never

from krobench.analysis.scaling.models import fitted_of
from krobench.api import units
from krobench.api.specs.scaletest import Axis
from krobench.findings.scaling import Curve, Parameter, Prediction, Trend
from krobench.report.intervals import digits
from krobench.report.words.sizes import (
    about,
    at_least,
    at_most,
    figure_name,
    figure_title,
    growing,
    one_more,
    plain,
    shown,
    sized,
)

_TOO_FEW_POINTS = " (too few points for an interval)"


def curve_line(curve: Curve) -> str:  # noqa: PLR0911 - a sentence for each trend
    """Return what a curve shows, as a sentence."""
    if curve.text is not None:
        return curve.text
    match curve.trend:
        case Trend.TOO_FEW_SIZES:
            return "Too few sizes to describe it."
        case Trend.UNCHANGED:
            return (
                f"{figure_title(curve.figure)}: no change with {growing(curve.axis)} beyond the "
                "scatter."
            )
        case Trend.LINEAR:
            return _slope(curve)
        case Trend.POWER:
            return _power(curve)
        case Trend.KNEE:
            return _knee(curve)
        case Trend.PEAK | Trend.PEAK_BEYOND | Trend.FALLING:
            return _peak(curve)
        case _:
            assert_never(curve.trend)


def _slope(curve: Curve) -> str:
    slope = _parameter(curve, "slope")
    low, high = slope.low, slope.high
    if slope.value < 0:
        low, high = (None if high is None else -high), (None if low is None else -low)
    known = digits(abs(slope.value), low, high)
    amount = shown(abs(slope.value), curve.unit, known)
    interval = _interval(low, high, partial(shown, unit=curve.unit, digits=known))
    name, one = figure_name(curve.figure), one_more(curve.axis)
    if slope.value > 0:
        return f"Each further {one} adds {amount}{interval} to {name}."
    return f"Each further {one} takes {amount}{interval} off {name}."


def _power(curve: Curve) -> str:
    exponent = _parameter(curve, "exponent")
    low = None if exponent.low is None else 2**exponent.low
    high = None if exponent.high is None else 2**exponent.high
    known = digits(2**exponent.value, low, high)
    interval = _interval(low, high, lambda value: f"{value:.{known}g}")
    return (
        f"With twice the {curve.axis.unit}, {figure_name(curve.figure)} is "
        f"{2**exponent.value:.{known}g} times as much{interval}: it changes with size to the "
        f"power of {exponent.value:.3g}."
    )


def _knee(curve: Curve) -> str:
    knee, level = _parameter(curve, "knee"), _parameter(curve, "level")
    interval = _interval(knee.low, knee.high, plain) if knee.low is not None else ""
    rise = 2 ** _parameter(curve, "exponent").value
    return (
        f"{figure_title(curve.figure)} stays at about {shown(level.value, curve.unit)} up to "
        f"{sized(knee.value, curve.axis)}{interval}, and rises beyond: with twice the "
        f"{curve.axis.unit}, it is {rise:.3g} times as much."
    )


def _peak(curve: Curve) -> str:
    sizes = [point.size for point in curve.points]
    law = (
        "Universal Scalability Law: contention "
        f"{units.percent(_parameter(curve, 'contention').value)}, coherency "
        f"{units.percent(_parameter(curve, 'coherency').value)}"
    )
    if curve.trend is Trend.FALLING:
        return (
            f"Throughput falls from {sized(min(sizes), curve.axis)} on, the smallest size "
            f"measured: its peak is there or below ({law})."
        )
    if curve.peak is None:
        return (
            f"Throughput did not peak up to {sized(max(sizes), curve.axis)}: if there is a peak, "
            f"it is beyond the sizes measured ({law})."
        )
    peak = curve.peak
    interval = _interval(peak.low, peak.high, plain)
    if peak.low is not None and peak.high is None:
        interval = f" (95 % interval from {plain(peak.low)} to beyond the sizes measured)"
    rate = units.rate(fitted_of(curve.fits[0]).at(peak.value))
    return (
        f"Throughput is greatest at {sized(peak.value, curve.axis)}{interval}, with {rate} ({law})."
    )


def _parameter(curve: Curve, name: str) -> Parameter:
    found = curve.fits[0].parameter(name)
    assert found is not None  # each model has its own
    return found


def _interval(low: float | None, high: float | None, show: Callable[[float], str]) -> str:
    if low is None or high is None:
        return _TOO_FEW_POINTS
    return f" (95 % interval {show(low)} to {show(high)})"


def prediction_line(found: Prediction, axis: Axis, bound: str) -> str:
    """Return a prediction, and how far off it was; ``bound`` is the bound with its unit."""
    interval = "without an interval: too few values, or too much scatter"
    if found.low is not None and found.high is not None:
        interval = f"95 % interval {at_most(found.low, axis)} to {at_least(found.high, axis)}"
    by = "a straight line" if found.model == "linear" else "a power law"
    how = "extrapolated" if found.extrapolated else "predicted"
    text = (
        f"By {by} through sizes up to {sized(found.largest_used, axis)}, "
        f"{figure_name(found.figure)} reaches {bound} at {about(found.size, axis)} "
        f"({how}, {interval})"
    )
    if found.measured is None or found.error_ratio is None:
        return f"{text}; this was not measured."
    side = "more" if found.error_ratio > 0 else "less"
    return (
        f"{text}: {units.percent(abs(found.error_ratio))} {side} than the measured "
        f"{about(found.measured, axis)}."
    )
