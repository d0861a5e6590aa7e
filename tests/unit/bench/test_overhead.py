import pytest

from bench.overhead import share_of


def test_what_many_samples_cost_is_divided_among_them() -> None:
    assert share_of(1.25, 25) == pytest.approx(0.01)


def test_a_ratio_below_one_is_no_cost_but_stays_what_it_is() -> None:
    assert share_of(0.95, 25) == pytest.approx(-0.002)
