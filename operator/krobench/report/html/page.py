"""A page of HTML: questions with charts and folds, in one file.

Names and messages come from outside: all are escaped, and none becomes a link or an image. The
page loads nothing. Charts are drawings that need no script; with scripts, those that are looked at
become interactive.
"""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from krobench import __version__
from krobench.api import units
from krobench.report.html.charts.base import CONFIG, Chart, Drawing, Spec, for_paper

DOCS = "https://github.com/krobench/krobench/blob/main/docs/"
_ATTRIBUTE = re.compile(r'="[^"]*"')
_DIGITS = re.compile(r"(\.\d\d)\d+")

_ENVIRONMENT = Environment(
    loader=PackageLoader("krobench.report.html", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _breakable(text: str) -> Markup:
    """Return a text that a line may break after each dot of, such as those of a figure's name."""
    return Markup(".<wbr>").join(text.split("."))


_ENVIRONMENT.filters["breakable"] = _breakable
_ENVIRONMENT.filters["unbroken"] = units.unbroken


@dataclass(frozen=True)
class Fold:
    """A part of the page that opens on demand."""

    title: str
    body: Markup
    is_open: bool = False


@dataclass(frozen=True)
class Drawn:
    """A chart with its drawing; empty without a library of charts."""

    chart: Chart
    svg: Markup
    spec: Markup
    """As JSON."""


@dataclass(frozen=True)
class Section:
    """A question, with what answers it."""

    key: str
    title: str
    charts: Iterable[Chart] = ()
    folds: Sequence[Fold] = ()
    text: Markup | None = None


@dataclass(frozen=True)
class Begun:
    """A chart that is being drawn."""

    chart: Chart
    spec: Spec
    svg: Callable[[], str] | None
    """Waits for the drawing; None without a library of charts."""


@dataclass(frozen=True)
class Shown:
    """A section that is on the page."""

    section: Section
    charts: Sequence[Begun]


def draw(sections: Iterable[Section], drawing: Drawing | None) -> list[Shown]:
    """Begin to draw the charts of sections, each as soon as it is described; leave out those that
    are empty."""
    found = [Shown(each, [_begun(chart, drawing) for chart in each.charts]) for each in sections]
    return [each for each in found if each.charts or each.section.folds or each.section.text]


def page(title: str, shown: Sequence[Shown], drawing: Drawing | None, **top: Any) -> str:
    has_charts = drawing is not None and any(each.charts for each in shown)
    library = _packed(drawing.script()) if drawing is not None and has_charts else None
    return _ENVIRONMENT.get_template("report.html").render(
        title=title,
        sections=[(each.section, [_drawn(begun) for begun in each.charts]) for each in shown],
        library=library,
        without_charts=drawing is None,
        config=_json(CONFIG),
        docs=DOCS,
        version=__version__,
        **top,
    )


def _begun(chart: Chart, drawing: Drawing | None) -> Begun:
    spec = chart.spec | {"description": f"{chart.title}. {chart.note}"}
    svg = drawing.begin(for_paper(spec) | {"config": CONFIG}) if drawing is not None else None
    return Begun(chart, spec, svg)


def _drawn(begun: Begun) -> Drawn:
    if begun.svg is None:
        return Drawn(begun.chart, Markup(), Markup())
    spec = _json(begun.spec)  # while it is drawn
    # The library escapes all text.
    return Drawn(begun.chart, Markup(_rounded(begun.svg())), spec)  # noqa: S704


def _json(value: object) -> Markup:
    """Return JSON that can't end the element it is in."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704


def _packed(library: str) -> str:
    """Return a script as a browser unpacks it: less than half as long, and the same each time."""
    return b64encode(gzip.compress(library.encode(), mtime=0)).decode()


def _rounded(svg: str) -> str:
    """Return a drawing with its coordinates as exact as can be seen."""
    return _ATTRIBUTE.sub(lambda found: _DIGITS.sub(r"\1", found[0]), svg)
