"""What all charts share: colours, axes, and how much of a long series is drawn.

Colours are variables of the page's style sheet, so one drawing fits the light and the dark theme.
Text that comes from outside is only ever in the data of a chart, never in its expressions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Spec = dict[str, Any]
"""A Vega-Lite specification, or a part of one."""
Row = dict[str, Any]
T = TypeVar("T")

WIDTH = 820
COLOURS = tuple(f"var(--c{index})" for index in range(1, 11))
MUTED = "var(--muted)"
BAD = "var(--bad)"
GOOD = "var(--good)"
_TEXT = "currentColor"

CONFIG: Spec = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "gridColor": "var(--grid)",
        "domainColor": MUTED,
        "tickColor": MUTED,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 240,
        "labelSeparation": 6,
    },
    "legend": {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "orient": "top",
        "title": None,
        "labelFontSize": 12,
        "labelLimit": 220,
    },
    "header": {"labelColor": _TEXT, "titleColor": _TEXT},
    "text": {"color": _TEXT},
    # A reader of the screen gets the chart's description and tables, not each of its points.
    "mark": {"aria": False},
}
HIDDEN_POINTS: Spec = {"size": 12, "opacity": 0.01}
"""Points of a line that are there for the pointer alone."""
LOGARITHMIC: Spec = {"type": "log", "nice": False, "padding": 12}
SECONDS_LABEL = (
    "datum.value == 0 ? '0' : abs(datum.value) < 0.001 ? format(datum.value * 1e6, '~r') + ' µs' : "
    "abs(datum.value) < 1 ? format(datum.value * 1e3, '~r') + ' ms' : "
    "format(datum.value, '~r') + ' s'"
)
"""How axes label seconds."""
_LETTER, _SYMBOL = 7, 34
"""Pixels of a letter in a legend, and of the symbol before it with its margins. A chart that is
narrower has fewer columns (``templates/report.js``)."""
_SPREAD = 3.0
"""Times the smallest value: from here on, a logarithmic axis has a label for each digit."""
_MANY = 13
"""So many wanted labels have the library put some between one second and two, too."""


@dataclass(frozen=True)
class Chart:
    """A chart and what it shows."""

    title: str
    note: str
    spec: Spec
    """Without data, there is none: see :func:`drawn`."""
    docs: str | None = None
    """The page of the documents that explains it, from docs/."""
    zoom: bool = False
    """Whether its first layer can be moved and zoomed."""


@dataclass(frozen=True)
class Drawing:
    """A library of charts."""

    begin: Callable[[Spec], Callable[[], str]]
    """Begins to draw a specification, after those before; what it returns waits for the SVG."""
    script: Callable[[], str]
    """Returns what draws specifications in a browser."""


def drawn(*charts: Chart | None) -> list[Chart]:
    """Return the charts that there are."""
    return [chart for chart in charts if chart is not None]


def layers(*parts: Spec | None, height: int = 240, **further: Any) -> Spec:
    """Return a chart of layers, those that are None left out."""
    kept = [part for part in parts if part is not None]
    return {"width": WIDTH, "height": height, "layer": kept, **further}


def values(rows: Sequence[Row]) -> Spec:
    return {"values": list(rows)}


def quantity(field: str, title: str, *, zero: bool = False, **further: Any) -> Spec:
    """Return the encoding of a number."""
    scale = further.pop("scale", {})
    if scale.get("type") != "log":
        scale = {"zero": zero} | scale
    axis = {"title": title} | further.pop("axis", {})
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis, **further}


def logarithmic_seconds(seconds: Iterable[float]) -> Spec:
    """Return the labels of a logarithmic axis on which these are.

    Without some digits, there is room for the label of a whole second.
    """
    known = sorted(seconds)
    if not known or known[-1] < _SPREAD * known[0]:
        return {"labelExpr": SECONDS_LABEL, "tickCount": _MANY}
    return {"labelExpr": f"test(/^[689]/, format(datum.value, 'e')) ? '' : {SECONDS_LABEL}"}


def coloured(field: str, names: Sequence[str], *, legend: bool | None = None) -> Spec:
    """Return a colour for each of these names, in this order; by default, one needs no legend."""
    legend = len(names) > 1 if legend is None else legend
    colours = [COLOURS[index % len(COLOURS)] for index in range(len(names))]
    longest = _SYMBOL + _LETTER * max(map(len, names), default=0)
    shown = {
        "symbolOpacity": 1,
        "symbolStrokeWidth": 2,
        "columns": max(1, WIDTH // longest),
    }
    return {
        "field": field,
        "type": "nominal",
        "scale": {"domain": list(names), "range": colours},
        "legend": shown if legend else None,
    }


def tooltip(titles: Mapping[str, str]) -> list[Spec]:
    """Return a tooltip with these fields, which are texts already, by their titles."""
    return [{"field": field, "title": title, "type": "nominal"} for field, title in titles.items()]


def since_start(end: float) -> Spec:
    """Return the encoding of the time since the start of a run, up to ``end``."""
    scale = {"domain": [0, round(end, 1)], "nice": False}
    return quantity("x", "time since the start of the run, s", scale=scale)


def intervals(rows: Sequence[Row], encoding: Spec, width: float = 2) -> Spec | None:
    """Return the lines from ``low`` to ``high`` of those rows that have both; None without any."""
    known = [row for row in rows if row["low"] is not None and row["high"] is not None]
    if not known:
        return None
    return {
        "data": values(known),
        "mark": {"type": "rule", "strokeWidth": width, "opacity": 0.6},
        "encoding": encoding,
    }


def bands(spans: Sequence[tuple[float, float]]) -> Spec | None:
    """Return shaded stretches of x; None without any."""
    if not spans:
        return None
    return {
        "data": values([{"x": round(low, 3), "x2": round(high, 3)} for low, high in spans]),
        "mark": {"type": "rect", "color": "var(--band)", "clip": True},
        "encoding": {"x": {"field": "x", "type": "quantitative"}, "x2": {"field": "x2"}},
    }


def rule(axis: str, at: float, label: str, *, colour: str = BAD, below: bool = False) -> Spec:
    """Return a labelled line across the chart at a value of ``x`` or ``y``."""
    along = {axis: {"field": "at", "type": "quantitative"}}
    place = (
        {"align": "left", "dx": 5, "baseline": "top", "y": 14 if below else 2}
        if axis == "x"
        else {"align": "left", "baseline": "bottom", "dy": -4, "x": 4}
    )
    return {
        "data": values([{"at": at, "label": label}]),
        "layer": [
            {"mark": {"type": "rule", "color": colour, "strokeDash": [5, 4], "strokeWidth": 1.5}},
            {
                "mark": {"type": "text", "color": colour, "fontSize": 12, **place},
                "encoding": {"text": {"field": "label", "type": "nominal"}},
            },
        ],
        "encoding": along,
    }


def for_paper(spec: Spec) -> Spec:
    """Return a chart without what only a pointer finds, to be drawn once."""
    plain = {name: part for name, part in spec.items() if name != "layer"}
    if "layer" in spec:
        plain["layer"] = [for_paper(layer) for layer in spec["layer"]]
    if isinstance(spec.get("mark"), dict) and spec["mark"].get("point") == HIDDEN_POINTS:
        plain["mark"] = {name: part for name, part in spec["mark"].items() if name != "point"}
    if "encoding" in spec:
        encoding = spec["encoding"]
        plain["encoding"] = {name: part for name, part in encoding.items() if name != "tooltip"}
    return plain


def thinned(items: Sequence[T], most: int) -> Sequence[T]:
    """Return at most so many items, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return items
    step = (len(items) - 1) / (most - 1)
    return [items[round(index * step)] for index in range(most)]
