"""The charts of a scale test: each figure against size, with fits, SLO, limit and prediction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from krobench.analysis.scaling.models import fitted_of
from krobench.analysis.scaling.slos import bounded_figures
from krobench.api import units
from krobench.findings.scaling import Curve, FigureUnit, Limit, LimitState, ScaleRecord, Trend
from krobench.record.run import RunRecord
from krobench.report.html.charts.base import (
    GOOD,
    MUTED,
    Chart,
    Row,
    Spec,
    bands,
    coloured,
    layers,
    quantity,
    rule,
    tooltip,
    values,
)
from krobench.report.words.curves import curve_line
from krobench.report.words.sizes import at_least, at_most, figure_name, figure_title, plain

_READY = "latency.instanceReady."
_PIECES = 60
_FURTHEST_BOUND = 3.0
"""Times the largest value: a bound that is further off would press the curve flat."""
_FURTHEST_END = 1.25
"""Times the largest size, for the end of the limit's interval."""
_LEGEND = " A dot is an iteration, a line the best fit."
_SHADED = {
    "crossing": " Shaded: the interval of the limit.",
    "bracket": " Shaded: the limit is between these two sizes.",
}


@dataclass(frozen=True)
class _Shown:
    title: str
    figures: Sequence[str]


_CHARTS = (
    _Shown("Time until ready", tuple(f"{_READY}{name}" for name in ("p50", "p90", "p99", "max"))),
    _Shown("Throughput", ("throughput.instancesPerSecond",)),
    _Shown("kro's memory", ("kro.memory.residentBytes.max", "kro.memory.liveHeapBytes")),
    _Shown("kro's CPU use", ("kro.cpu.meanCores",)),
    _Shown("Load on the API server", ("kro.requests.perSecond", "apiServer.requests.perSecond")),
)
_SCALES: Mapping[FigureUnit, tuple[float, str]] = {
    "seconds": (1.0, "seconds"),
    "bytes": (2.0**20, "MiB"),
    "cores": (1.0, "cores"),
    "per_second": (1.0, "per second"),
    "number": (1.0, ""),
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
    limit = scale.limit
    legend = _LEGEND + (_SHADED.get(limit.method or "", "") if limit is not None else "")
    for chart in (*others, *_CHARTS):
        of_chart = [curves[figure] for figure in chart.figures if figure in curves]
        if len({point.size for curve in of_chart for point in curve.points}) > 1:
            note = " ".join(dict.fromkeys(map(curve_line, of_chart)))
            yield Chart(
                f"{chart.title} against {scale.axis.unit}",
                note + legend,
                _spec(of_chart, scale, bounds, legend=len(chart.figures) > 1),
                "explanation/scaling.md",
                zoom=True,
            )
            legend = ""


def _spec(
    curves: Sequence[Curve], scale: ScaleRecord, bounds: Mapping[str, float], *, legend: bool
) -> Spec:
    factor, unit = _SCALES[curves[0].unit]
    names = [figure_name(curve.figure) for curve in curves]
    points: list[Row] = []
    fits: list[Row] = []
    for curve, name in zip(curves, names, strict=True):
        points += [
            {
                "x": point.size,
                "y": round(point.value / factor, 5),
                "figure": name,
                "size": f"{plain(point.size)} {scale.axis.unit}",
                "shown": f"{units.number(point.value / factor)} {unit}".rstrip(),
            }
            for point in curve.points
        ]
        fits += [
            {"x": round(x, 3), "y": round(y, 5), "figure": name} for x, y in _fit(curve, factor)
        ]
    highest = max(row["y"] for row in [*points, *fits])
    levels = [bounds[curve.figure] / factor for curve in curves if curve.figure in bounds]
    near = [level for level in levels if level <= _FURTHEST_BOUND * highest]
    largest = max(row["x"] for row in points)
    end, span, marks = _limit(scale, largest)
    predicted = [
        rule(
            "x", each.size, f"predicted: {at_most(each.size, scale.axis)}", colour=MUTED, below=True
        )
        for each in scale.predictions
        if each.figure in {curve.figure for curve in curves} and each.size <= end
    ]
    whole = {"tickMinStep": 1} if scale.axis.whole else {}
    x = quantity("x", scale.axis.unit, scale={"domain": [0, end * 1.02], "nice": False}, axis=whole)
    y = quantity(
        "y", unit or names[0], scale={"domain": [0, max([highest, *near]) * 1.08], "nice": False}
    )
    colour = coloured("figure", names, legend=legend)
    return layers(
        {
            "data": values(points),
            "mark": {"type": "circle", "size": 45, "opacity": 0.75, "clip": True},
            "encoding": {
                "x": x,
                "y": y,
                "color": colour,
                "tooltip": tooltip({"figure": "figure", "size": "size", "shown": "value"}),
            },
        },
        bands(span),
        {
            "data": values(fits),
            "mark": {"type": "line", "strokeWidth": 2, "clip": True},
            "encoding": {
                "x": {"field": "x", "type": "quantitative"},
                "y": {"field": "y", "type": "quantitative"},
                "color": colour,
            },
        }
        if fits
        else None,
        *(rule("y", level, f"SLO: {units.number(level)} {unit}".rstrip()) for level in near),
        *marks,
        *predicted,
    )


def _limit(
    scale: ScaleRecord, largest: float
) -> tuple[float, list[tuple[float, float]], list[Spec]]:
    """Return where the axis of sizes ends, the interval of the limit, and its mark."""
    limit = scale.limit
    if limit is None or limit.state is not LimitState.FOUND or limit.size is None:
        return largest, [], []
    ends = [each for each in (limit.size, limit.high) if each is not None]
    end = max([largest, *(min(each, _FURTHEST_END * largest) for each in ends)])
    known = limit.low is not None and limit.high is not None
    span = [(limit.low or 0.0, min(limit.high or 0.0, end))] if known else []
    return (
        end,
        span,
        [rule("x", limit.size, f"limit: {_shown(limit, limit.size, scale)}", colour=GOOD)],
    )


def _shown(limit: Limit, size: float, scale: ScaleRecord) -> str:
    at = at_most(size, scale.axis)
    if limit.method != "bracket" or limit.high is None:
        return at
    return f"{at} to {at_least(limit.high, scale.axis)}"


def _fit(curve: Curve, factor: float) -> list[tuple[float, float]]:
    if not curve.fits or curve.trend is Trend.UNCHANGED:
        return []
    fitted = fitted_of(curve.fits[0])
    first = min(point.size for point in curve.points)
    last = max(point.size for point in curve.points)
    sizes = [first + (last - first) * index / _PIECES for index in range(_PIECES + 1)]
    return [(size, max(0.0, fitted.at(size) / factor)) for size in sizes]
