"""The charts of a run: over time, and for a scale test against size, with fits and limit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from krobench.analysis.scaling.models import fitted_of
from krobench.analysis.scaling.slos import bounded_figures
from krobench.api import units
from krobench.figures.phase import spaced
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.findings.scaling import Curve, FigureUnit, Limit, LimitState, ScaleRecord
from krobench.record.run import RunRecord
from krobench.report.html.svg import Axis, Band, Bar, Line, Mark, Point, line_chart, share_bars
from krobench.report.words.curves import curve_line
from krobench.report.words.sizes import at_most, figure_name, figure_title


@dataclass(frozen=True)
class Chart:
    """A chart and what it shows."""

    title: str
    note: str
    svg: str
    """Empty if there is nothing to show."""

    @property
    def markup(self) -> Markup:
        """Return the drawing as a part of the page."""
        return Markup(self.svg)  # noqa: S704 - our own, with all text in it escaped


_CPU = "process_cpu_seconds_total"
_MIB = 2**20
_MEMORY = {
    "resident": "process_resident_memory_bytes",
    "Go heap": "go_memstats_heap_alloc_bytes",
}


def latency_chart(objects: Iterable[ObjectRecord]) -> str:
    """Return the distribution of the time until instances were ready, by test; or nothing.

    A curve shows the part of all instances that were ready within a time: if some never
    were, it ends below 100 %.
    """
    by_test: dict[str, list[ObjectRecord]] = {}
    for line in objects:
        if line.operation == "create-instance" and not line.warmup and line.acknowledged_seconds:
            by_test.setdefault(line.test, []).append(line)
    lines = [Line(test, _distribution(records), steps=True) for test, records in by_test.items()]
    if not any(len(line.points) > 1 for line in lines):
        return ""
    return line_chart(
        lines,
        Axis("time from the request until ready, seconds", units.number),
        Axis("part of the instances", units.percent, end=1.0),
    )


def cpu_chart(objects: Sequence[ObjectRecord], samples: Iterable[Sample]) -> str:
    """Return kro's CPU use over the run, run phases shaded; or nothing."""
    return _usage_chart(
        {"kro": _rates(_points(spaced(_of_kro(samples, _CPU))))},
        Axis("CPU cores", units.number),
        _run_phases(objects),
    )


def memory_chart(objects: Sequence[ObjectRecord], samples: Sequence[Sample]) -> str:
    """Return kro's memory over the run, run phases shaded; or nothing."""
    lines = {
        name: [(seconds, size / _MIB) for seconds, size in _points(_of_kro(samples, metric))]
        for name, metric in _MEMORY.items()
    }
    return _usage_chart(lines, Axis("memory, MiB", units.number), _run_phases(objects))


def profile_chart(run: RunRecord) -> str:
    """Return the shares of groups of packages in kro's CPU time, by test; or nothing."""
    bars = [
        Bar(test.name, [(item.group, item.share or 0.0) for item in test.profile.cpu.groups])
        for test in run.tests
        if test.profile is not None and test.profile.cpu is not None
    ]
    return share_bars(bars) if bars else ""


def _usage_chart(series: Mapping[str, Sequence[Point]], y: Axis, phases: Sequence[Band]) -> str:
    lines = [Line(name, points) for name, points in series.items() if len(points) > 1]
    if not lines:
        return ""
    return line_chart(
        lines, Axis("time since the start of the run, seconds", units.number), y, phases
    )


def _distribution(records: Sequence[ObjectRecord]) -> list[Point]:
    taken = sorted(
        line.ready_seconds - line.start_seconds
        for line in records
        if line.ready_seconds is not None
    )
    steps = [(seconds, (index + 1) / len(records)) for index, seconds in enumerate(taken)]
    return [(0.0, 0.0), *steps]


def _of_kro(samples: Iterable[Sample], metric: str) -> list[Sample]:
    return [sample for sample in samples if sample.source == "kro" and sample.metric == metric]


def _points(samples: Iterable[Sample]) -> list[Point]:
    return [(sample.seconds, sample.value) for sample in samples]


def _rates(counter: Sequence[Point]) -> list[Point]:
    """Return the growth of a counter per second; it only falls if kro restarts."""
    return [
        (after[0], (after[1] - before[1]) / (after[0] - before[0]))
        for before, after in pairwise(counter)
        if after[0] > before[0] and after[1] >= before[1]
    ]


def _run_phases(objects: Iterable[ObjectRecord]) -> list[Band]:
    """Return from the first request to the last effect of each iteration."""
    ends: dict[tuple[str, int], tuple[float, float]] = {}
    for line in objects:
        if line.phase is None:  # set-up and tear-down
            continue
        key = (line.test, line.iteration)
        end = max(line.sent_seconds, line.ready_seconds or 0.0, line.gone_seconds or 0.0)
        first, last = ends.get(key, (line.sent_seconds, end))
        ends[key] = (min(first, line.sent_seconds), max(last, end))
    return [Band(first, last) for first, last in ends.values()]


_READY = "latency.instanceReady."
_PIECES = 80
_FURTHEST_BOUND = 3.0
"""Times the largest value: a bound that is further off would press the curve flat."""
_FURTHEST_END = 1.25
"""Times the largest size, for the end of the limit's interval."""

_LEGEND = (
    " In these charts, a dot is an iteration and a line is the best fit; the interval of the "
    "limit is shaded."
)


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
            note = " ".join(map(curve_line, of_chart))
            yield Chart(title, note + legend, _chart(of_chart, scale, bounds))
            legend = ""


def _chart(curves: Sequence[Curve], scale: ScaleRecord, bounds: Mapping[str, float]) -> str:
    factor, unit = _SCALES[curves[0].unit]
    lines = [
        Line(
            figure_name(curve.figure),
            [(point.size, point.value / factor) for point in curve.points],
            through=_fit(curve, factor),
        )
        for curve in curves
    ]
    highest = max(y for line in lines for _, y in line.drawn)
    levels = [bounds[curve.figure] / factor for curve in curves if curve.figure in bounds]
    marks = [
        Mark(f"SLO: {units.number(level)} {unit}", y=level)
        for level in levels
        if level <= _FURTHEST_BOUND * highest
    ]
    top = max([highest, *(mark.y for mark in marks if mark.y is not None)])
    limit = scale.limit if scale.limit is not None else Limit(state=LimitState.UNDECIDED)
    if limit.state is LimitState.FOUND and limit.size is not None:
        marks.append(Mark(f"limit: {at_most(limit.size, scale.axis)}", x=limit.size))
    largest = max(point.size for curve in curves for point in curve.points)
    ends = [end for end in (limit.size, limit.high) if end is not None]
    end = max([largest, *(min(each, _FURTHEST_END * largest) for each in ends)])
    known = limit.low is not None and limit.high is not None
    return line_chart(
        lines,
        Axis(scale.axis.unit, units.number, end=end * 1.02),
        Axis(unit, units.number, end=top * 1.08),
        [Band(limit.low or 0.0, limit.high or 0.0)] if known else [],
        marks,
    )


def _fit(curve: Curve, factor: float) -> list[Point]:
    if not curve.fits:
        return []
    fitted = fitted_of(curve.fits[0])
    first = min(point.size for point in curve.points)
    last = max(point.size for point in curve.points)
    sizes = [first + (last - first) * index / _PIECES for index in range(_PIECES + 1)]
    return [(size, max(0.0, fitted.at(size) / factor)) for size in sizes]
