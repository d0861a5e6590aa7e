"""The HTML page: charts first, then the whole report, which is the Markdown one.

Names and messages come from outside: all are escaped, and none becomes a link or an image, so a
page loads nothing and leads nowhere.
"""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.record.run import RunRecord
from krobench.report.html.charts import (
    Chart,
    cpu_chart,
    latency_chart,
    memory_chart,
    profile_chart,
    scale_charts,
)
from krobench.report.markdown import render as render_markdown
from krobench.report.scale import limit_sentence
from krobench.report.words.validity import validity_line

_ENVIRONMENT = Environment(
    loader=PackageLoader("krobench.report.html", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(run: RunRecord, objects: Sequence[ObjectRecord], samples: Sequence[Sample]) -> str:
    """Return the page of a run, given its raw lines."""
    charts = [
        *scale_charts(run),
        Chart(
            "How long instances took",
            "All measured iterations. If a curve ends below 100 %, some were never ready.",
            latency_chart(objects),
        ),
        Chart(
            "Where kro's CPU time goes",
            "From CPU profiles, each taken in a separate iteration.",
            profile_chart(run),
        ),
        Chart(
            "kro's CPU use",
            "Shaded: run phases, from the first request of an iteration to the last effect.",
            cpu_chart(objects, samples),
        ),
        Chart("kro's memory", "Shaded: run phases.", memory_chart(objects, samples)),
    ]
    template = _ENVIRONMENT.get_template("report.html")
    parts = [limit_sentence(run)]
    if run.error is not None:
        parts.insert(0, f"**{run.error.reason}**: {run.error.message}")
    if run.validity is not None and not run.validity.valid:
        parts.insert(0, f"**This run is invalid:** {validity_line(run.validity)}")
    return template.render(
        run=run,
        lead=_as_html("\n\n".join(part for part in parts if part)),
        charts=[chart for chart in charts if chart.svg],
        report=_as_html(render_markdown(run)),
    )


def _as_html(markdown: str) -> Markup:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["link", "image", "autolink", "reference"])
    return Markup(parser.render(markdown))  # noqa: S704 - escaped, as HTML in it is off
