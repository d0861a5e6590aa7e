"""The charts of a scale test: figures against size, with fits, bounds and the limit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from krobench.analysis.scaling.models import fitted_of
from krobench.analysis.scaling.slos import bounded_figures
from krobench.analysis.scaling.words import FigureUnit, at_most, figure_name, figure_title
from krobench.api.notation import units
from krobench.api.specs.axis import Axis as ScaleAxis
from krobench.findings.scaling import Curve, Limit, LimitState, ScaleRecord
from krobench.record.run import RunRecord
from krobench.report.html.chart import Chart
from krobench.report.html.svg import Axis, Band, Line, Mark, Point, line_chart

_READY = "latency.instanceReady."
_PIECES = 80
_FURTHEST_BOUND = 3.0
"""Times the largest value: a bound that is further off would press the curve flat."""
_FURTHEST_END = 1.25
"""Times the largest size, for the end of the limit's interval."""

_LEGEND = (
    " In these charts, a dot is a repetition, a line the fit that describes the dots best; the "
    "limit is shaded over its interval."
)


@dataclass(frozen=True)
class _Shown:
    title: str
    figures: Sequence[str]


_CHARTS = (
    _Shown("Time until ready", tuple(f"{_READY}{name}" for name in ("p50", "p90", "p99", "max"))),
    _Shown("Throughput", ("throughput.instancesPerSecond",)),
    _Shown("kro's memory", ("memory.residentMaxBytes", "usage.kroRuntime.liveHeapBytes")),
    _Shown("kro's CPU use", ("cpu.kroMeanCores",)),
    _Shown("Load on the API server", ("apiRequests.kroPerSecond", "apiRequests.totalPerSecond")),
)
_SCALES: Mapping[FigureUnit, tuple[float, str]] = {
    "seconds": (1.0, "seconds"),
    "bytes": (2.0**20, "MiB"),
    "cores": (1.0, "cores"),
    "per_second": (1.0, "per second"),
    "number": (1.0, "number"),
}


def scale_charts(run: RunRecord) -> Iterator[Chart]:
    """Yield the charts of a scale test; none for other runs."""
    scale = run.scale
    if scale is None:
        return
    bounds = bounded_figures(run.spec.get("slo", []))
    curves = {curve.figure: curve for curve in scale.curves}
    shown = {figure for chart in _CHARTS for figure in chart.figures}
    others = [_Shown(figure_title(name), (name,)) for name in bounds if name not in shown]
    legend = _LEGEND
    for chart in (*others, *_CHARTS):
        of_chart = [curves[figure] for figure in chart.figures if figure in curves]
        if of_chart:
            title = f"{chart.title} against {scale.axis.unit}"
            note = " ".join(curve.message for curve in of_chart)
            yield Chart(title, note + legend, _chart(of_chart, scale, bounds))
            legend = ""


def _chart(curves: Sequence[Curve], scale: ScaleRecord, bounds: Mapping[str, float]) -> str:
    factor, unit = _SCALES[curves[0].unit]
    lines = [_line(curve, factor) for curve in curves]
    highest = max(y for line in lines for _, y in line.drawn)
    levels = [bounds[curve.figure] / factor for curve in curves if curve.figure in bounds]
    marks = [
        Mark(f"SLO: {units.number(level)} {unit}", y=level)
        for level in levels
        if level <= _FURTHEST_BOUND * highest
    ]
    top = max([highest, *(mark.y for mark in marks if mark.y is not None)])
    limit = scale.limit if scale.limit is not None else Limit(state=LimitState.UNDECIDED)
    end = max(point.size for curve in curves for point in curve.points)
    return line_chart(
        lines,
        Axis(scale.axis.unit, units.number, end=_end(limit, end) * 1.02),
        Axis(unit, units.number, end=top * 1.08),
        _bands(limit),
        [*marks, *_limit_marks(limit, scale.axis)],
    )


def _line(curve: Curve, factor: float) -> Line:
    points = [(point.size, point.value / factor) for point in curve.points]
    return Line(figure_name(curve.figure), points, through=_fit(curve, factor))


def _fit(curve: Curve, factor: float) -> list[Point]:
    if not curve.fits:
        return []
    fitted = fitted_of(curve.fits[0])
    first = min(point.size for point in curve.points)
    last = max(point.size for point in curve.points)
    sizes = [first + (last - first) * index / _PIECES for index in range(_PIECES + 1)]
    return [(size, max(0.0, fitted.at(size) / factor)) for size in sizes]


def _end(limit: Limit, largest: float) -> float:
    ends = [end for end in (limit.size, limit.high) if end is not None]
    return max([largest, *(min(end, _FURTHEST_END * largest) for end in ends)])


def _bands(limit: Limit) -> list[Band]:
    if limit.low is None or limit.high is None:
        return []
    return [Band(limit.low, limit.high)]


def _limit_marks(limit: Limit, axis: ScaleAxis) -> list[Mark]:
    if limit.state is not LimitState.FOUND or limit.size is None:
        return []
    return [Mark(f"limit: {at_most(limit.size, axis)}", x=limit.size)]
