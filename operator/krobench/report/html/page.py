"""The HTML page: charts first, then the whole report, which is the Markdown one.

Names and messages are others' words: all are escaped, and neither links nor images are made of
them, so that a page loads nothing and leads nowhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from krobench.model.rawlines import ObjectRecord, Sample
from krobench.model.record import RunRecord
from krobench.report.html.charts import cpu_chart, latency_chart, memory_chart, profile_chart
from krobench.report.markdown import render as render_markdown

_ENVIRONMENT = Environment(
    loader=PackageLoader("krobench.report.html", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Chart:
    """A chart and what it shows."""

    title: str
    note: str
    svg: Markup


def render(run: RunRecord, objects: Sequence[ObjectRecord], samples: Sequence[Sample]) -> str:
    """Return the page of a run, given its raw lines."""
    charts = [
        Chart(title, note, Markup(svg))  # noqa: S704 - our own, with all text in it escaped
        for title, note, svg in (
            (
                "How long instances took",
                "All measured iterations. Where a curve ends below 100 %, some were never ready.",
                latency_chart(objects),
            ),
            (
                "Where kro's CPU time goes",
                "By CPU profiles, each of an iteration of its own.",
                profile_chart(run),
            ),
            (
                "kro's CPU use",
                "Shaded: run phases, from the first request of an iteration to the last effect.",
                cpu_chart(objects, samples),
            ),
            ("kro's memory", "Shaded: run phases.", memory_chart(objects, samples)),
        )
        if svg
    ]
    template = _ENVIRONMENT.get_template("report.html")
    return template.render(run=run, charts=charts, report=_as_html(render_markdown(run)))


def _as_html(markdown: str) -> Markup:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["link", "image", "autolink", "reference"])
    return Markup(parser.render(markdown))  # noqa: S704 - escaped, as HTML in it is off
