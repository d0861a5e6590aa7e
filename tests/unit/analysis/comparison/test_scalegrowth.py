"""How figures grow with size on two sides of scale tests."""

import pytest

from krobench.analysis.comparison.scalegrowth import compare_growth
from krobench.api.specs.scaletest import Axis
from krobench.findings.scaling import Curve, CurveFit, Parameter, ScaleRecord, Trend

MEMORY = "kro.memory.residentBytes.max"


def grown(
    slope: float,
    low: float | None = None,
    high: float | None = None,
    trend: Trend = Trend.LINEAR,
    figure: str = MEMORY,
) -> ScaleRecord:
    parameter = Parameter(name="slope", value=slope, low=low, high=high)
    fit = CurveFit(model="linear", parameters=[parameter])
    curve = Curve(
        figure=figure, unit="bytes", axis=Axis.INSTANCES, points=[], fits=[fit], trend=trend
    )
    return ScaleRecord(axis=Axis.INSTANCES, curves=[curve])


def test_single_runs_have_a_ratio_of_slopes_with_an_interval() -> None:
    [found] = compare_growth([grown(100, 80, 125)], [grown(200, 160, 250)])
    assert (found.figure, found.old, found.new) == (MEMORY, 100, 200)
    assert found.ratio == pytest.approx(2)
    # Each side is off by a factor of 1.25, so both together by 1.25 ** sqrt(2).
    assert found.ratio_low == pytest.approx(2 / 1.25**2**0.5, rel=1e-4)
    assert found.ratio_high == pytest.approx(2 * 1.25**2**0.5, rel=1e-4)


def test_of_several_runs_the_medians_count_and_there_is_no_interval() -> None:
    [found] = compare_growth([grown(90), grown(100), grown(180)], [grown(50)])
    assert (found.old, found.new, found.ratio) == (100, 50, 0.5)
    assert found.ratio_low is found.ratio_high is None


@pytest.mark.parametrize(
    "other",
    [
        grown(100, trend=Trend.POWER),
        grown(100, trend=Trend.UNCHANGED),
        grown(-1),
        grown(100, figure="another"),
        ScaleRecord(axis=Axis.INSTANCES),
    ],
)
def test_figures_that_do_not_grow_along_a_line_everywhere_are_left_out(other: ScaleRecord) -> None:
    assert compare_growth([grown(100)], [other]) == []
    assert compare_growth([other], [grown(100)]) == []


@pytest.mark.parametrize(("low", "high"), [(None, None), (0, 200), (-5, 200)])
def test_a_slope_without_an_interval_above_zero_gives_none(
    low: float | None, high: float | None
) -> None:
    [found] = compare_growth([grown(100, low, high)], [grown(100, 90, 110)])
    assert found.ratio == 1
    assert found.ratio_low is None
