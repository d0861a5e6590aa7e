"""A forest plot of a comparison, and figures over the kept runs of a name."""

from collections.abc import Callable, Iterator, Sequence

from krobench.analysis.history import Change, Changes
from krobench.api import units
from krobench.figures.catalogue import KRO_CPU_SECONDS, KRO_RESIDENT, THROUGHPUT
from krobench.figures.figure import Unit
from krobench.findings.comparison import Comparison, MetricVerdict
from krobench.record.run import RunRecord
from krobench.record.test import TestSummary
from krobench.report.html.charts.base import (
    BAD,
    COLOURS,
    GOOD,
    LOGARITHMIC,
    MUTED,
    SECONDS_LABEL,
    Chart,
    Row,
    Spec,
    intervals,
    layers,
    quantity,
    rule,
    tooltip,
    values,
)
from krobench.report.words.comparison import verdict_words
from krobench.report.words.figures import short_title, show, unit_shown

_VERDICT_COLOURS = {
    MetricVerdict.BETTER: GOOD,
    MetricVerdict.WORSE: BAD,
    MetricVerdict.SAME: COLOURS[0],
    MetricVerdict.NO_SLOWDOWN: COLOURS[8],
}
_RATIOS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10)
_WIDE = 1.6
"""The largest ratio on an axis over the smallest, from which on the library labels too few."""


def forest_plot(comparison: Comparison) -> Chart | None:
    """Return the ratio of each primary metric with its interval, around no change."""
    rows: list[Row] = [
        {
            "metric": f"{metric.test}: {short_title(metric.metric)}",
            "ratio": round(metric.ratio, 4),
            "low": metric.ratio_low,
            "high": metric.ratio_high,
            "verdict": verdict_words(metric.verdict),
            "old": show(metric.metric, metric.old_median),
            "new": show(metric.metric, metric.new_median),
            "change": f"x{metric.ratio:.3g}",
        }
        for metric in comparison.primary
        if metric.ratio is not None and metric.ratio > 0
    ]
    if not rows:
        return None
    colours = {
        verdict_words(metric.verdict): MUTED
        if metric.verdict is None
        else _VERDICT_COLOURS.get(metric.verdict, MUTED)
        for metric in comparison.primary
    }
    shown = list(dict.fromkeys(row["verdict"] for row in rows))
    colour = {
        "field": "verdict",
        "type": "nominal",
        "scale": {"domain": shown, "range": [colours[each] for each in shown]},
    }
    y = {
        "field": "metric",
        "type": "nominal",
        "title": None,
        "sort": [row["metric"] for row in rows],
        "axis": {"labelLimit": 320},
    }
    x = quantity(
        "ratio",
        f"{comparison.new} over {comparison.old}, ratio",
        scale=LOGARITHMIC,
        axis={"format": ".3~g"} | _ratio_ticks(rows),
    )
    effect = comparison.minimum_effect
    spec = layers(
        intervals(
            rows,
            {"y": y, "x": x | {"field": "low"}, "x2": {"field": "high"}, "color": colour},
            width=2.5,
        ),
        {
            "data": values([{"x": 1 - effect, "x2": 1 + effect}]),
            "mark": {"type": "rect", "color": "var(--band)"},
            "encoding": {"x": {"field": "x", "type": "quantitative"}, "x2": {"field": "x2"}},
        },
        rule("x", 1.0, "", colour=MUTED),
        {
            "data": values(rows),
            "mark": {"type": "point", "filled": True, "size": 80},
            "encoding": {
                "y": y,
                "x": x,
                "color": colour,
                "tooltip": tooltip(
                    {
                        "metric": "metric",
                        "old": comparison.old,
                        "new": comparison.new,
                        "change": "ratio",
                        "verdict": "verdict",
                    }
                ),
            },
        },
    )
    spec["height"] = 28 * len(rows)
    return Chart(
        f"{comparison.new} against {comparison.old}",
        "The ratio of each primary metric with its 95 % interval. The line marks no change; the "
        f"shaded stretch is a change of less than {units.percent(effect)}, which does not matter.",
        spec,
        "how-to/compare.md",
    )


def _ratio_ticks(rows: Sequence[Row]) -> Spec:
    """Return the ratios at which a wide axis has labels."""
    ends = [row[end] for row in rows for end in ("low", "ratio", "high") if row[end]]
    if max(ends) < _WIDE * min(ends):
        return {}
    return {"values": [each for each in _RATIOS if min(ends) <= each <= max(ends)]}


_ROOM_FOR_MARKS = 1.25
"""Above the largest value, for the labels of changes."""
_LABELS = {
    Unit.SECONDS: SECONDS_LABEL,
    Unit.BYTES: "format(datum.value, ',.3~r') + ' MiB'",
}
_MIB = 2.0**20
_TRENDS = (
    ("ready p50", "latency.instanceReady.p50"),
    ("ready p99", "latency.instanceReady.p99"),
    ("instances per second", THROUGHPUT.name),
    ("kro CPU per instance", KRO_CPU_SECONDS.per_instance.name),
    ("kro memory, max", KRO_RESIDENT.max.name),
)


def trend_charts(
    runs: Sequence[RunRecord], changes_of: Callable[[str, str], Changes]
) -> Iterator[Chart]:
    """Yield each figure of each test over runs from the oldest to the newest, with its changes,
    which ``changes_of`` returns by test and figure."""
    for test in dict.fromkeys(test.name for run in runs for test in run.tests):
        for title, metric in _TRENDS:
            chart = _trend(runs, changes_of(test, metric).found, test, title, metric)
            if chart is not None:
                yield chart


def _trend(
    runs: Sequence[RunRecord], changes: Sequence[Change], test: str, title: str, metric: str
) -> Chart | None:
    rows: list[Row] = []
    for run in runs:
        summary = next((t.summary for t in run.tests if t.name == test), None)
        value = None if summary is None else _value(summary, metric)
        if value is None:
            continue
        kro = run.environment.kro
        rows.append(
            {
                "time": run.start_time,
                "value": value / _MIB if unit_shown(metric) is Unit.BYTES else value,
                "version": (kro.version if kro else None) or "unknown",
                "verdict": run.verdict or "-",
                "shown": show(metric, value),
                "run": run.id[:8],
            }
        )
    if not rows:
        return None
    versions = list(dict.fromkeys(row["version"] for row in rows))
    axis = {"labelExpr": _LABELS.get(unit_shown(metric), "format(datum.value, '~r')")}
    top = _ROOM_FOR_MARKS * max(row["value"] for row in rows)
    marks: list[Spec] = [
        {
            "data": values(
                [
                    {
                        "time": each.first_after.start_time,
                        "label": f"{show(metric, each.before)} → {show(metric, each.after)}",
                    }
                ]
            ),
            "layer": [
                {"mark": {"type": "rule", "color": BAD, "strokeDash": [5, 4]}},
                {
                    "mark": {
                        "type": "text",
                        "color": BAD,
                        "align": "left",
                        "dx": 5,
                        "y": 2,
                        "baseline": "top",
                    },
                    "encoding": {"text": {"field": "label", "type": "nominal"}},
                },
            ],
            "encoding": {"x": {"field": "time", "type": "temporal"}},
        }
        for each in changes
    ]
    when = _time([row["time"] for row in rows])
    spec = layers(
        {
            "data": values(rows),
            "mark": {"type": "line", "color": MUTED, "strokeWidth": 1},
            "encoding": {
                "x": when,
                "y": quantity("value", title, scale={"domain": [0, top]}, axis=axis),
            },
        },
        *marks,
        {
            "data": values(rows),
            "mark": {"type": "point", "filled": True, "size": 60},
            "encoding": {
                "x": when,
                "y": {"field": "value", "type": "quantitative"},
                "color": {
                    "field": "version",
                    "type": "nominal",
                    "scale": {
                        "domain": versions,
                        "range": [COLOURS[i % len(COLOURS)] for i in range(len(versions))],
                    },
                    "title": "kro",
                },
                "shape": {
                    "field": "verdict",
                    "type": "nominal",
                    "scale": {
                        "domain": ["Passed", "Failed", "Invalid", "Error", "-"],
                        "range": ["circle", "square", "cross", "triangle-up", "diamond"],
                    },
                    "legend": None,
                },
                "tooltip": tooltip(
                    {
                        "run": "run",
                        "time": "started",
                        "version": "kro",
                        "shown": title,
                        "verdict": "verdict",
                    }
                ),
            },
        },
        height=150,
    )
    return Chart(
        f"{test}: {title}",
        "A point is a run; colours are versions of kro. A dashed line marks a change of level.",
        spec,
        "how-to/compare.md",
    )


def limit_trend(runs: Sequence[RunRecord]) -> Chart | None:
    """Return the limits of scale tests over runs, with their intervals."""
    rows: list[Row] = []
    for run in runs:
        limit = run.scale.limit if run.scale is not None else None
        if limit is None or limit.size is None:
            continue
        kro = run.environment.kro
        rows.append(
            {
                "time": run.start_time,
                "size": limit.size,
                "low": limit.low,
                "high": limit.high,
                "version": (kro.version if kro else None) or "unknown",
                "run": run.id[:8],
                "state": limit.state,
            }
        )
    if not rows:
        return None
    when = _time([row["time"] for row in rows])
    versions = list(dict.fromkeys(row["version"] for row in rows))
    colour = {
        "field": "version",
        "type": "nominal",
        "scale": {
            "domain": versions,
            "range": [COLOURS[i % len(COLOURS)] for i in range(len(versions))],
        },
    }
    spec = layers(
        intervals(
            rows,
            {
                "x": when,
                "y": {"field": "low", "type": "quantitative"},
                "y2": {"field": "high"},
                "color": colour,
            },
        ),
        {
            "data": values(rows),
            "mark": {"type": "point", "filled": True, "size": 70},
            "encoding": {
                "x": when,
                "y": quantity("size", "limit", zero=True),
                "color": colour,
                "tooltip": tooltip(
                    {
                        "run": "run",
                        "time": "started",
                        "version": "kro",
                        "size": "limit",
                        "state": "state",
                    }
                ),
            },
        },
    )
    return Chart(
        "Limit",
        "The largest size at which kro met the SLOs, with its interval, of each run.",
        spec,
        "explanation/scaling.md",
    )


def _time(times: Sequence[str]) -> Spec:
    """Return the axis of when runs began: days, or hours if all are of one day."""
    one_day = len({time[:10] for time in times}) == 1
    axis = {"title": None, "format": "%H:%M" if one_day else "%-d %b", "tickCount": 8}
    return {
        "field": "time",
        "type": "temporal",
        "axis": axis | {"labelOverlap": True},
        "scale": {"padding": 12},
    }


def _value(summary: TestSummary, metric: str) -> float | None:
    ready = summary.latency.instance_ready
    if metric == "latency.instanceReady.p50":
        return ready.p50_seconds if ready else None
    if metric == "latency.instanceReady.p99":
        return ready.p99_seconds if ready else None
    return summary.figures.root.get(metric)
