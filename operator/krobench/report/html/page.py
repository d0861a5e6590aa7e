"""A page of HTML: questions with charts and folds, in one file.

Names and messages come from outside: all are escaped, and none becomes a link or an image. The
page loads nothing. Charts are drawings that need no script; with scripts, those that are looked at
become interactive.
"""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from krobench import __version__
from krobench.api import units
from krobench.report.html.charts.base import CONFIG, Chart, Drawing, for_paper

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
    charts: Sequence[Chart] = ()
    folds: Sequence[Fold] = ()
    text: Markup | None = None


def page(title: str, sections: Iterable[Section], drawing: Drawing | None, **top: Any) -> str:
    kept = [each for each in sections if each.charts or each.folds or each.text]
    charts = [chart for section in kept for chart in section.charts]
    drawn_ones = _drawn(charts, drawing)
    library = _packed(drawing.script()) if drawing is not None and charts else None
    return _ENVIRONMENT.get_template("report.html").render(
        title=title,
        sections=[(section, [next(drawn_ones) for _ in section.charts]) for section in kept],
        library=library,
        without_charts=drawing is None,
        config=_json(CONFIG),
        docs=DOCS,
        version=__version__,
        **top,
    )


def _drawn(charts: Sequence[Chart], drawing: Drawing | None) -> Iterator[Drawn]:
    if drawing is None:
        return (Drawn(chart, Markup(), Markup()) for chart in charts)
    specs = [chart.spec | {"description": f"{chart.title}. {chart.note}"} for chart in charts]
    svgs = drawing.svgs([for_paper(spec) | {"config": CONFIG} for spec in specs])
    texts = [_json(spec) for spec in specs]  # while it draws
    return (
        Drawn(chart, Markup(_rounded(svg)), text)  # noqa: S704 - the library escapes all text
        for chart, svg, text in zip(charts, svgs, texts, strict=True)
    )


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
