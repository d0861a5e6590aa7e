import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krobench.analysis.statistics.changepoints import change_points


def series(seed: int, *parts: tuple[int, float]) -> list[float]:
    """Parts of so many values at such a level, with a scatter of 3 %."""
    rng = random.Random(seed)
    return [level * rng.lognormvariate(0, 0.03) for count, level in parts for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_a_step_is_found_where_it_is(seed: int) -> None:
    assert change_points(series(seed, (12, 1.0), (8, 1.3))) == [12]


def test_two_steps_are_found_there_and_back() -> None:
    assert change_points(series(1, (12, 1.0), (12, 1.5), (12, 1.0))) == [12, 24]


# Seeds are fixed: this is a figure of the method, and no draw of lots.
def test_a_series_without_a_step_rarely_has_one() -> None:
    assert sum(bool(change_points(series(seed, (20, 1.0)))) for seed in range(60)) <= 2


def test_an_outlier_is_no_change() -> None:
    values = series(1, (20, 1.0))
    values[10] = 5.0
    assert change_points(values) == []


def test_too_few_values_or_equal_ones_have_no_change() -> None:
    assert change_points([1.0, 1.0, 1.0, 9.0, 9.0, 9.0]) == []
    assert change_points([2.0] * 30) == []
    assert change_points([]) == []


@settings(max_examples=20)
@given(st.lists(st.floats(1, 2), max_size=14))
def test_the_unit_does_not_matter(values: list[float]) -> None:
    scaled = [value * 4 for value in values]
    assert change_points(scaled) == change_points(values)
