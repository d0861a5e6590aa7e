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
from krobench.record.test import TestState
from krobench.report.terminal import render

STORED = Path(__file__).parents[1] / "record" / "data" / "run-v1-2026-11.json"


def fits(screen: str) -> bool:
    lines = screen.splitlines()
    return len(lines) <= 40 and max(map(len, lines)) <= 100


@pytest.mark.parametrize("run", [scale_run(), read_run_record(json.loads(STORED.read_text()))])
def test_the_verdict_comes_first_and_where_the_report_is_last(run: RunRecord) -> None:
    screen = render(run)
    assert fits(screen)
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
    names=st.lists(st.text(min_size=1, max_size=63), min_size=0, max_size=40, unique=True),
    message=st.text(max_size=4000),
    warnings=st.lists(st.text(max_size=1000), max_size=50),
)
def test_it_fits_whatever_went_wrong(
    names: Sequence[str], message: str, warnings: list[str]
) -> None:
    error = ErrorInfo(reason="Timeout", message=message)
    tests = [some_test(name=name, state=TestState.FAILED, error=error) for name in names]
    run = some_run(*tests, verdict=Verdict.ERROR, error=error, warnings=warnings)
    assert fits(render(run))


def test_a_long_name_costs_the_details_that_matter_least() -> None:
    ready = LatencySummary(n=100, p50_seconds=1.0, p99_seconds=2.0)
    figures = Figures({THROUGHPUT.name: 3.0, KRO_RESIDENT.max.name: 2.0**20})
    summary = some_summary(latency=Latencies(instance_ready=ready), figures=figures)
    [short, long] = (render(some_run(some_test(name=n, summary=summary))) for n in ("a", "a" * 40))
    assert "kro 1 MiB" in short
    assert "p99 2 s" in long
    assert "kro 1 MiB" not in long
    assert "…" not in long


@pytest.mark.parametrize(("count", "drawn"), [(3, "▃▅█"), (1, "████")])
def test_iterations_are_drawn_if_there_are_enough(count: int, drawn: str) -> None:
    ready = [LatencySummary(n=1, p50_seconds=seconds) for seconds in (1.0, 2.0, 4.0)[-count:]]
    iterations = [some_iteration(latency=Latencies(instance_ready=each)) for each in ready]
    summary = some_summary(latency=Latencies(instance_ready=ready[-1]))
    test = some_test(iterations=iterations, summary=summary)
    assert drawn in render(some_run(test))
