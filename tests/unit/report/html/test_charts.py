"""What charts show, as data: a specification is drawn by a library that has its own tests."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.records import some_iteration, some_run, some_summary, some_test
from unit.report.html.test_page import created, sampled
from unit.report.scales import scale_run

from krobench.analysis.comparison.estimates import condense
from krobench.analysis.history import Change, Changes
from krobench.analysis.profiling.pprof import Profile, Stack, ValueType
from krobench.api.specs.scaletest import Axis
from krobench.figures.environment import Environment, KroFingerprint
from krobench.figures.rawdata import ObjectRecord, Sample
from krobench.figures.summaries import KroRestart, Latencies, LatencySummary
from krobench.findings.comparison import Better, Comparison, MetricComparison, MetricVerdict
from krobench.findings.scaling import Curve, CurvePoint, ScaleRecord, Trend
from krobench.record.run import RunRecord
from krobench.report.html.charts import instances, timeline
from krobench.report.html.charts.base import Chart, intervals, logarithmic_seconds, thinned
from krobench.report.html.charts.comparison import forest_plot, trend_charts
from krobench.report.html.charts.costs import flame_graphs
from krobench.report.html.charts.resources import resource_charts
from krobench.report.html.charts.scaling import scale_charts


def parts_of(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a specification and all layers in it."""
    yield spec
    for layer in spec.get("layer", ()):
        yield from parts_of(layer)


def rows_of(chart: Chart | None) -> list[dict[str, Any]]:
    """Return all data of a chart."""
    assert chart is not None
    return [row for part in parts_of(chart.spec) for row in part.get("data", {}).get("values", ())]


def labels_of(chart: Chart) -> set[str]:
    return {row["label"] for row in rows_of(chart) if "label" in row}


def charts_of(samples: list[Sample], objects: list[ObjectRecord] | None = None) -> dict[str, Chart]:
    found = resource_charts(some_run(), objects or [], samples)
    return {chart.title: chart for chart in found}


def many(count: int, **changed: Any) -> list[ObjectRecord]:
    return [created(index, 1.0 + index / 100, **changed) for index in range(count)]


def test_a_curve_with_instances_that_were_never_ready_ends_below_the_top() -> None:
    lines = [*many(20), *(created(20 + index, None) for index in range(10))]
    rows = rows_of(instances.distribution(some_run(), lines))
    assert max(row["y"] for row in rows) == pytest.approx(2 / 3, abs=1e-3)


def test_few_instances_are_dots_with_their_median_and_no_curve() -> None:
    lines = [created(0, 1.0), created(1, 3.0), created(2, None)]
    rows = rows_of(instances.distribution(some_run(), lines))
    assert sorted(row["y"] for row in rows if "name" in row) == [1.0, 3.0]
    assert [row["y"] for row in rows if "name" not in row] == [2.0]
    assert {row["row"] for row in rows} == {"a (2 of 3)"}


def test_few_instances_beside_many_are_dots_on_a_curve() -> None:
    lines = [*many(20), created(20, 1.0, test="few"), created(21, 2.0, test="few")]
    chart = instances.distribution(some_run(), lines)
    assert chart is not None
    curves, dots = parts_of_layers(chart)
    assert {row["test"] for row in curves} == {"a", "few"}
    assert [row["test"] for row in dots] == ["few", "few"]


def test_sizes_go_by_size_though_a_search_goes_up_and_down() -> None:
    run = scale_run(sizes={100: 1, 400: 1, 200: 1})
    lines = [
        created(index, 1.0, test=f"instances-{size}") for index, size in enumerate((100, 400, 200))
    ]
    rows = rows_of(instances.waterfall(run, lines))
    names = list(dict.fromkeys(row["test"] for row in rows))
    assert names == ["instances-100", "instances-200", "instances-400"]


def test_values_without_an_interval_get_no_line_for_it() -> None:
    known: dict[str, Any] = {"low": 1.0, "high": 2.0}
    unknown: dict[str, Any] = {"low": None, "high": None}
    assert intervals([unknown], {}) is None
    found = intervals([known, unknown], {})
    assert found is not None
    assert found["data"]["values"] == [known]


def parts_of_layers(chart: Chart) -> list[list[dict[str, Any]]]:
    return [layer["data"]["values"] for layer in chart.spec["layer"]]


def test_warm_up_and_what_was_refused_is_in_no_chart() -> None:
    for left_out in (created(0, warmup=True), created(0, acknowledged_seconds=None)):
        assert instances.distribution(some_run(), [left_out]) is None
        assert instances.waterfall(some_run(), [left_out]) is None
        assert timeline.over_time(some_run(), [left_out], []) is None


def test_one_instance_alone_has_no_chart_over_time() -> None:
    assert timeline.over_time(some_run(), [created(0)], []) is None
    assert timeline.over_time(some_run(), [created(0), created(1)], []) is not None


def test_no_line_joins_medians_over_a_time_without_requests() -> None:
    lines = [created(index, 1.0) for index in (*range(20), *range(500, 520))]
    chart = timeline.over_time(some_run(), lines, [])
    assert len({row["of"] for row in rows_of(chart) if "of" in row}) == 2


def test_a_wide_logarithmic_axis_leaves_room_for_the_label_of_a_second() -> None:
    narrow, wide = logarithmic_seconds([0.8, 0.99]), logarithmic_seconds([0.2, 2.0])
    assert narrow != wide
    assert logarithmic_seconds([]) == narrow


@given(st.integers(1, 5000), st.integers(2, 900))
def test_a_long_series_is_thinned_with_both_its_ends(count: int, most: int) -> None:
    shown = thinned(range(count), most)
    assert len(shown) <= max(most, 1)
    assert shown[0] == 0
    assert shown[-1] == count - 1


def test_of_many_instances_the_slowest_are_drawn() -> None:
    lines = [created(index, 1.0) for index in range(20_000)]
    lines[12_345] = created(12_345, 77.0)
    rows = rows_of(timeline.over_time(some_run(), lines, []))
    assert len(rows) < 1500
    assert any(row.get("y") == 77.0 for row in rows)


def test_what_happened_beside_the_load_is_marked() -> None:
    restarted = some_iteration(kro_restarts=[KroRestart(seconds=3.0, pod="kro-1")])
    refused = sampled("rest_client_requests_429_total", 0.0, 0.0, 4.0)
    chart = timeline.over_time(some_run(some_test(iterations=[restarted])), [created(0)], refused)
    assert chart is not None
    assert labels_of(chart) == {"kro restarted", "429: 4"}


def test_a_life_has_a_bar_for_each_stage_that_most_instances_had() -> None:
    one = created(0, 5.0, intended_seconds=-1.0, first_child_seconds=1.0)
    two = created(0, 5.0, intended_seconds=-1.0, first_child_seconds=2.0, active_seconds=4.0)
    rows = rows_of(instances.waterfall(some_run(), [one, two]))
    assert [row["stage"] for row in rows] == [
        "waiting to be sent",
        "create request",
        "until the first child",
        "until Ready",
    ]
    assert rows[-1]["to"] == pytest.approx(6.0)
    assert all(after["from"] == before["to"] for before, after in pairwise(rows))


def test_the_slowest_come_first_and_before_them_those_that_were_never_ready() -> None:
    lines = [created(0, 1.0), created(1, 9.0), created(2, None, error="no child")]
    names = [cells[2] for cells in instances.slowest(lines)]
    assert names == ["i2", "i1", "i0"]


def test_iterations_are_drawn_from_three_on() -> None:
    def run(count: int) -> Chart | None:
        ready = Latencies(instance_ready=LatencySummary(n=1, p50_seconds=1.0))
        iterations = [some_iteration(index=index, latency=ready) for index in range(count)]
        return instances.by_iteration(some_run(some_test(iterations=iterations)))

    assert run(2) is None
    assert len(rows_of(run(3))) == 3


def test_a_restart_is_no_negative_cpu_use() -> None:
    samples = sampled("process_cpu_seconds_total", 10.0, 11.0, 12.0, 0.5, 1.0, 1.5)
    assert all(row["y"] >= 0 for row in rows_of(charts_of(samples)["kro's CPU use"]) if "y" in row)


def test_two_samples_in_a_breath_are_no_cpu_use_of_nothing() -> None:
    """kro counts CPU time in hundredths of a second: at the border of a phase it seems to stand."""
    used = sampled("process_cpu_seconds_total", 10.0, 11.0, 12.0, 13.0)
    again = replace(used[1], seconds=used[1].seconds + 0.1)
    one, two = charts_of(used), charts_of([*used[:2], again, *used[2:]])
    assert rows_of(one["kro's CPU use"]) == rows_of(two["kro's CPU use"])


def test_the_mean_of_requests_is_of_those_between_two_samples() -> None:
    name = "rest_client_request_duration_seconds"
    samples = sampled(f"{name}_sum", 10.0, 10.1, 10.1, 10.5, 10.6)
    samples += sampled(f"{name}_count", 100.0, 110.0, 110.0, 120.0, 121.0)
    rows = rows_of(charts_of(samples)["Time of requests and of etcd's writes"])
    assert [row["y"] for row in rows] == pytest.approx([10.0, 40.0, 100.0])


def test_scrapes_that_show_the_same_measurement_count_once() -> None:
    """A kubelet measures every ten seconds or so, and says when."""
    scraped = [(1.0, 100.0, 5.0), (2.0, 100.0, 5.0), (9.0, 108.0, 9.0), (19.0, 118.0, 14.0)]
    samples = [
        Sample(
            seconds=seconds,
            source="kubelet",
            metric='container_cpu_usage_seconds_total{of="node"}',
            value=value,
            at=at,
        )
        for seconds, at, value in [*scraped, (29.0, 128.0, 19.0)]
    ]
    rows = rows_of(charts_of(samples)["CPU use around kro"])
    assert [row["y"] for row in rows] == [0.5, 0.5, 0.5]


def test_what_was_not_sampled_for_long_is_not_joined() -> None:
    samples = sampled("process_resident_memory_bytes", *[1e6] * 12)
    late = [replace(each, seconds=each.seconds + 60) for each in samples]
    rows = rows_of(charts_of([*samples, *late])["kro's memory"])
    assert sum(row["y"] is None for row in rows) == 1


def test_run_phases_are_shaded() -> None:
    samples = sampled("process_resident_memory_bytes", 1.0, 2.0, 3.0)
    lines = [created(0), created(1), created(0, phase=None), created(5, iteration=1)]
    rows = rows_of(charts_of(samples, lines)["kro's memory"])
    assert sum("x2" in row for row in rows) == 2


@pytest.mark.parametrize(("limit", "drawn"), [("0.5", True), ("64", False)])
def test_a_limit_is_drawn_unless_it_is_far_off(limit: str, drawn: bool) -> None:
    kro = KroFingerprint(namespace="kro-system", pod="kro", limits={"cpu": limit})
    run = some_run(environment=Environment(krobench="0", kro=kro))
    samples = sampled("process_cpu_seconds_total", 0.0, 0.4, 0.8, 1.2)
    [chart] = resource_charts(run, [], samples)
    assert bool(labels_of(chart)) is drawn
    assert limit in chart.note


def test_a_flame_graph_has_callees_below_their_callers_and_leaves_out_the_tiny() -> None:
    stacks = (
        Stack(("leaf", "root"), (600,)),
        Stack(("other", "root"), (399,)),
        Stack(("t",), (1,)),
    )
    profile = Profile((ValueType("cpu", "nanoseconds"),), stacks)
    [chart] = flame_graphs({"a": profile})
    rows = {row["function"]: row for row in rows_of(chart)}
    assert rows.keys() == {"root", "leaf", "other"}
    assert (rows["root"]["depth"], rows["leaf"]["depth"]) == (0, 1)
    assert rows["leaf"]["to"] - rows["leaf"]["from"] == pytest.approx(0.6)


def test_figures_are_drawn_with_fit_bound_and_limit() -> None:
    charts = {chart.title: chart for chart in scale_charts(scale_run())}
    latency = charts["Time until ready against instances"]
    assert sum("shown" in row for row in rows_of(latency)) == 2 * 12
    assert "SLO: 2 seconds" in labels_of(latency)
    assert any(label.startswith("limit: ") for label in labels_of(latency))
    assert any("x2" in row for row in rows_of(latency))
    assert "SLO: 300 MiB" in labels_of(charts["kro's memory against instances"])


def test_a_bound_that_is_far_off_is_not_drawn() -> None:
    run = scale_run()
    run.spec["slo"] = ["kro.memory.residentBytes.max < 300.0 * 1073741824.0"]
    charts = {chart.title: chart for chart in scale_charts(run)}
    assert not any("SLO" in label for label in labels_of(charts["kro's memory against instances"]))


def test_an_slo_of_another_figure_has_a_chart_of_its_own() -> None:
    run = scale_run()
    run.spec["slo"] = ["latency.rgdReady.p50 < 4.0"]
    points = [CurvePoint(size=1, value=1.0), CurvePoint(size=2, value=3.0)]
    curve = Curve(figure="latency.rgdReady.p50", unit="seconds", axis=Axis.RGDS, points=points)
    run.scale = ScaleRecord(axis=Axis.RGDS, curves=[curve])
    (chart,) = scale_charts(run)
    assert labels_of(chart) == {"SLO: 4 seconds"}


def test_what_does_not_change_with_size_has_no_fitted_line() -> None:
    run = scale_run()
    assert run.scale is not None
    for trend in (Trend.LINEAR, Trend.UNCHANGED):
        for curve in run.scale.curves:
            curve.trend = trend
        fitted = [
            row for row in rows_of(next(scale_charts(run))) if row.keys() == {"x", "y", "figure"}
        ]
        assert bool(fitted) is (trend is Trend.LINEAR)


def test_a_forest_has_each_primary_metric_that_has_a_ratio() -> None:
    def metric(name: str, **changes: Any) -> MetricComparison:
        return MetricComparison(
            test="a",
            metric=name,
            better=Better.LOWER,
            old_replicates=5,
            new_replicates=5,
            **({"primary": True, "ratio": 1.2, "verdict": MetricVerdict.WORSE} | changes),
        )

    metrics = [
        metric("kro.cpu.seconds", ratio_low=1.1, ratio_high=1.3),
        metric("kro.requests.total", primary=False),
        metric("latency.instanceReady.p50", ratio=None, verdict=MetricVerdict.INCONCLUSIVE),
    ]
    sides: dict[str, Any] = {"old": "old", "new": "new", "old_runs": [], "new_runs": []}
    chart = forest_plot(Comparison(**sides, minimum_effect=0.05, metrics=metrics))
    shown = {row["metric"] for row in rows_of(chart) if "metric" in row}
    assert len(shown) == 1
    assert {row["low"] for row in rows_of(chart) if "low" in row} == {1.1}


def test_a_trend_has_a_point_for_each_run_and_a_line_for_each_change() -> None:
    def run(day: int, version: str) -> RunRecord:
        kro = KroFingerprint(namespace="kro-system", pod="kro", version=version)
        ready = LatencySummary(n=1, p50_seconds=float(day))
        summary = some_summary(latency=Latencies(instance_ready=ready))
        return some_run(
            some_test(summary=summary),
            start_time=f"2026-01-0{day}T00:00:00Z",
            environment=Environment(krobench="0", kro=kro),
        )

    runs = [run(1, "0.9.3"), run(2, "0.9.4")]
    before, after = map(condense, runs)
    change = Change("a", "latency.instanceReady.p50", before, after, 1.0, 2.0)
    at = {(change.test, change.metric): Changes([change], [])}
    [chart] = trend_charts(runs, lambda *series: at.get(series, Changes([], [])))
    assert [row["value"] for row in rows_of(chart) if "version" in row] == [1.0, 2.0] * 2
    assert len(labels_of(chart)) == 1


def test_other_runs_have_no_charts_of_sizes() -> None:
    run = scale_run()
    run.scale = None
    assert list(scale_charts(run)) == []
