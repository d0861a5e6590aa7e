"""What expressions cost, and where kro's CPU time goes: CEL, and flame graphs of profiles."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from krobench.analysis.profiling.packagegroups import group_of
from krobench.analysis.profiling.pprof import Profile
from krobench.analysis.statistics.intervals import FEWEST_FOR_INTERVAL
from krobench.api import units
from krobench.figures.cel import CelState
from krobench.record.run import RunRecord
from krobench.report.html.charts.base import (
    LOGARITHMIC,
    SECONDS_LABEL,
    Chart,
    Row,
    coloured,
    intervals,
    layers,
    quantity,
    tooltip,
    values,
)

_MOST_EXPRESSIONS = 40
_LEAST_SHARE = 0.004
_DEEPEST = 36
_ROW = 15


def cel_charts(run: RunRecord) -> Iterator[Chart]:
    """Yield what an evaluation of each expression takes, with its interval, by test."""
    for test in run.tests:
        if test.cel is None:
            continue
        rows: list[Row] = []
        for item in test.cel.expressions:
            found = item.evaluation_seconds
            if item.state is not CelState.MEASURED or found is None or found.value <= 0:
                continue
            enough = found.n >= FEWEST_FOR_INTERVAL
            rows.append(
                {
                    "expression": item.name,
                    "family": item.family or "own",
                    "value": found.value,
                    "low": found.low and max(found.low, found.value / 100) if enough else None,
                    "high": found.high if enough else None,
                    "shown": units.seconds(found.value),
                }
            )
        if not rows:
            continue
        rows.sort(key=lambda row: -row["value"])
        rows = rows[:_MOST_EXPRESSIONS]
        y = {
            "field": "expression",
            "type": "nominal",
            "title": None,
            "sort": [row["expression"] for row in rows],
        }
        x = quantity(
            "value", "one evaluation", scale=LOGARITHMIC, axis={"labelExpr": SECONDS_LABEL}
        )
        families = list(dict.fromkeys(row["family"] for row in rows))
        spec = layers(
            intervals(
                rows,
                {
                    "y": y,
                    "x": x | {"field": "low"},
                    "x2": {"field": "high"},
                    "color": coloured("family", families),
                },
            ),
            {
                "data": values(rows),
                "mark": {"type": "point", "filled": True, "size": 60},
                "encoding": {
                    "y": y,
                    "x": x,
                    "color": coloured("family", families),
                    "tooltip": tooltip({"expression": "expression", "shown": "one evaluation"}),
                },
            },
        )
        spec["height"] = 22 * len(rows)
        yield Chart(
            f"What expressions cost: {test.name}",
            "One evaluation of each expression, with its 95 % interval if there is one.",
            spec,
            "explanation/cel.md",
        )


@dataclass
class _Frame:
    """A function in the place where stacks have it, with all below it."""

    value: float = 0.0
    below: dict[str, "_Frame"] = field(default_factory=dict)


def flame_graphs(profiles: Mapping[str, Profile]) -> Iterator[Chart]:
    """Yield the flame graph of each test's CPU profile."""
    for test, profile in profiles.items():
        rows = list(_rows(_tree(profile)))
        if not rows:
            continue
        groups = list(dict.fromkeys(row["group"] for row in rows))
        deepest = max(row["depth"] for row in rows) + 1
        x = {
            "field": "from",
            "type": "quantitative",
            "scale": {"domain": [0, 1], "nice": False},
            "axis": {"format": "%", "title": "share of kro's CPU time", "grid": False},
        }
        y = {
            "field": "depth",
            "type": "quantitative",
            "axis": None,
            "scale": {"domain": [deepest, 0], "nice": False},
        }
        spec = layers(
            {
                "mark": {"type": "rect", "stroke": "var(--bg)", "strokeWidth": 0.6, "clip": True},
                "encoding": {
                    "x": x,
                    "x2": {"field": "to"},
                    "y": y,
                    "y2": {"field": "bottom"},
                    "color": coloured("group", groups),
                    "tooltip": tooltip(
                        {"function": "function", "share": "share", "group": "group"}
                    ),
                },
            },
            {
                "transform": [{"filter": "datum.to - datum.from > 0.05"}],
                "mark": {
                    "type": "text",
                    "align": "left",
                    "baseline": "top",
                    "dx": 3,
                    "dy": 2,
                    "fontSize": 10,
                    "color": "var(--on-fill)",
                    "limit": {"expr": "(datum.to - datum.from) * width - 6"},
                    "clip": True,
                },
                "encoding": {
                    "x": {"field": "from", "type": "quantitative"},
                    "y": y,
                    "text": {"field": "label", "type": "nominal"},
                },
            },
            height=deepest * _ROW,
            data=values(rows),
        )
        yield Chart(
            f"Flame graph of kro's CPU time: {test}",
            "From the profiled iteration. A bar is a function, as wide as its share of the CPU "
            "time with all that it calls, which is below it. Shares under "
            f"{units.percent(_LEAST_SHARE)} are left out.",
            spec,
            "how-to/profiles.md",
            zoom=True,
        )


def _tree(profile: Profile) -> _Frame:
    root = _Frame()
    column = next(
        (place for place, each in enumerate(profile.value_types) if each.unit == "nanoseconds"), 0
    )
    for stack in profile.stacks:
        value = stack.values[column]
        root.value += value
        frame = root
        for function in reversed(stack.functions):
            frame = frame.below.setdefault(function, _Frame())
            frame.value += value
    return root


def _rows(root: _Frame) -> Iterator[Row]:
    """Yield the frames that are wide enough, from the root on, each below its caller."""
    if not root.value:
        return
    waiting = [(root, 0.0, 0)]
    while waiting:
        frame, start, depth = waiting.pop()
        for function, below in sorted(frame.below.items(), key=lambda each: -each[1].value):
            share = below.value / root.value
            if share >= _LEAST_SHARE and depth < _DEEPEST:
                yield {
                    "function": function,
                    "label": function.rpartition("/")[2],
                    "share": units.percent(round(share, 4)),
                    "group": group_of((function,)),
                    "from": round(start, 5),
                    "to": round(start + share, 5),
                    "depth": depth,
                    "bottom": depth + 1,
                }
                waiting.append((below, start, depth + 1))
            start += share
