import pytest

from krobench.analysis.statistics.bootstrap import percentile_ends, seeded


def test_ends_leave_out_as_much_on_each_side_whatever_the_order() -> None:
    assert percentile_ends(float(value) for value in range(100, -1, -1)) == pytest.approx(
        (2.5, 97.5)
    )
    assert percentile_ends([0.0, 1.0], 0.25) == pytest.approx((0.25, 0.75))


def test_each_bootstrap_begins_with_the_same_numbers() -> None:
    assert seeded().random() == seeded().random()
