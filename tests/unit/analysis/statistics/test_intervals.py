from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.analysis.records import iterations

from krobench.analysis.cel.costs import cost
from krobench.analysis.precision import headline
from krobench.analysis.scaling.fits import describe
from krobench.analysis.scaling.limit import find_crossing
from krobench.analysis.sizing.growth import Growth
from krobench.analysis.statistics.intervals import (
    FEWEST_FOR_INTERVAL,
    difference_error,
    mean_interval,
    nonnegative_interval,
    positive_interval,
    t_quantile,
)
from krobench.analysis.statistics.significance import compare_by_spread, rank_interval
from krobench.analysis.statistics.theilsen import fit_slope
from krobench.figures.cel import Estimate

SKEWED = st.one_of(
    st.floats(1e-3, 100.0),
    st.floats(-6.0, 4.0).map(lambda exponent: max(1e-6, 10.0**exponent)),
)
"""Times: close together, and over ten powers of ten."""
TIMES = st.lists(SKEWED, min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("degrees", "t"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (7, 2.365), (10, 2.228), (30, 2.042)],
)
def test_the_table_of_every_textbook(degrees: int, t: float) -> None:
    assert t_quantile(0.95, degrees) == pytest.approx(t, abs=6e-4)


def test_the_error_is_of_both_sides_and_the_degrees_are_satterthwaites() -> None:
    """Variances 1 and 3.7 over 3 and 5 values; of 5.99 degrees, 5 are whole."""
    error = difference_error([1.0, 2.0, 3.0], [0.0, 2.0, 3.0, 4.0, 5.0])
    assert error.value**2 == pytest.approx(1 / 3 + 3.7 / 5)
    assert error.degrees == 5


def test_sides_alike_have_all_their_degrees() -> None:
    assert difference_error([1.0, 2.0, 3.0], [5.0, 6.0, 7.0]).degrees == 4


def test_a_side_without_spread_leaves_those_of_the_other() -> None:
    assert difference_error([1.0, 1.0], [1.0, 2.0, 4.0, 4.5]).degrees == 3
    assert difference_error([1.0, 1.0], [2.0, 2.0]).value == 0


def test_the_screen_that_promised_a_time_of_zero_does_so_no_more() -> None:
    found = nonnegative_interval([0.55, 0.75, 2.4])
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low > 0.1
    assert found.high / found.value == pytest.approx(found.value / found.low)


@pytest.mark.parametrize("interval", [nonnegative_interval, positive_interval, cost])
@given(values=TIMES)
def test_an_interval_holds_its_estimate_and_nothing_below_zero(
    interval: Callable[[Sequence[float]], Estimate | None], values: list[float]
) -> None:
    found = interval(values)
    assert found is not None
    if len(values) < FEWEST_FOR_INTERVAL:
        assert (found.low, found.high) == (None, None)
    else:
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.value <= found.high


@given(values=st.lists(st.sampled_from([0.0, 1.0, 2.0, 50.0]), min_size=3, max_size=6))
def test_counts_of_which_some_are_zero_have_one_too(values: list[float]) -> None:
    found = nonnegative_interval(values)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=6))
def test_differences_have_one_that_holds_them_and_a_cost_that_is_positive_ends_at_zero(
    values: list[float],
) -> None:
    difference, spent = mean_interval(values), cost(values)
    assert difference is not None
    assert spent is not None
    assert (difference.low is None) == (len(values) < FEWEST_FOR_INTERVAL)
    for found in (difference, spent):
        if found.low is not None and found.high is not None:
            assert found.low <= found.value <= found.high
    if spent.value >= 0 and spent.low is not None:
        assert spent.low >= 0


@given(values=TIMES)
def test_a_headline_has_an_interval_if_there_are_enough_iterations(values: list[float]) -> None:
    found = headline(iterations(*values))
    assert found is not None
    assert found.iterations == len(values)
    if len(values) < FEWEST_FOR_INTERVAL:
        assert (found.low_seconds, found.high_seconds, found.half_width_ratio) == (None, None, None)
    else:
        assert found.low_seconds is not None
        assert found.high_seconds is not None
        assert 0 <= found.low_seconds <= found.mean_seconds <= found.high_seconds


@given(old=TIMES, new=TIMES)
def test_ratios_have_one_of_enough_values(old: list[float], new: list[float]) -> None:
    sides = [[value] for value in old], [[value] for value in new]
    few, ranks = compare_by_spread(*sides), rank_interval(*sides)
    assert (few is not None) == (max(len(old), len(new)) >= FEWEST_FOR_INTERVAL)
    assert (ranks is not None) == (min(len(old), len(new)) > FEWEST_FOR_INTERVAL)
    for found in (few.interval if few is not None else None, ranks):
        if found is not None:
            assert 0 <= found.low <= found.ratio <= found.high


@given(sizes=st.dictionaries(st.integers(1, 100), TIMES, min_size=2, max_size=4))
def test_a_slope_has_one_of_enough_values(sizes: dict[int, list[float]]) -> None:
    found = fit_slope(sizes)
    assert found is not None
    if min(map(len, sizes.values())) < FEWEST_FOR_INTERVAL:
        assert (found.low, found.high) == (None, None)
    if found.low is not None and found.high is not None:
        assert found.low <= found.slope <= found.high


@given(
    slope=st.floats(0, 1e6),
    around=st.tuples(st.floats(0, 1), st.floats(1, 20)),
    size=st.integers(1, 100_000),
    base=st.floats(1e6, 1e8),
)
def test_memory_at_a_size_has_one_that_holds_it_and_nothing_below_zero(
    slope: float, around: tuple[float, float], size: int, base: float
) -> None:
    measured = {10.0: [base, 1.1 * base], 1000.0: [base + 990 * slope]}
    low, high = (factor * slope for factor in around)
    found = Growth("instances", [], measured, "linear", slope, low, high).at(float(size))
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high


@given(
    steps=st.lists(st.floats(0.2, 3), min_size=3, max_size=6),
    noise=st.lists(st.floats(0.5, 2), min_size=12, max_size=12),
)
def test_a_curve_and_a_crossing_have_ones_that_hold_them(
    steps: list[float], noise: list[float]
) -> None:
    sizes = [round(10 * 2 ** sum(steps[: n + 1]), 2) for n in range(len(steps))]
    values = {
        size: [size * noise[(2 * n + i) % 12] for i in range(2)] for n, size in enumerate(sizes)
    }
    for fit in describe(values, ["linear", "power"]):
        for each in fit.record.parameters:
            if each.low is not None and each.high is not None:
                assert each.low <= each.value <= each.high
    crossing = find_crossing(values, sizes[-2] * 1.1, sizes[-2], sizes[-1])
    if crossing is not None:
        assert 0 < crossing.low <= crossing.size <= crossing.high
