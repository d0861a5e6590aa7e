import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.analysis.statistics.theilsen import fit_slope

NUMBERS = st.floats(-1e6, 1e6)


@given(slope=NUMBERS, offset=NUMBERS, sizes=st.sets(st.integers(1, 1000), min_size=2, max_size=5))
def test_points_on_a_line_give_its_slope(slope: float, offset: float, sizes: set[int]) -> None:
    fit = fit_slope({size: [offset + slope * size] * 5 for size in sizes})
    assert fit is not None
    assert fit.slope == pytest.approx(slope, abs=1e-6, rel=1e-6)
    assert fit.low == pytest.approx(fit.high, abs=1e-6, rel=1e-6)


def test_one_wild_point_of_many_does_not_move_it() -> None:
    values = {size: [2.0 * size] * 5 for size in (1, 2, 4, 8)}
    values[4][0] = 1e6
    fit = fit_slope(values)
    assert fit is not None
    assert fit.slope == pytest.approx(2.0)
    assert fit.low is not None
    assert fit.high is not None
    assert fit.low <= 2.0 <= fit.high


# Seeds are fixed: these are figures, and no draw of lots.
@pytest.mark.parametrize(
    ("sizes", "repetitions"),
    [((1, 4), 3), ((1, 4), 4), ((1, 4), 8), ((1, 2, 4), 5), ((1, 2, 4, 8), 5)],
)
def test_the_interval_holds_the_truth_as_often_as_it_says(
    sizes: tuple[int, ...], repetitions: int
) -> None:
    rng = random.Random(7)
    held = 0
    for _ in range(200):
        fit = fit_slope(
            {size: [10 + 2 * size + rng.gauss(0, 1) for _ in range(repetitions)] for size in sizes}
        )
        assert fit is not None
        assert fit.low is not None
        assert fit.high is not None
        held += fit.low <= 2 <= fit.high
    assert held >= 180


def test_three_sizes_with_few_iterations_have_a_slope_and_no_interval() -> None:
    fit = fit_slope({1: [1.0, 1.1, 0.9], 2: [2.0, 2.1, 1.9], 3: [3.0, 3.1, 2.9]})
    assert fit is not None
    assert fit.slope == pytest.approx(1.0)
    assert (fit.low, fit.high) == (None, None)


def test_single_iterations_give_a_slope_and_no_interval() -> None:
    fit = fit_slope({1: [1.0], 3: [7.0]})
    assert fit is not None
    assert (fit.slope, fit.low, fit.high) == (3.0, None, None)


def test_one_size_has_no_slope() -> None:
    assert fit_slope({1: [1.0, 2.0], 2: []}) is None
