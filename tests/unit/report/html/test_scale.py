import re

from unit.report.scales import scale_run

from krobench.api.specs.scaletest import Axis
from krobench.findings.scaling import Curve, CurvePoint, ScaleRecord
from krobench.report.html.charts import scale_charts
from krobench.report.html.page import render


def test_figures_are_drawn_with_fit_bound_and_limit() -> None:
    charts = {chart.title: chart for chart in scale_charts(scale_run())}
    latency = charts["Time until ready against instances"]
    assert latency.svg.count("<circle") == 2 * 12
    assert "SLO: 2 seconds" in latency.svg
    assert re.search(r"limit: 1,?00\d|limit: 99\d", latency.svg)
    assert 'class="band"' in latency.svg
    assert "SLO: 300 MiB" in charts["kro's memory against instances"].svg
    assert "Each further instance adds 64 KiB" in charts["kro's memory against instances"].note


def test_a_bound_that_is_far_off_is_not_drawn() -> None:
    run = scale_run()
    run.spec["slo"] = ["kro.memory.residentBytes.max < 300.0 * 1073741824.0"]
    charts = {chart.title: chart for chart in scale_charts(run)}
    assert "SLO" not in charts["kro's memory against instances"].svg


def test_an_slo_of_another_figure_has_a_chart_of_its_own() -> None:
    run = scale_run()
    run.spec["slo"] = ["latency.rgdReady.p50 < 4.0"]
    points = [CurvePoint(size=1, value=1.0), CurvePoint(size=2, value=3.0)]
    curve = Curve(figure="latency.rgdReady.p50", unit="seconds", axis=Axis.RGDS, points=points)
    run.scale = ScaleRecord(axis=Axis.RGDS, curves=[curve])
    (chart,) = scale_charts(run)
    assert chart.title == "Time until an RGD is ready, p50 against RGDs"
    assert "SLO: 4 seconds" in chart.svg


def test_the_page_begins_with_the_limit() -> None:
    page = render(scale_run(), [], [])
    assert page.index("kro meets all SLOs up to 1") < page.index("<svg")
    assert "Time until ready against instances" in page


def test_other_runs_have_no_such_charts() -> None:
    run = scale_run()
    run.scale = None
    assert list(scale_charts(run)) == []
    assert 'class="lead"' not in render(run, [], [])
