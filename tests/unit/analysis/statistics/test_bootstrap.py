import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krobench.analysis.statistics.bootstrap import (
    Runs,
    estimate,
    percentile_ends,
    ratio_interval,
    seeded,
)


def test_ends_leave_out_as_much_on_each_side_whatever_the_order() -> None:
    assert percentile_ends(float(value) for value in range(100, -1, -1)) == pytest.approx(
        (2.5, 97.5)
    )
    assert percentile_ends([0.0, 1.0], 0.25) == pytest.approx((0.25, 0.75))


def test_each_bootstrap_begins_with_the_same_numbers() -> None:
    assert seeded().random() == seeded().random()


values = st.floats(0.1, 100)
sides = st.lists(st.lists(values, min_size=1, max_size=4), min_size=4, max_size=6)


def simulated(rng: random.Random, runs: int, drift: float, effect: float = 1.0) -> Runs:
    """Runs of three iterations: runs differ by ``drift``, iterations of one by 3 %."""
    levels = [effect * rng.lognormvariate(0, drift) for _ in range(runs)]
    return [[level * rng.lognormvariate(0, 0.03) for _ in range(3)] for level in levels]


@settings(max_examples=25, deadline=None)
@given(old=sides, new=sides)
def test_the_interval_is_around_the_ratio(old: Runs, new: Runs) -> None:
    interval = ratio_interval(old, new)
    assert interval is not None
    assert interval.low <= interval.ratio * (1 + 1e-9)
    assert interval.high >= interval.ratio * (1 - 1e-9)
    assert interval.ratio == pytest.approx(estimate(new) / estimate(old))


def test_equal_input_gives_an_equal_interval() -> None:
    old, new = [[1.0, 1.1], [1.2], [1.1], [0.9]], [[1.3, 1.1, 1.5, 1.2]]
    interval = ratio_interval(old, new)
    assert interval is not None
    assert interval == ratio_interval(old, new)


# Seeds are fixed: these are figures, and no draw of lots.
@pytest.mark.parametrize(("old", "new"), [(4, 4), (5, 5), (8, 8)])
def test_the_interval_holds_the_truth_as_often_as_it_says(old: int, new: int) -> None:
    rng = random.Random(7)
    held = 0
    for _ in range(100):
        interval = ratio_interval(simulated(rng, old, 0.05), simulated(rng, new, 0.05, 1.2))
        assert interval is not None
        held += interval.low <= 1.2 <= interval.high
    assert held >= 90


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([[0.0, 1.0, 1.0, 1.0]], [[1.0, 2.0, 3.0, 4.0]]),
        ([[1.0]] * 4, [[-1.0]] * 4),
        ([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0, 4.0]]),
        ([[1.0, 2.0, 3.0, 4.0]] * 4, [[1.0, 2.0, 3.0, 4.0]] * 3),
    ],
)
def test_there_is_no_interval_without_enough_positive_values(old: Runs, new: Runs) -> None:
    assert ratio_interval(old, new) is None
