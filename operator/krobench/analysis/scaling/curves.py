"""How figures grow with size: values at each size, the best fit, and what it shows."""

import math
from collections.abc import Iterator, Sequence
from statistics import median

from krobench.analysis.figurenames import numbers_of
from krobench.analysis.iterations import per_second
from krobench.analysis.scaling.fits import Described, by_size, describe
from krobench.analysis.scaling.models import Knee, Scalability
from krobench.analysis.scaling.slos import bounded_figures
from krobench.api.specs.scaletest import Axis
from krobench.figures import figure as figures
from krobench.figures.catalogue import API_SERVER_REQUESTS, KRO_REQUESTS
from krobench.findings.scaling import (
    Curve,
    CurveFit,
    CurveModel,
    CurvePoint,
    FigureUnit,
    Parameter,
    SizeRecord,
    Trend,
)
from krobench.record.test import IterationRecord, TestRecord

_CPU_TIME = "kro.cpu.seconds"
_FIGURES = (
    "latency.instanceReady.p50",
    "latency.instanceReady.p99",
    "throughput.instancesPerSecond",
    "kro.memory.residentBytes.max",
    "kro.memory.liveHeapBytes",
    _CPU_TIME,
    "kro.cpu.meanCores",
    "kro.requests.perSecond",
    "apiServer.requests.perSecond",
)

_UNITS: dict[figures.Unit, FigureUnit] = {
    figures.Unit.SECONDS: "seconds",
    figures.Unit.BYTES: "bytes",
    figures.Unit.CORES: "cores",
    figures.Unit.PER_SECOND: "per_second",
}

Points = dict[str, list[CurvePoint]]
"""By figure."""


def points_by_figure(
    sizes: Sequence[SizeRecord], tests: Sequence[TestRecord], slos: Sequence[str]
) -> Points:
    """Return what each iteration measured of each figure, those of the SLOs included.

    An iteration that is invalid or failed has no point. If sizes are cumulative, kro's CPU time is
    that of what each size added, and does not grow with size.
    """
    cumulative = any(one.upon is not None for size in sizes for one in size.iterations)
    usual = [figure for figure in _FIGURES if not (cumulative and figure == _CPU_TIME)]
    found: Points = {figure: [] for figure in dict.fromkeys((*bounded_figures(slos), *usual))}
    by_name = {test.name: test for test in tests}
    for size in sorted(sizes, key=lambda each: each.size):
        for iteration in counted_iterations(size, by_name.get(size.test)):
            values = numbers_of(iteration, errors_total=0)
            requests, of_all = (
                iteration.figures[KRO_REQUESTS],
                iteration.figures[API_SERVER_REQUESTS],
            )
            values["kro.requests.perSecond"] = per_second(requests, iteration.run_seconds)
            values["apiServer.requests.perSecond"] = per_second(of_all, iteration.run_seconds)
            for figure, points in found.items():
                value = values.get(figure)
                if value is not None:
                    points.append(CurvePoint(size=size.size, value=value))
    return {figure: points for figure, points in found.items() if points}


def counted_iterations(size: SizeRecord, test: TestRecord | None) -> Iterator[IterationRecord]:
    """Yield the successful iterations of a size that were judged."""
    judged = {one.iteration for one in size.iterations if one.met is not None}
    for iteration in test.iterations if test is not None else ():
        if iteration.index in judged and iteration.success:
            yield iteration


_FEWEST_OF_KNEE = 5
_STEADY_EXPONENT = 0.05
"""If there is no interval that tells growth from scatter."""


def measure_curves(
    axis: Axis, sizes: Sequence[SizeRecord], tests: Sequence[TestRecord], slos: Sequence[str]
) -> list[Curve]:
    """Return each figure that was measured at some size, against the axis."""
    points = points_by_figure(sizes, tests, slos)
    return [curve_of(figure, each, axis) for figure, each in points.items()]


def curve_of(figure: str, points: Sequence[CurvePoint], axis: Axis) -> Curve:
    """Return a figure against the axis, with its fits and what they show."""
    curve = Curve(figure=figure, unit=unit_of(figure), axis=axis, points=list(points))
    sizes = {point.size for point in points}
    fits = describe(by_size(points), _models(figure, axis, len(sizes)))
    curve.fits = [fit.record for fit in fits]
    if not fits:
        return curve
    best = fits[0]
    match best.fitted:
        case Scalability() as law:
            curve.peak = _peak(best, law, sizes)
            beyond = Trend.FALLING if law.peak <= min(sizes) else Trend.PEAK_BEYOND
            curve.trend = beyond if curve.peak is None else Trend.PEAK
        case Knee():
            curve.peak = best.record.parameter("knee")
            curve.trend = Trend.KNEE
        case _:
            curve.trend = _trend(best.record, points)
    return curve


def _trend(fit: CurveFit, points: Sequence[CurvePoint]) -> Trend:
    """Return whether a figure changes with size by more than it scatters."""
    growth = fit.parameter("slope") or fit.parameter("exponent")
    assert growth is not None  # a line and a power law have one each
    if growth.low is not None and growth.high is not None:
        changes = not growth.low <= 0 <= growth.high
    elif fit.error_ratio is not None and _change(growth, points) < fit.error_ratio:
        changes = False
    elif growth.name == "exponent":
        changes = abs(growth.value) >= _STEADY_EXPONENT
    else:
        changes = growth.value != 0
    if not changes:
        return Trend.UNCHANGED
    return Trend.LINEAR if growth.name == "slope" else Trend.POWER


def _change(growth: Parameter, points: Sequence[CurvePoint]) -> float:
    """Return how much the figure changes from the smallest size to the largest, as a ratio."""
    sizes = [point.size for point in points]
    if growth.name == "exponent":
        return abs(math.exp(growth.value * math.log(max(sizes) / min(sizes))) - 1)
    middle = median(abs(point.value) for point in points)
    return abs(growth.value) * (max(sizes) - min(sizes)) / middle if middle else math.inf


def unit_of(figure: str) -> FigureUnit:
    """Return the unit of a figure, which its name ends with."""
    if figure.startswith("latency.") and not figure.endswith((".n", ".censored")):
        return "seconds"
    return _UNITS.get(figures.unit_of(figure), "number")


def _models(figure: str, axis: Axis, sizes: int) -> list[CurveModel]:
    if axis is Axis.CONCURRENCY and figure.startswith("throughput."):
        return ["usl", "linear", "power"]
    if axis is Axis.ARRIVAL_RATE and figure.startswith("latency.") and sizes >= _FEWEST_OF_KNEE:
        return ["knee", "linear", "power"]
    return ["linear", "power"]


def _peak(fit: Described, law: Scalability, sizes: set[float]) -> Parameter | None:
    """Return the size of the greatest throughput; None if it was not measured on both sides.

    The interval has no upper end if that may be beyond the sizes measured.
    """
    if not min(sizes) < law.peak < max(sizes):
        return None
    peak = Parameter(name="peak", value=law.peak)
    if fit.resampling is None:
        return peak
    # Of two sizes that both lie beyond, an interval needs to know no more.
    beyond = 2 * max(sizes)
    ends = fit.resampling.interval_of(
        [min(each.peak, beyond) if isinstance(each, Scalability) else None for each in fit.redrawn]
    )
    if ends is not None and math.isfinite(ends.low):
        peak.low = min(ends.low, law.peak)
        peak.high = max(ends.high, law.peak) if ends.high <= max(sizes) else None
    return peak
