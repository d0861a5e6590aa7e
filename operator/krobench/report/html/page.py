"""The HTML page of a run: a summary, charts by question, and the whole report, folded.

Names and messages come from outside: all are escaped, and none becomes a link or an image. The
page loads nothing. Charts are drawings that need no script; with scripts, those that are looked at
become interactive.
"""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from krobench import __version__
from krobench.analysis.history import Change
from krobench.analysis.profiling.pprof import Profile
from krobench.api import units
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.record.run import RunRecord
from krobench.report import comparison, gist, history, markdown, scalecomparison
from krobench.report.bottlenecks import bottlenecks_section
from krobench.report.differences import differences_section, slopes_section
from krobench.report.html.charts import instances, timeline
from krobench.report.html.charts.base import CONFIG, Chart, Drawing, drawn, for_paper
from krobench.report.html.charts.comparison import forest_plot, limit_trend, trend_charts
from krobench.report.html.charts.costs import cel_charts, flame_graphs
from krobench.report.html.charts.resources import (
    request_charts,
    resource_charts,
    where_the_time_went,
)
from krobench.report.html.charts.scaling import scale_charts
from krobench.report.html.tiles import tile_groups
from krobench.report.profiles import profiles as profiles_section
from krobench.report.recommendations import recommendations_section
from krobench.report.scale import scale_section
from krobench.report.scheduled import as_read, created_by
from krobench.report.tables import table
from krobench.report.tests import in_order, test_section
from krobench.report.words.rawlines import sampled_line

DOCS = "https://github.com/krobench/krobench/blob/main/docs/"
_ATTRIBUTE = re.compile(r'="[^"]*"')
_DIGITS = re.compile(r"(\.\d\d)\d+")
_UNBROKEN = "\N{NO-BREAK SPACE}"
_HEADING = re.compile(r"\A#+ .*\n+")

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
class Raw:
    """What a run stores beside its record."""

    objects: Sequence[ObjectRecord] = ()
    samples: Sequence[Sample] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """CPU profiles by the names of tests."""


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


def render(run: RunRecord, raw: Raw, drawing: Drawing | None) -> str:
    """Return the page of a run; without a library of charts, it has none and says so."""
    top = [
        (label, text)
        for label, text in (
            ("Limit", gist.limit_found(run)),
            ("What held kro back", gist.held_back(run)),
            ("What to change", gist.to_change(run)),
            ("Next to try", gist.to_try(run)),
            *(("Compared", line) for line in gist.compared(run)),
        )
        if text
    ]
    read = partial(as_read, run)
    return _page(
        f"{run.namespace}/{run.name}",
        [_read(section, read) for section in _sections(run, raw)],
        drawing,
        verdict=gist.verdict_of(run),
        about=f"{gist.counts_line(run)}. {gist.measured_on(run)}.",
        times=Markup('Started <time class="whole">{}</time>').format(run.start_time)
        + (", took " + gist.duration_text(run).replace(" ", _UNBROKEN) if run.end_time else "")
        + (f". {spent}." if (spent := gist.time_spent(run)) else "")
        + (f" {made}" if (made := created_by(run)) else ""),
        problems=[read(each) for each in gist.why(run)],
        top=[(label, read(text)) for label, text in top],
        groups=tile_groups(run),
        warnings=[*map(read, run.warnings), *map(sampled_line, run.sampled)],
        kind=run.kind,
    )


def _read(section: Section, read: Callable[[str], str]) -> Section:
    """Return a section in the words of ``read``, which changes nothing but paths of fields."""
    text = None if section.text is None else Markup(read(section.text))  # noqa: S704
    folds = [replace(each, body=Markup(read(each.body))) for each in section.folds]  # noqa: S704
    return replace(section, text=text, folds=folds)


def render_history(
    name: str,
    runs: Sequence[RunRecord],
    changes: Sequence[Change],
    text: str,
    drawing: Drawing | None,
) -> str:
    """Return the page of the kept runs of a name; ``text`` is what the command prints."""
    charts = [*drawn(limit_trend(runs)), *trend_charts(runs, changes)]
    body = Markup("<pre>{}</pre>").format(text)
    sections = [
        Section("trend", "Trends", charts),
        Section("runs", "Runs", folds=[Fold("All runs and changes", body, is_open=True)]),
    ]
    return _page(
        f"History of {name}",
        sections,
        drawing,
        verdict="",
        about=history.counts_line(runs, changes),
        times="",
        problems=[],
        top=[],
        groups=[],
        warnings=[],
        kind="",
    )


def _page(title: str, sections: Iterable[Section], drawing: Drawing | None, **top: Any) -> str:
    kept = [each for each in sections if each.charts or each.folds or each.text]
    has_charts = drawing is not None and any(section.charts for section in kept)
    drawn_ones = _drawn([chart for section in kept for chart in section.charts], drawing)
    return _ENVIRONMENT.get_template("report.html").render(
        title=title,
        sections=[(section, [next(drawn_ones) for _ in section.charts]) for section in kept],
        library=_packed(drawing.script) if drawing is not None and has_charts else None,
        without_charts=drawing is None,
        config=_json(CONFIG),
        docs=DOCS,
        version=__version__,
        **top,
    )


def _drawn(charts: Sequence[Chart], drawing: Drawing | None) -> Iterator[Drawn]:
    if drawing is None:
        yield from (Drawn(chart, Markup(), Markup()) for chart in charts)
        return
    specs = [chart.spec | {"description": f"{chart.title}. {chart.note}"} for chart in charts]
    svgs = drawing.svgs([for_paper(spec) | {"config": CONFIG} for spec in specs])
    for chart, spec, svg in zip(charts, specs, svgs, strict=True):
        # The library escapes all text.
        yield Drawn(chart, Markup(_rounded(svg)), _json(spec))  # noqa: S704


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


def _sections(run: RunRecord, raw: Raw) -> Iterable[Section]:
    yield Section(
        "compared",
        "Compared",
        drawn(*(forest_plot(each) for each in _comparisons(run))),
        [
            *_fold(
                "Metrics of the comparison",
                comparison.markdown(run.comparison) if run.comparison else "",
            ),
            *_fold(
                "Limit compared with the baseline",
                scalecomparison.markdown(run.scale_comparison) if run.scale_comparison else "",
            ),
            *(
                fold
                for each in run.variant_comparisons
                for fold in _fold(f"Metrics of {each.new}", comparison.markdown_of_variants(each))
            ),
        ],
    )
    yield Section(
        "scale",
        "How far kro scales",
        list(scale_charts(run)),
        _fold("Sizes, growth and predictions", scale_section(run)),
    )
    of_expressions = {test.name for test in run.tests if test.cel is not None}
    objects = [line for line in raw.objects if line.test not in of_expressions]
    slow = instances.slowest(objects)
    yield Section(
        "instances",
        "What instances took",
        drawn(
            timeline.over_time(run, objects, raw.samples),
            instances.distribution(run, objects),
            instances.waterfall(run, objects),
            instances.by_iteration(run),
        ),
        [
            *_fold("Overview of all tests", markdown.overview(run)),
            *_fold("Slowest instances", table(instances.SLOWEST_HEADER, slow) if slow else ""),
        ],
    )
    yield Section(
        "held-back",
        "What held kro back",
        drawn(where_the_time_went(run)),
        _fold("All causes, with the evidence", bottlenecks_section(run.tests)),
    )
    yield Section(
        "change",
        "What to change",
        text=_as_html(_HEADING.sub("", recommendations_section(run))),
    )
    yield Section("resources", "Resources", list(resource_charts(run, raw.objects, raw.samples)))
    yield Section("requests", "Requests", list(request_charts(run)))
    yield Section(
        "costs",
        "Where kro's time goes",
        [*cel_charts(run), *flame_graphs(raw.profiles)],
        _fold("Profiles by package and function", profiles_section(run)),
    )
    yield Section(
        "details",
        "Details",
        folds=[
            *(
                fold
                for test in in_order(run)
                for fold in _fold(f"Test {test.name}", test_section(test))
            ),
            *_fold("Differences between tests", differences_section(run.differences)),
            *_fold("Growth with size", slopes_section(run.slopes)),
            *_fold("Why this run is invalid", markdown.validity_section(run)),
            *_fold("Objects left after cleanup", markdown.left_behind(run)),
            *_fold("Environment", markdown.environment(run)),
            *_fold("How to read the numbers", markdown.READING),
        ],
    )


def _comparisons(run: RunRecord) -> list[Any]:
    return [*([run.comparison] if run.comparison else []), *run.variant_comparisons]


def _fold(title: str, text: str) -> list[Fold]:
    """Return a fold of a section of the report, whose heading becomes the title; none if empty."""
    return [Fold(title, _as_html(_HEADING.sub("", text)))] if text else []


def _as_html(text: str) -> Markup:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["link", "image", "autolink", "reference"])
    return Markup(parser.render(text))  # noqa: S704 - escaped, as HTML in it is off
