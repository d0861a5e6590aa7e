import pytest

from krobench.analysis.statistics.intervals import difference_error, t_quantile


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
