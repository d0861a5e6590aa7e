"""Previews of the dashboards, drawn from what a real Prometheus answered.

They are not Grafana's: the documents say so. The answers are those of the last run of
:mod:`bench.monitoring`.

    python -m bench.previews                      # writes docs/images/dashboard-*.png
"""

import argparse
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from itertools import islice

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from bench.documents import DOCS
from bench.monitoring import Series, kept
from krobench.api import units
from scripts.dashboards.files import DASHBOARDS
from scripts.dashboards.model import COLUMNS, Dashboard, Kind, Panel, Unit, places

COLUMN_INCHES, ROW_INCHES = 0.5, 0.24
DPI = 80
_MOST_LINES = 8
_LEGEND_ROWS = 3
_MOST_ROWS = 7
_MOST_STATS = 4
_LONG = 36
"""Letters of a name of which two do not fit beside each other."""
_COLOURS = 64
_MIB = 2.0**20
_MOST_LETTERS = 60
_NAME = re.compile(r"{{(\w+)}}")
_VALUE = re.compile(r"Value #(\w)")

Answers = Mapping[str, Sequence[Series]]

_SHOW: dict[Unit, Callable[[float], str]] = {
    Unit.NUMBER: units.number,
    Unit.SECONDS: units.seconds,
    Unit.BYTES: units.size,
    Unit.RATIO: units.percent,
    Unit.PER_SECOND: units.rate,
    Unit.TIME: lambda ms: datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M"),
}


def preview(dashboard: Dashboard, answers: Answers) -> Figure:
    """Return a drawing of a dashboard, its panels where Grafana has them."""
    laid = list(places(dashboard.rows))
    height = max(place.top + place.height for _, place in laid)
    figure = Figure(figsize=(COLUMNS * COLUMN_INCHES, height * ROW_INCHES), dpi=DPI)
    for what, place in laid:
        left, width = place.left / COLUMNS, place.width / COLUMNS
        bottom, tall = 1 - (place.top + place.height) / height, place.height / height
        if not isinstance(what, Panel):
            figure.text(0.006, bottom + tall / 2, what.title, va="center", weight="bold")
            continue
        # Room for the labels of axes, the title and the legend.
        room = (left + 0.045, bottom + 2.1 / height, width - 0.06, tall - 3.4 / height)
        _DRAW[what.kind](figure.add_axes(room), what, answers)
    return figure


def _graph(axes: Axes, panel: Panel, answers: Answers) -> None:
    _titled(axes, panel)
    began, ended = _span(answers)
    unit = _MIB if panel.unit is Unit.BYTES else 1.0
    show = (lambda mib, _: f"{mib:g} MiB") if unit > 1 else (lambda x, _: _SHOW[panel.unit](x))
    lines = [
        (legend(query.legend, series.labels), series.points)
        for query in panel.queries
        for series in answers[query.expression]
    ]
    for name, points in islice(lines, _MOST_LINES):
        minutes, values = [(at - began) / 60 for at, _ in points], [y / unit for _, y in points]
        axes.plot(minutes, values, linewidth=1, label=name[:_MOST_LETTERS])
    axes.set_xlim(0, (ended - began) / 60)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(show))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} min"))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.tick_params(labelsize=6)
    axes.grid(alpha=0.3)
    handles, labels = axes.get_legend_handles_labels()
    if any(labels):
        columns = 1 if max(map(len, labels)) > _LONG or panel.width < COLUMNS // 3 else 2
        axes.legend(
            handles[: _LEGEND_ROWS * columns],
            labels[: _LEGEND_ROWS * columns],
            fontsize=5,
            frameon=False,
            loc="upper left",
            bbox_to_anchor=(0, -0.14),
            ncols=columns,
        )


def _span(answers: Answers) -> tuple[float, float]:
    """Return the first and the last time of all answers."""
    times = [at for of in answers.values() for series in of for at, _ in series.points]
    return min(times), max(times)


def _stat(axes: Axes, panel: Panel, answers: Answers) -> None:
    _titled(axes, panel)
    axes.set_axis_off()
    shown = [
        (_SHOW[panel.unit](series.points[-1][1]), legend(query.legend, series.labels))
        for query in panel.queries
        for series in answers[query.expression]
    ][:_MOST_STATS]
    for place, (value, name) in enumerate(shown):
        height = 1 - (place + 0.5) / len(shown)
        axes.text(0.3 if name else 0.5, height, value, ha="center", va="center", fontsize=12)
        axes.text(0.55, height, name[:_MOST_LETTERS], va="center", fontsize=6)


def _table(axes: Axes, panel: Panel, answers: Answers) -> None:
    _titled(axes, panel)
    axes.set_axis_off()
    header = [title for _, title, _ in panel.columns]
    rows = list(islice(table_rows(panel, answers), _MOST_ROWS))
    table = axes.table([header, *rows], loc="upper left", cellLoc="left", edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(6)
    table.auto_set_column_width(list(range(len(header))))


def table_rows(panel: Panel, answers: Answers) -> Iterator[list[str]]:
    """Yield the rows of a table: the answers of its queries, joined by the labels they share."""
    first, *others = [answers[query.expression] for query in panel.queries]
    for series in first:
        values = {"A": series.points[-1][1]}
        for letter, other in zip("BCDEFG", others, strict=False):
            for each in other:
                if each.labels.items() <= series.labels.items():
                    values[letter] = each.points[-1][1]
        yield [_cell(name, unit, series.labels, values) for name, _, unit in panel.columns]


def _cell(name: str, unit: Unit, labels: Mapping[str, str], values: Mapping[str, float]) -> str:
    found = _VALUE.fullmatch(name)
    if found is None:
        return labels.get(name, "")[:_MOST_LETTERS]
    value = values.get(found[1])
    return "" if value is None else _SHOW[unit](value)


def legend(template: str, labels: Mapping[str, str]) -> str:
    """Return the name of a series as Grafana makes it."""
    return _NAME.sub(lambda found: labels.get(found[1], ""), template)


def _titled(axes: Axes, panel: Panel) -> None:
    axes.set_title(panel.title, fontsize=8, loc="left")


_DRAW = {Kind.GRAPH: _graph, Kind.STAT: _stat, Kind.TABLE: _table}


def main() -> None:
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    mpl.rcParams["font.size"] = 8
    answers = kept()
    for dashboard in DASHBOARDS:
        path = DOCS / "images" / f"dashboard-{dashboard.uid.removeprefix('krobench-')}.png"
        drawn = BytesIO()
        preview(dashboard, answers).savefig(drawn)
        Image.open(drawn).convert("RGB").quantize(_COLOURS).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
