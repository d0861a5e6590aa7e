import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.report.html.test_page import created, sampled

from krobench.report.html.charts import cpu_chart, latency_chart, memory_chart
from krobench.report.html.svg import Axis, Bar, Line, line_chart, share_bars, ticks

NUMBERS = st.floats(0, 1e12)


def heights(chart: str) -> list[float]:
    """Return the pixel heights that a chart's only line goes through."""
    [path] = re.findall(r'<path d="([^"]*)"', chart)
    return [float(y) for y in re.findall(r"[,V](\d+\.\d)", path)]


def test_the_curve_of_instances_that_were_never_ready_ends_below_the_top() -> None:
    whole = latency_chart([created(0), created(1, 2.0)])
    part = latency_chart([created(0), created(1, 2.0), created(2, None), created(3, None)])
    top = heights(whole)[-1]
    bottom = heights(whole)[0]
    assert heights(part)[-1] == pytest.approx((top + bottom) / 2)


def test_warm_up_and_what_was_refused_is_not_in_the_distribution() -> None:
    assert latency_chart([created(0, warmup=True)]) == ""
    assert latency_chart([created(0, acknowledged_seconds=None)]) == ""


def test_a_restart_is_no_negative_cpu_use() -> None:
    chart = cpu_chart([], sampled("process_cpu_seconds_total", 10.0, 11.0, 0.5, 1.0))
    assert len(heights(chart)) == 2


def test_two_samples_in_a_breath_are_no_cpu_use_of_nothing() -> None:
    """kro counts CPU time in hundredths of a second: at the border of a phase it seems to stand."""
    used = sampled("process_cpu_seconds_total", 10.0, 11.0, 12.0)
    again = replace(used[1], seconds=used[1].seconds + 0.1)
    assert cpu_chart([], [*used[:2], again, used[2]]) == cpu_chart([], used)


def test_run_phases_are_shaded() -> None:
    samples = sampled("process_resident_memory_bytes", 1.0, 2.0, 3.0)
    lines = [created(0), created(1), created(0, phase=None), created(5, iteration=1)]
    assert memory_chart(lines, samples).count('class="band"') == 2


@given(NUMBERS)
def test_ticks_are_few_round_and_in_range(end: float) -> None:
    found = ticks(end)
    assert 1 <= len(found) <= 9
    assert found[0] == 0
    assert all(tick <= end * (1 + 1e-9) for tick in found)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5))
def test_whatever_the_points_nothing_is_drawn_outside(points: list[tuple[float, float]]) -> None:
    chart = line_chart([Line("a", sorted(points))], Axis("x", str), Axis("y", str))
    assert all(0 <= y <= 300 for y in heights(chart))


def test_names_are_escaped() -> None:
    assert "<b>" not in share_bars([Bar("<b>", [("<b>", 0.5), ('"x', 0.5)])])
