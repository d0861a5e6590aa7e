"""Charts in SVG, drawn by hand: lines and dots over two axes, and bars of shares.

All text comes from elsewhere and is escaped here.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

# Okabe and Ito's colours, which people with any kind of colour vision can tell apart.
COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#8C6D31",
    "#7F7F7F",
    "#F0E442",
    "#332288",
)

_WIDTH, _HEIGHT = 860, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 16, 14, 44
_BAR_HEIGHT, _BAR_LABEL_HEIGHT = 26, 24
_MAX_TICKS = 8
_SMALLEST = 1e-12
# Less than a pixel apart, points are drawn on each other.
_MAX_POINTS = 1200

Point = tuple[float, float]
Label = Callable[[float], str]


@dataclass(frozen=True)
class Line:
    """A named line through points in the order of x; ``steps`` keeps y until the next point."""

    name: str
    points: Sequence[Point]
    steps: bool = False
    through: Sequence[Point] | None = None
    """If the points are dots: the line that is drawn through them, if any."""

    @property
    def drawn(self) -> Sequence[Point]:
        """Return all points that there must be room for."""
        return [*self.points, *(self.through or ())]


@dataclass(frozen=True)
class Band:
    """A stretch of the x axis that is shaded."""

    start: float
    end: float


@dataclass(frozen=True)
class Mark:
    """A labelled line across the chart, at a value of x or of y."""

    label: str
    x: float | None = None
    y: float | None = None


@dataclass(frozen=True)
class Axis:
    """An axis; it begins at zero."""

    title: str
    label: Label
    end: float | None = None
    """Where it ends; else with the largest value."""


@dataclass(frozen=True)
class Bar:
    """A named bar; the parts are shares of 1, each with its key in the legend."""

    name: str
    parts: Sequence[tuple[str, float]]


def line_chart(
    lines: Sequence[Line],
    x: Axis,
    y: Axis,
    bands: Sequence[Band] = (),
    marks: Sequence[Mark] = (),
) -> str:
    """Return a chart of lines with a legend."""
    x_end = x.end or max((p[0] for line in lines for p in line.drawn), default=0.0) or 1.0
    y_end = y.end or max((p[1] for line in lines for p in line.drawn), default=0.0) * 1.05 or 1.0
    place = _Place(x_end, y_end)
    body = [
        *_bands(bands, place),
        *_grid(x, y, place),
        *(_drawn(line, COLOURS[i % len(COLOURS)], place) for i, line in enumerate(lines)),
        *_marks(marks, place),
    ]
    return _figure(body, _HEIGHT, f"{y.title} over {x.title}", [line.name for line in lines])


def share_bars(bars: Sequence[Bar]) -> str:
    """Return bars of equal length, split by shares, with a legend."""
    keys = list(dict.fromkeys(key for bar in bars for key, _ in bar.parts))
    height = len(bars) * (_BAR_LABEL_HEIGHT + _BAR_HEIGHT)
    body = []
    for row, bar in enumerate(bars):
        top = row * (_BAR_LABEL_HEIGHT + _BAR_HEIGHT) + _BAR_LABEL_HEIGHT
        body.append(_text(0, top - 6, bar.name, "start"))
        body += _parts(bar, keys, top)
    return _figure(body, height, "shares", keys)


def ticks(end: float) -> list[float]:
    """Return round numbers from 0 to ``end``, at most some eight."""
    if not _SMALLEST < end < math.inf:
        return [0.0]
    rough = end / _MAX_TICKS
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= rough * 0.999)
    return [index * step for index in range(int(end / step + 1e-9) + 1)]


@dataclass(frozen=True)
class _Place:
    """From values to pixels."""

    x_end: float
    y_end: float

    def x(self, value: float) -> float:
        return _LEFT + min(max(value / self.x_end, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        share = min(max(value / self.y_end, 0.0), 1.0)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _figure(body: Sequence[str], height: int, title: str, keys: Sequence[str]) -> str:
    legend = "".join(
        f'<li><span style="background:{COLOURS[i % len(COLOURS)]}"></span>{escape(key)}</li>'
        for i, key in enumerate(keys)
    )
    return (
        f'<figure><ul class="legend">{legend}</ul>'
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"{''.join(body)}</svg></figure>"
    )


def _grid(x: Axis, y: Axis, place: _Place) -> Iterator[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for value in ticks(place.y_end):
        at = place.y(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>'
        yield _text(_LEFT - 8, at + 4, y.label(value), "end")
    for value in ticks(place.x_end):
        at = place.x(value)
        yield f'<line class="tick" x1="{at:.1f}" x2="{at:.1f}" y1="{bottom}" y2="{bottom + 5}"/>'
        yield _text(at, bottom + 19, x.label(value), "middle")
    yield f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
    yield _text((_LEFT + right) / 2, _HEIGHT - 6, x.title, "middle")
    middle = (_TOP + bottom) / 2
    yield (
        f'<text x="16" y="{middle}" text-anchor="middle" '
        f'transform="rotate(-90 16 {middle})">{escape(y.title)}</text>'
    )


def _bands(bands: Sequence[Band], place: _Place) -> Iterator[str]:
    for band in bands:
        left, right = place.x(band.start), place.x(band.end)
        yield (
            f'<rect class="band" x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" '
            f'height="{_HEIGHT - _TOP - _BOTTOM}"/>'
        )


def _marks(marks: Sequence[Mark], place: _Place) -> Iterator[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for mark in marks:
        if mark.x is not None:
            at = place.x(mark.x)
            yield f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{bottom}"/>'
            left = at > (_LEFT + right) / 2
            yield _label(at - 6 if left else at + 6, _TOP + 12, mark.label, left=left)
        if mark.y is not None:
            at = place.y(mark.y)
            yield f'<line class="mark" x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>'
            yield _label(_LEFT + 6, at - 5, mark.label, left=False)


def _label(x: float, y: float, text: str, *, left: bool) -> str:
    anchor = "end" if left else "start"
    return (
        f'<text class="mark" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _drawn(line: Line, colour: str, place: _Place) -> str:
    if line.through is None:
        return _path(line, colour, place)
    dots = "".join(
        f'<circle cx="{place.x(x):.1f}" cy="{place.y(y):.1f}" r="3.5" fill="{colour}"/>'
        for x, y in line.points
    )
    return _path(Line(line.name, line.through), colour, place) + dots


def _path(line: Line, colour: str, place: _Place) -> str:
    points = line.points
    if len(points) > _MAX_POINTS:
        stride = math.ceil(len(points) / _MAX_POINTS)
        points = [*points[::stride], points[-1]]
    commands = []
    for index, (x, y) in enumerate(points):
        at_x, at_y = f"{place.x(x):.1f}", f"{place.y(y):.1f}"
        if index == 0:
            commands.append(f"M{at_x},{at_y}")
        elif line.steps:
            commands.append(f"H{at_x}V{at_y}")
        else:
            commands.append(f"L{at_x},{at_y}")
    return f'<path d="{"".join(commands)}" stroke="{colour}"/>'


def _parts(bar: Bar, keys: Sequence[str], top: float) -> Iterator[str]:
    left = 0.0
    for key, share in bar.parts:
        width = max(0.0, share) * _WIDTH
        colour = COLOURS[keys.index(key) % len(COLOURS)]
        title = escape(f"{bar.name}: {key} {share * 100:.1f} %")
        yield (
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR_HEIGHT}" '
            f'fill="{colour}"><title>{title}</title></rect>'
        )
        if share >= 0.05:
            yield (
                f'<text class="inside" x="{left + width / 2:.1f}" y="{top + 17}" '
                f'text-anchor="middle">{share * 100:.0f} %</text>'
            )
        left += width


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
