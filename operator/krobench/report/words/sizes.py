"""What sizes of a scale test and their figures are called."""

import math

from krobench.api import units
from krobench.api.specs.scaletest import Axis
from krobench.findings.scaling import FigureUnit
from krobench.report.words.figures import latency_of, short_title

_SINGULAR = {
    Axis.INSTANCES: "instance",
    Axis.RGDS: "RGD",
    Axis.RESOURCES_PER_RGD: "resource in an RGD",
    Axis.DEPENDENCY_DEPTH: "resource in a chain",
    Axis.CEL_EXPRESSIONS: "CEL expression",
    Axis.COLLECTION_SIZE: "item of a collection",
    Axis.ARRIVAL_RATE: "instance/s",
    Axis.CONCURRENCY: "instance at once",
    Axis.CRDS: "CRD in the ballast",
}


def plain(size: float) -> str:
    """Show a size as a spec has it; an estimate with three significant digits."""
    return f"{size:.0f}" if size >= 100 or size == int(size) else f"{size:.3g}"


def at_most(size: float, axis: Axis) -> str:
    """Show up to which size something holds, in whole objects if the axis counts objects."""
    return plain(math.floor(size) if axis.whole else size)


def at_least(size: float, axis: Axis) -> str:
    """Show from which size something may not hold."""
    return plain(math.ceil(size) if axis.whole else size)


def about(size: float, axis: Axis) -> str:
    """Show an estimate of a size, in whole objects if the axis counts objects."""
    return plain(round(size) if axis.whole else size)


def sized(size: float, axis: Axis) -> str:
    """Show a size with what is counted, such as ``214 instances``."""
    return f"{plain(size)} {axis.unit}"


def growing(axis: Axis) -> str:
    """Return what grows along an axis, such as ``the number of instances``."""
    return "the arrival rate" if axis is Axis.ARRIVAL_RATE else f"the number of {axis.unit}"


def column_of(axis: Axis) -> str:
    """Return the heading of a column of sizes; a requested rate may not have been achieved."""
    return f"{axis.unit} requested" if axis is Axis.ARRIVAL_RATE else axis.unit


def one_more(axis: Axis) -> str:
    """Return what one more is, such as ``instance``."""
    return _SINGULAR[axis]


_RATES = {
    "kro.requests.perSecond": "API requests/s by kro",
    "apiServer.requests.perSecond": "API requests/s by everybody",
}
"""Figures that only curves have."""


def figure_name(figure: str) -> str:
    """Return what a figure is called in a sentence."""
    if figure in _RATES:
        return _RATES[figure]
    latency, statistic = latency_of(figure)
    return short_title(figure) if latency is None else f"{latency.time}, {statistic}"


def figure_title(figure: str) -> str:
    """Return the same at the beginning of a sentence."""
    name = figure_name(figure)
    if name == figure or name.startswith(("kro", "API")):
        return name
    return name[0].upper() + name[1:]


def shown(value: float, unit: FigureUnit, digits: int = units.DIGITS) -> str:
    """Show a value of a figure with its unit."""
    if unit == "seconds":
        return units.seconds(value, digits)
    if unit == "bytes":
        return units.size(value, digits)
    if unit == "per_second":
        return units.rate(value, digits)
    return units.number(value, digits) + (" cores" if unit == "cores" else "")
