import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.analysis.theilsen import fit_slope

NUMBERS = st.floats(-1e6, 1e6)


@given(slope=NUMBERS, offset=NUMBERS, sizes=st.sets(st.integers(1, 1000), min_size=2, max_size=5))
def test_points_on_a_line_give_its_slope(slope: float, offset: float, sizes: set[int]) -> None:
    fit = fit_slope({size: [offset + slope * size] * 2 for size in sizes})
    assert fit is not None
    assert fit.slope == pytest.approx(slope, abs=1e-6, rel=1e-6)
    assert fit.low == pytest.approx(fit.high, abs=1e-6, rel=1e-6)


def test_one_wild_point_of_many_does_not_move_it() -> None:
    values = {size: [2.0 * size, 2.0 * size] for size in (1, 2, 4, 8)}
    values[4][0] = 1e6
    fit = fit_slope(values)
    assert fit is not None
    assert fit.slope == pytest.approx(2.0)
    assert fit.low is not None
    assert fit.high is not None
    assert fit.low <= 2.0 <= fit.high


def test_without_repetitions_there_is_a_slope_and_no_interval() -> None:
    fit = fit_slope({1: [1.0], 3: [7.0]})
    assert fit is not None
    assert (fit.slope, fit.low, fit.high) == (3.0, None, None)


def test_one_size_has_no_slope() -> None:
    assert fit_slope({1: [1.0, 2.0], 2: []}) is None
