"""What a curve shows, in a sentence."""

import math
from collections.abc import Callable
from statistics import median

from krobench.analysis.scaling.models import Scalability
from krobench.analysis.scaling.words import (
    figure_name,
    figure_title,
    growing,
    one_more,
    plain,
    shown,
    sized,
)
from krobench.api import units
from krobench.findings.scaling import Curve, Parameter

_STEADY_EXPONENT = 0.05
"""Where there is no interval that tells growth from scatter."""

_NO_INTERVAL = " (too few points for an interval)"


def say_fit(curve: Curve) -> str:
    """Say how much one more adds, or what twice the size comes to."""
    best = curve.fits[0]
    parameters = {each.name: each for each in best.parameters}
    growth = parameters.get("slope") or parameters["exponent"]
    scatter = best.error_ratio if growth.low is None else None
    if scatter is not None and _change(curve, growth) < scatter:
        return _say_steady(curve)
    if growth.name == "slope":
        return _say_slope(curve, growth)
    return _say_exponent(curve, growth)


def say_peak(curve: Curve, law: Scalability) -> str:
    """Say where throughput is greatest."""
    sizes = [point.size for point in curve.points]
    smallest, largest = min(sizes), max(sizes)
    shares = (
        f"Universal Scalability Law: contention {units.percent(law.contention)}, "
        f"coherency {units.percent(law.coherency)}"
    )
    if curve.peak is None and law.peak <= smallest:
        return (
            f"Throughput falls from {sized(smallest, curve.axis)} on, the smallest size measured: "
            f"its peak lies there or below ({shares})."
        )
    if curve.peak is None:
        return (
            f"Throughput has its peak beyond the sizes measured, if it has one: up to "
            f"{sized(largest, curve.axis)} it is not reached ({shares})."
        )
    return (
        f"Throughput is greatest at {sized(law.peak, curve.axis)}{_peak_interval(curve.peak)}, "
        f"with {units.rate(law.at(law.peak))} ({shares})."
    )


def say_knee(curve: Curve) -> str:
    """Say up to where the figure hardly changes."""
    parameters = {each.name: each for each in curve.fits[0].parameters}
    knee, level = parameters["knee"], parameters["level"]
    ends = f" (95 % interval {_ends(knee, plain)})" if knee.low is not None else ""
    return (
        f"{figure_title(curve.figure)} stays at about {shown(level.value, curve.unit)} up to "
        f"{sized(knee.value, curve.axis)}{ends}, and rises beyond: with twice the "
        f"{curve.axis.unit}, it is {2 ** parameters['exponent'].value:.3g} times as much."
    )


def _say_slope(curve: Curve, slope: Parameter) -> str:
    if _is_steady(slope):
        return _say_steady(curve)
    turned = slope if slope.value > 0 else _turned(slope)
    unit = curve.unit
    ends = _ends(turned, lambda value: shown(value, unit))
    interval = f" [{ends}]" if slope.low is not None else _NO_INTERVAL
    amount, name = f"{shown(turned.value, unit)}{interval}", figure_name(curve.figure)
    if slope.value > 0:
        return f"Each further {one_more(curve.axis)} adds {amount} to {name}."
    return f"Each further {one_more(curve.axis)} takes {amount} off {name}."


def _say_exponent(curve: Curve, exponent: Parameter) -> str:
    if _is_steady(exponent):
        return _say_steady(curve)
    doubled = Parameter(
        name="doubled",
        value=2**exponent.value,
        low=None if exponent.low is None else 2**exponent.low,
        high=None if exponent.high is None else 2**exponent.high,
    )
    ends = _ends(doubled, lambda value: f"{value:.3g}")
    interval = f" [{ends}]" if exponent.low is not None else _NO_INTERVAL
    return (
        f"With twice the {curve.axis.unit}, {figure_name(curve.figure)} is {doubled.value:.3g} "
        f"times as much{interval}: it changes with size to the power of {exponent.value:.3g}."
    )


def _say_steady(curve: Curve) -> str:
    return f"{figure_title(curve.figure)}: no change with {growing(curve.axis)} beyond the scatter."


def _is_steady(growth: Parameter) -> bool:
    """Whether it may just as well not grow at all."""
    if growth.low is not None and growth.high is not None:
        return growth.low <= 0 <= growth.high
    return abs(growth.value) < _STEADY_EXPONENT if growth.name == "exponent" else growth.value == 0


def _change(curve: Curve, growth: Parameter) -> float:
    """Return how much the figure changes from the smallest size to the largest, as a ratio."""
    sizes = [point.size for point in curve.points]
    if growth.name == "exponent":
        return abs(math.exp(growth.value * math.log(max(sizes) / min(sizes))) - 1)
    middle = median(abs(point.value) for point in curve.points)
    return abs(growth.value) * (max(sizes) - min(sizes)) / middle if middle else math.inf


def _turned(slope: Parameter) -> Parameter:
    low = None if slope.high is None else -slope.high
    high = None if slope.low is None else -slope.low
    return Parameter(name=slope.name, value=-slope.value, low=low, high=high)


def _peak_interval(peak: Parameter) -> str:
    if peak.low is None:
        return _NO_INTERVAL
    if peak.high is None:
        return f" (95 % interval from {plain(peak.low)} to beyond the sizes measured)"
    return f" (95 % interval {_ends(peak, plain)})"


def _ends(parameter: Parameter, show: Callable[[float], str]) -> str:
    if parameter.low is None or parameter.high is None:
        return ""
    return f"{show(parameter.low)} to {show(parameter.high)}"
