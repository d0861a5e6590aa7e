"""How the sentences of a scale test name sizes and figures."""

import math
from typing import Literal

from krobench.api import units
from krobench.api.specs.scaletest import Axis

FigureUnit = Literal["seconds", "bytes", "cores", "per_second", "number"]

_SINGULAR = {
    Axis.INSTANCES: "instance",
    Axis.RGDS: "RGD",
    Axis.RESOURCES_PER_RGD: "resource in an RGD",
    Axis.DEPENDENCY_DEPTH: "resource in a chain",
    Axis.CEL_EXPRESSIONS: "CEL expression",
    Axis.COLLECTION_SIZE: "item of a collection",
    Axis.ARRIVAL_RATE: "instance/s",
    Axis.CONCURRENCY: "instance at once",
}
_LATENCIES = {
    "instanceReady": "time until ready",
    "instanceFirstChild": "time until the first child",
    "instanceLastChild": "time until the last child",
    "instanceUpdated": "time until updated",
    "instanceGone": "time until gone",
    "rgdAccepted": "time until an RGD is accepted",
    "rgdEstablished": "time until an RGD's CRD is established",
    "rgdReady": "time until an RGD is ready",
}
_FIGURES = {
    "throughput.instancesPerSecond": "throughput",
    "memory.residentMaxBytes": "kro memory, max",
    "usage.kroRuntime.liveHeapBytes": "kro live heap",
    "cpu.kroSeconds": "kro CPU time",
    "cpu.kroMeanCores": "kro CPU use",
    "apiRequests.kroPerSecond": "API requests by kro",
    "apiRequests.totalPerSecond": "API requests by all",
}


def plain(size: float) -> str:
    """Show a size as it may stand in a spec; of an estimate, more than three digits say nothing."""
    return f"{size:.0f}" if size >= 100 or size == int(size) else f"{size:.3g}"


def at_most(size: float, axis: Axis) -> str:
    """Show up to which size something holds: of what is counted, there is no part of one."""
    return plain(math.floor(size) if axis.whole else size)


def at_least(size: float, axis: Axis) -> str:
    """Show from which size on something may not hold."""
    return plain(math.ceil(size) if axis.whole else size)


def about(size: float, axis: Axis) -> str:
    """Show an estimate of a size: of what is counted, there is no part of one."""
    return plain(round(size) if axis.whole else size)


def sized(size: float, axis: Axis) -> str:
    """Show a size with what is counted, such as ``214 instances``."""
    return f"{plain(size)} {axis.unit}"


def growing(axis: Axis) -> str:
    """Return what grows along an axis, such as ``the number of instances``."""
    return "the arrival rate" if axis is Axis.ARRIVAL_RATE else f"the number of {axis.unit}"


def column_of(axis: Axis) -> str:
    """Return what sizes are headed by: a rate that is asked for is not the one that is reached."""
    return f"{axis.unit} asked for" if axis is Axis.ARRIVAL_RATE else axis.unit


def one_more(axis: Axis) -> str:
    """Return what one more is, such as ``instance``."""
    return _SINGULAR[axis]


def figure_name(figure: str) -> str:
    """Return what a figure is called in reports."""
    group, _, statistic = figure.removeprefix("latency.").partition(".")
    if figure.startswith("latency.") and group in _LATENCIES:
        return f"{_LATENCIES[group]}, {statistic}"
    return _FIGURES.get(figure, figure)


def figure_title(figure: str) -> str:
    """Return the same at the beginning of a sentence."""
    name = figure_name(figure)
    if name.startswith(("kro", "API", figure)):
        return name
    return name[0].upper() + name[1:]


def unit_of(figure: str) -> FigureUnit:
    """Return the unit of a figure, which its name tells."""
    if figure.endswith(("PerSecond", "_per_second")):
        return "per_second"
    if figure.endswith(("Bytes", "_bytes")) or "Bytes." in figure:
        return "bytes"
    if figure.startswith("latency.") and not figure.endswith((".n", ".censored")):
        return "seconds"
    if figure.endswith(("Seconds", "_seconds", ".seconds")):
        return "seconds"
    return "cores" if "Cores" in figure else "number"


def shown(value: float, unit: FigureUnit) -> str:
    """Show a value of a figure with its unit."""
    if unit == "seconds":
        return units.seconds(value)
    if unit == "bytes":
        return units.size(value)
    if unit == "per_second":
        return units.rate(value)
    return units.number(value) + (" cores" if unit == "cores" else "")
