"""The screen at the end of ``krobench run``: it fits, whatever the run was like."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.records import some_iteration, some_run, some_summary, some_test
from unit.report.scales import scale_run

from krobench.api.common import ErrorInfo
from krobench.api.status import Verdict
from krobench.figures.catalogue import KRO_RESIDENT, THROUGHPUT
from krobench.figures.summaries import Figures, Latencies, LatencySummary
from krobench.record.run import RunRecord
from krobench.record.store import read_run_record
from krobench.record.test import TestRecord, TestState
from krobench.report import gist
from krobench.report.terminal import render

STORED = Path(__file__).parents[1] / "record" / "data"
RUNS = [
    scale_run(),
    *(read_run_record(json.loads(file.read_text())) for file in STORED.glob("*.json")),
]
WIDTHS = (80, 100, 120)


def fits(screen: str, width: int = 100) -> bool:
    lines = screen.splitlines()
    return len(lines) <= 40 and max(map(len, lines)) <= width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("run", RUNS)
def test_nothing_of_what_a_run_shows_is_cut_off(run: RunRecord, width: int) -> None:
    screen = render(run, width)
    assert fits(screen, width)
    assert "…" not in screen
    flowing = " ".join(screen.split())
    for text in (gist.limit_found(run), gist.held_back(run), gist.to_change(run)):
        assert " ".join(text.split()) in flowing


@pytest.mark.parametrize("width", WIDTHS)
def test_a_text_that_is_too_long_ends_with_a_whole_sentence_and_says_so(width: int) -> None:
    error = ErrorInfo(reason="Timeout", message="A short sentence of a few words. " * 40)
    run = some_run(some_test(state=TestState.FAILED), verdict=Verdict.ERROR, error=error)
    screen = render(run, width)
    assert fits(screen, width)
    assert "words. (more in the report)" in " ".join(screen.split())
    assert "…" not in screen


@pytest.mark.parametrize("run", RUNS)
def test_the_verdict_comes_first_and_where_the_report_is_last(run: RunRecord) -> None:
    screen = render(run)
    assert screen.startswith(f"{run.verdict or 'Running'}: {run.namespace}/{run.name}\n")
    assert screen.endswith(
        f"krobench report {run.kind.lower()}/{run.namespace}/{run.name} --open\n"
    )


def test_each_size_of_a_scale_test_has_a_line() -> None:
    run = scale_run()
    assert run.scale is not None
    lines = render(run).splitlines()
    for size in run.scale.sizes:
        assert any(line.startswith(f"  {size.size:g} ") for line in lines), size.size


@given(
    width=st.sampled_from(WIDTHS),
    names=st.lists(st.text(min_size=1, max_size=63), min_size=0, max_size=40, unique=True),
    message=st.text(max_size=4000),
    warnings=st.lists(st.text(max_size=1000), max_size=50),
)
def test_it_fits_whatever_went_wrong(
    width: int, names: Sequence[str], message: str, warnings: list[str]
) -> None:
    error = ErrorInfo(reason="Timeout", message=message)
    tests = [some_test(name=name, state=TestState.FAILED, error=error) for name in names]
    run = some_run(*tests, verdict=Verdict.ERROR, error=error, warnings=warnings)
    assert fits(render(run, width), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_long_name_costs_the_picture_and_no_figure(width: int) -> None:
    short, long = (render(some_run(measured(name * 63)), width) for name in ("", "a"))
    for figure in ("p99 2 s", "3/s", "kro 1 MiB"):
        assert figure in short
        assert figure in long
    assert "█" in short
    assert "█" not in long
    assert fits(long, width)


def test_a_run_that_is_too_long_for_a_screen_says_what_it_leaves_out() -> None:
    error = ErrorInfo(reason="Timeout", message="A short sentence of a few words. " * 40)
    tests = [measured(f"{'a' * 60}{number}") for number in range(20)]
    screen = render(some_run(*tests, verdict=Verdict.ERROR, error=error), 64)
    assert fits(screen, 64)
    assert "p99 2 s" in screen
    assert "more in the report" in screen


def measured(name: str) -> TestRecord:
    ready = LatencySummary(n=100, p50_seconds=1.0, p99_seconds=2.0)
    figures = Figures({THROUGHPUT.name: 3.0, KRO_RESIDENT.max.name: 2.0**20})
    summary = some_summary(latency=Latencies(instance_ready=ready), figures=figures)
    return some_test(name=name, summary=summary)


@pytest.mark.parametrize(("count", "drawn"), [(3, "▃▅█"), (1, "████")])
def test_iterations_are_drawn_if_there_are_enough(count: int, drawn: str) -> None:
    ready = [LatencySummary(n=1, p50_seconds=seconds) for seconds in (1.0, 2.0, 4.0)[-count:]]
    iterations = [some_iteration(latency=Latencies(instance_ready=each)) for each in ready]
    summary = some_summary(latency=Latencies(instance_ready=ready[-1]))
    test = some_test(iterations=iterations, summary=summary)
    assert drawn in render(some_run(test))
