import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from unit.controller.world import record
from unit.records import some_line
from unit.report.test_profiles import CPU

from krobench.api.common import ErrorInfo
from krobench.api.specs.results import Cause
from krobench.figures.profile import TestProfile
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.findings.validity import QuotedCause, Validity
from krobench.record.run import RunRecord, RunState
from krobench.report.html.page import render

EVIL = "<script>alert(1)</script> ![x](http://evil/x.png) [y](http://evil) <http://evil>"


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
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")


def full_page(run: RunRecord | None = None) -> str:
    run = run or record(RunState.COMPLETED)
    run.tests[0].profile = TestProfile(iteration=3, cpu=CPU)
    samples = sampled("process_cpu_seconds_total", 1.0, 1.5, 1.7)
    samples += sampled("process_resident_memory_bytes", 5e7, 6e7)
    return render(run, [created(0), created(1, 2.0), created(2, None)], samples)


def test_what_speaks_against_a_run_stands_before_its_charts() -> None:
    run = record(RunState.COMPLETED)
    run.validity = Validity.of([QuotedCause(reason=Cause.GENERATOR_LATE, text="it was late")])
    run.error = ErrorInfo(reason="KroNotFound", message="there is no kro")
    before_charts, _, _ = full_page(run).partition("<svg")
    assert "This run is invalid:</strong> GeneratorLate: it was late" in before_charts
    assert "KroNotFound</strong>: there is no kro" in before_charts


def test_a_page_has_all_charts_and_the_whole_report() -> None:
    page = full_page()
    elements = Elements(page)
    assert elements.tags.count("svg") == 4
    assert "table" in elements.tags
    assert "default/bench: Passed" in page
    assert "cel-go 60.0 %" in page


def test_charts_without_data_are_left_out() -> None:
    page = render(record(RunState.COMPLETED), [], [])
    assert "svg" not in Elements(page).tags


def test_a_page_loads_nothing_and_leads_nowhere_whatever_names_and_messages_say() -> None:
    run = record(RunState.COMPLETED)
    run.warnings = [EVIL]
    run.name = run.tests[0].name = EVIL
    elements = Elements(full_page(run))
    assert not {"script", "img", "a", "iframe", "object", "link"} & set(elements.tags)
    assert not {"href", "src", "onload", "onclick"} & elements.attributes.keys()
    assert "default-src 'none'" in " ".join(elements.attributes["content"])


def test_every_tag_that_is_opened_is_closed() -> None:
    page = full_page()
    for tag in ("svg", "figure", "section", "table", "ul", "text"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag
