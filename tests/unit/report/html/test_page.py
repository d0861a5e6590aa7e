from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from unit.controller.world import record
from unit.records import some_line
from unit.report.scales import scale_run
from unit.report.test_profiles import CPU

from krobench.analysis.history import History
from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause
from krobench.cli.charts import drawing
from krobench.cli.errors import CliError
from krobench.figures.profile import TestProfile
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.findings.validity import QuotedCause, Validity
from krobench.record.run import RunRecord, RunState
from krobench.report.html.charts.base import Drawing
from krobench.report.html.history import render as render_history
from krobench.report.html.run import Raw, render

EVIL = "<script>alert(1)</script> ![x](http://evil/x.png) [y](http://evil) <http://evil>"
OWN_SCRIPT = "// draws"


def created(index: int, ready: float | None = 1.0, **changes: Any) -> ObjectRecord:
    line = some_line(
        phase=0,
        name=f"i{index}",
        sent_seconds=float(index),
        acknowledged_seconds=index + 0.01,
        ready_seconds=None if ready is None else index + ready,
    )
    return replace(line, **changes)


def sampled(metric: str, *values: float) -> list[Sample]:
    return [
        Sample(seconds=float(second), source="kro", metric=metric, value=value)
        for second, value in enumerate(values)
    ]


class Elements(HTMLParser):
    """Collects what is on a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, set[str]] = {}
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="session")
def library() -> Iterator[Drawing]:
    """The real library, without what a browser draws with."""
    with drawing() as found:
        assert found is not None
        yield replace(found, script=lambda: OWN_SCRIPT)


def full_page(library: Drawing | None, run: RunRecord | None = None) -> str:
    run = run or record(RunState.COMPLETED)
    run.tests[0].profile = TestProfile(iteration=3, cpu=CPU)
    name = run.tests[0].name
    samples = sampled("process_cpu_seconds_total", 1.0, 1.5, 1.7, 1.8)
    samples += sampled("process_resident_memory_bytes", 5e7, 6e7, 6e7)
    lines = [replace(line, test=name) for line in (created(0), created(1, 2.0), created(2, None))]
    return render(run, Raw(lines, samples), library)


def test_what_makes_a_run_invalid_comes_before_its_charts(library: Drawing) -> None:
    run = record(RunState.COMPLETED)
    run.validity = Validity.of([QuotedCause(reason=Cause.GENERATOR_LATE, text="it was late")])
    run.error = ErrorInfo(reason="KroNotFound", message="there is no kro")
    before_charts, _, _ = full_page(library, run).partition("<svg")
    assert "GeneratorLate: it was late" in before_charts
    assert "KroNotFound: there is no kro" in before_charts


def test_every_chart_is_drawn_without_scripts_too(library: Drawing) -> None:
    elements = Elements(full_page(library))
    assert elements.tags.count("figure") == elements.tags.count("svg") == 5
    assert "cel-go" in " ".join(elements.text)


def test_without_the_library_the_page_has_the_whole_report_and_says_what_is_missing() -> None:
    page = full_page(None)
    assert "krobench[charts]" in page
    assert "svg" not in Elements(page).tags
    assert "table" in Elements(page).tags


@pytest.mark.parametrize("run", [record(RunState.RUNNING), record(RunState.COMPLETED), scale_run()])
def test_a_run_without_raw_lines_has_a_page(library: Drawing, run: RunRecord) -> None:
    assert f"{run.namespace}/{run.name}" in render(run, Raw(), library)


def scripts(page: str) -> Iterator[str]:
    for part in page.split("<script")[1:]:
        yield part.partition(">")[2].partition("</script>")[0]


def test_a_page_loads_nothing_and_leads_only_to_our_documents(library: Drawing) -> None:
    run = record(RunState.COMPLETED)
    run.warnings = [EVIL]
    run.name = run.tests[0].name = EVIL
    page = full_page(library, run)
    elements = Elements(page)
    assert not {"img", "iframe", "object", "link"} & set(elements.tags)
    assert not {"src", "onload", "onclick"} & elements.attributes.keys()
    assert all(
        href.startswith(("#", "https://github.com/krobench/")) or href == ""
        for href in elements.attributes["href"]
    )
    assert not any("alert(1)</" in script for script in scripts(page))
    assert "default-src 'none'" in " ".join(elements.attributes["content"])


def test_a_history_is_a_page_with_trends(library: Drawing) -> None:
    runs = [record(RunState.COMPLETED), record(RunState.COMPLETED)]
    found = History([])
    page = render_history("default/bench", runs, found, lambda: "what it prints", library)
    assert "what it prints" in page


def test_no_line_ends_between_a_number_and_its_unit() -> None:
    run = record(RunState.COMPLETED).model_copy(update={"warnings": ["kro waited 12 s for 3 pods"]})
    assert "waited 12\N{NO-BREAK SPACE}s for 3 pods" in render(run, Raw(), None)


def test_a_chart_that_cannot_be_drawn_is_an_error_of_the_command() -> None:
    with drawing() as found:
        assert found is not None
        with pytest.raises(CliError):
            found.begin({"mark": 1})()
