import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.analysis.statistics.multiple import benjamini_hochberg

p_lists = st.lists(st.floats(0, 1), max_size=12)


def test_the_example_of_the_paper() -> None:
    """Benjamini and Hochberg 1995, section 4.1: four discoveries at q = 0.05."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
         0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]  # fmt: skip
    assert sum(value <= 0.05 for value in benjamini_hochberg(p)) == 4


@given(p_lists)
def test_adjusting_keeps_the_order_and_never_makes_smaller(p: list[float]) -> None:
    adjusted = benjamini_hochberg(p)
    assert all(a >= b - 1e-12 and a <= 1 for a, b in zip(adjusted, p, strict=True))
    by_p = [a for _, a in sorted(zip(p, adjusted, strict=True))]
    assert by_p == sorted(by_p)


def test_one_test_alone_is_not_adjusted() -> None:
    assert benjamini_hochberg([0.03]) == [pytest.approx(0.03)]
    assert benjamini_hochberg([]) == []
