"""The page of a run: a summary, charts by question, and the whole report, folded."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from krobench.analysis.profiling.pprof import Profile
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.record.run import RunRecord
from krobench.report import comparison, gist, markdown, scalecomparison
from krobench.report.bottlenecks import bottlenecks_section
from krobench.report.differences import differences_section, slopes_section
from krobench.report.html.charts import instances, timeline
from krobench.report.html.charts.base import Drawing, drawn
from krobench.report.html.charts.comparison import forest_plot
from krobench.report.html.charts.costs import cel_charts, flame_graphs
from krobench.report.html.charts.resources import (
    request_charts,
    resource_charts,
    where_the_time_went,
)
from krobench.report.html.charts.scaling import scale_charts
from krobench.report.html.page import Fold, Section, draw, page
from krobench.report.html.tiles import tile_groups
from krobench.report.profiles import profiles as profiles_section
from krobench.report.recommendations import recommendations_section
from krobench.report.scale import scale_section
from krobench.report.scheduled import as_read, created_by
from krobench.report.tables import table
from krobench.report.tests import in_order, test_section
from krobench.report.words.rawlines import sampled_line

_UNBROKEN = "\N{NO-BREAK SPACE}"
_HEADING = re.compile(r"\A#+ .*\n+")


@dataclass(frozen=True)
class Raw:
    """What a run stores beside its record."""

    objects: Sequence[ObjectRecord] = ()
    samples: Sequence[Sample] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """CPU profiles by the names of tests."""


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
    return page(
        f"{run.namespace}/{run.name}",
        draw((_read(section, read) for section in _sections(run, raw)), drawing),
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
