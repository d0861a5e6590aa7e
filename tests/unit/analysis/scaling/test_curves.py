import math
import random
from collections.abc import Callable
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krobench.analysis.scaling.curves import curve_of
from krobench.analysis.scaling.models import fitted_of
from krobench.api.specs.scaletest import Axis
from krobench.findings.scaling import Curve, CurvePoint, Parameter, Trend
from krobench.report.words.curves import curve_line

MEMORY = "kro.memory.residentBytes.max"
LATENCY = "latency.instanceReady.p99"
THROUGHPUT = "throughput.instancesPerSecond"
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


def measured(
    truth: Callable[[float], float], seed: int = 1, scatter: float = 0.02, repeated: int = 3
) -> list[CurvePoint]:
    """Return points as a scale test has them: one of each size, more of the two largest."""
    rng = random.Random(seed)
    return [
        CurvePoint(size=size, value=truth(size) * math.exp(rng.gauss(0, scatter)))
        for size in SIZES
        for _ in range(repeated if size >= SIZES[-2] else 1)
    ]


def parameter(curve: Curve, name: str) -> Parameter:
    return next(each for each in curve.fits[0].parameters if each.name == name)


def holds(found: Parameter | None, truth: float) -> bool:
    return (
        found is not None
        and found.low is not None
        and found.high is not None
        and found.low <= truth <= found.high
    )


def law(size: float, contention: float = 0.05, coherency: float = 0.001) -> float:
    return 20 * size / (1 + contention * (size - 1) + coherency * size * (size - 1))


def test_a_change_that_is_less_than_the_scatter_of_three_sizes_is_none() -> None:
    """Figures of a real run: time until ready, in seconds, of collections of 1, 4 and 8 objects."""
    points = [CurvePoint(size=s, value=v) for s, v in ((1, 0.644), (4, 0.694), (8, 0.603))]
    curve = curve_of("latency.instanceReady.p50", points, Axis.COLLECTION_SIZE)
    assert curve.trend is Trend.UNCHANGED


def test_a_straight_line_is_described_by_what_one_more_adds() -> None:
    curve = curve_of(MEMORY, measured(lambda n: 50e6 + 7e6 * n), Axis.RGDS)
    assert [fit.model for fit in curve.fits] == ["linear", "power"]
    assert holds(parameter(curve, "slope"), 7e6)
    assert curve.fits[0].error_ratio == pytest.approx(0.02, abs=0.02)
    assert curve.trend is Trend.LINEAR


def test_a_power_law_is_distinguished_from_a_straight_line() -> None:
    curve = curve_of(LATENCY, measured(lambda n: 0.01 * n**1.7), Axis.INSTANCES)
    assert curve.fits[0].model == "power"
    assert holds(parameter(curve, "exponent"), 1.7)
    assert curve.trend is Trend.POWER


def test_of_two_that_are_about_as_good_the_simpler_comes_first() -> None:
    curve = curve_of(LATENCY, measured(lambda n: 0.1 * n), Axis.INSTANCES)
    assert curve.fits[0].model == "linear"


def test_a_figure_that_falls_is_described_as_falling() -> None:
    curve = curve_of(THROUGHPUT, measured(lambda n: 100 - n), Axis.RGDS)
    assert curve.trend is Trend.LINEAR
    assert parameter(curve, "slope").value == pytest.approx(-1, abs=0.1)


def test_a_steady_figure_does_not_grow() -> None:
    curve = curve_of(LATENCY, measured(lambda n: 0.2), Axis.INSTANCES)
    assert curve.trend is Trend.UNCHANGED


# Seeds are fixed: these are figures, and no draw of lots.
@pytest.mark.parametrize("scatter", [0.02, 0.1])
def test_intervals_hold_the_truth_as_often_as_they_say(scatter: float) -> None:
    slopes = [
        curve_of(MEMORY, measured(lambda n: 50e6 + 7e6 * n, seed, scatter), Axis.RGDS)
        for seed in range(60)
    ]
    lines = [curve for curve in slopes if curve.fits[0].model == "linear"]
    assert len(lines) >= 45
    assert sum(holds(parameter(c, "slope"), 7e6) for c in lines) >= 0.9 * len(lines)
    powers = [
        curve_of(LATENCY, measured(lambda n: 0.01 * n**1.7, seed, scatter), Axis.INSTANCES)
        for seed in range(60)
    ]
    assert sum(holds(parameter(c, "exponent"), 1.7) for c in powers) >= 54


@pytest.mark.parametrize("scatter", [0.02, 0.05])
def test_the_peak_of_throughput_is_recovered(scatter: float) -> None:
    true_peak = math.sqrt(0.95 / 0.001)
    curves = [
        curve_of(THROUGHPUT, measured(law, seed, scatter), Axis.CONCURRENCY) for seed in range(40)
    ]
    peaks = [curve.peak for curve in curves if curve.fits[0].model == "usl"]
    assert len(peaks) >= 36
    known = [peak for peak in peaks if peak is not None]
    assert median(peak.value for peak in known) == pytest.approx(true_peak, rel=0.05)
    held = [peak for peak in known if peak.low is not None]
    inside = [p for p in held if (p.low or 0) <= true_peak <= (p.high or math.inf)]
    assert len(inside) >= 0.9 * len(peaks)
    assert {curve.trend for curve in curves} == {Trend.PEAK}


def test_a_throughput_that_only_falls_has_its_peak_below_the_sizes() -> None:
    points = [
        CurvePoint(size=size, value=law(size, contention=0.9, coherency=0.02))
        for size in (4.0, 8.0, 16.0, 32.0, 64.0)
    ]
    curve = curve_of(THROUGHPUT, points, Axis.CONCURRENCY)
    assert (curve.fits[0].model, curve.peak) == ("usl", None)
    assert curve.trend is Trend.FALLING


def test_a_peak_beyond_the_sizes_is_none_and_said_so() -> None:
    curve = curve_of(THROUGHPUT, measured(lambda n: law(n, coherency=0.00001)), Axis.CONCURRENCY)
    assert (curve.fits[0].model, curve.peak) == ("usl", None)
    assert curve.trend is Trend.PEAK_BEYOND


def test_the_knee_of_latency_is_recovered() -> None:
    def truth(rate: float) -> float:
        return 0.2 * max(1.0, rate / 12) ** 2

    curves = [curve_of(LATENCY, measured(truth, s), Axis.ARRIVAL_RATE) for s in range(10)]
    assert {curve.fits[0].model for curve in curves} == {"knee"}
    assert sum(holds(curve.peak, 12) for curve in curves) >= 9
    assert {curve.trend for curve in curves} == {Trend.KNEE}
    assert parameter(curves[0], "level").value == pytest.approx(0.2, rel=0.05)


def test_latency_without_a_knee_has_none() -> None:
    curve = curve_of(LATENCY, measured(lambda rate: 0.01 * rate), Axis.ARRIVAL_RATE)
    assert curve.peak is None


def test_two_sizes_are_too_few() -> None:
    points = [CurvePoint(size=1, value=1.0), CurvePoint(size=2, value=2.0)]
    curve = curve_of(MEMORY, points, Axis.RGDS)
    assert curve.fits == []
    assert curve.trend is Trend.TOO_FEW_SIZES


def test_few_values_have_a_fit_and_no_interval() -> None:
    points = [CurvePoint(size=n, value=n * 1e6) for n in (1, 2, 4)]
    curve = curve_of(MEMORY, points, Axis.RGDS)
    assert parameter(curve, "slope").value == pytest.approx(1e6)
    assert parameter(curve, "slope").low is None
    assert curve.trend is Trend.LINEAR


POINTS = st.lists(
    st.builds(
        CurvePoint,
        size=st.one_of(st.sampled_from([0.01, 1.0, 2.0, 3.0, 1e5]), st.floats(0.01, 1e5)),
        value=st.one_of(st.just(0.0), st.floats(-1e12, 1e12)),
    ),
    max_size=9,
)


@settings(max_examples=60, deadline=None)
@given(
    points=POINTS,
    axis=st.sampled_from(Axis),
    figure=st.sampled_from([MEMORY, LATENCY, THROUGHPUT, "metrics.x"]),
)
def test_odd_points_are_survived(points: list[CurvePoint], axis: Axis, figure: str) -> None:
    curve = curve_of(figure, points, axis)
    assert curve_line(curve)
    recorded = Curve.model_validate_json(curve.model_dump_json())
    for fit in recorded.fits:
        assert fitted_of(fit).parameters.keys() == {each.name for each in fit.parameters}
