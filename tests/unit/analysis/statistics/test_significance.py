import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krobench.analysis.statistics.significance import (
    Runs,
    compare_by_spread,
    estimate,
    holm,
    mann_whitney,
    rank_interval,
    shift_interval,
)


def simulated(rng: random.Random, runs: int, drift: float, effect: float = 1.0) -> Runs:
    """Runs of three iterations: runs differ by ``drift``, iterations of one by 3 %."""
    levels = [effect * rng.lognormvariate(0, drift) for _ in range(runs)]
    return [[level * rng.lognormvariate(0, 0.03) for _ in range(3)] for level in levels]


few = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=5)


def by_enumeration(old: list[float], new: list[float]) -> float:
    """The definition: every way of dealing the pooled values to the two sides."""
    pooled = [*old, *new]

    def wins(indexes: tuple[int, ...]) -> float:
        others = [i for i in range(len(pooled)) if i not in indexes]
        return sum(
            (pooled[i] > pooled[j]) + (pooled[i] == pooled[j]) / 2 for i in indexes for j in others
        )

    mean = len(old) * len(new) / 2
    seen = abs(wins(tuple(range(len(old)))) - mean)
    all_ways = list(combinations(range(len(pooled)), len(old)))
    return sum(abs(wins(way) - mean) >= seen for way in all_ways) / len(all_ways)


@given(old=few, new=few)
def test_p_is_what_counting_all_deals_gives(old: list[float], new: list[float]) -> None:
    assert mann_whitney(old, new) == pytest.approx(by_enumeration(old, new))


@given(old=few, new=few)
def test_the_sides_may_be_exchanged_and_the_unit_does_not_matter(
    old: list[float], new: list[float]
) -> None:
    p = mann_whitney(old, new)
    assert 0 < p <= 1
    assert mann_whitney(new, old) == p
    assert mann_whitney([v * 3 + 1 for v in old], [v * 3 + 1 for v in new]) == p


@pytest.mark.parametrize(("runs", "p"), [(3, 0.10), (4, 0.0286), (5, 0.0079)])
def test_a_handful_of_runs_has_a_smallest_p(runs: int, p: float) -> None:
    low, high = [float(i) for i in range(runs)], [float(i + 100) for i in range(runs)]
    assert mann_whitney(low, high) == pytest.approx(p, abs=5e-5)


def test_many_values_give_nearly_the_same_by_approximation() -> None:
    old = [float(i * 7 % 20) for i in range(20)]
    new = [value + 4.5 for value in old]
    exact = mann_whitney(old, new)
    assert mann_whitney([*old, 10.1], [*new, 14.4]) == pytest.approx(exact, abs=0.02)
    assert mann_whitney([1.0] * 30, [1.0] * 30) == 1.0


def test_a_side_without_values_cannot_be_ranked() -> None:
    with pytest.raises(ValueError, match="both sides"):
        mann_whitney([], [1.0])


values = st.floats(0.1, 100)
sides = st.lists(st.lists(values, min_size=1, max_size=4), min_size=4, max_size=6)


@settings(max_examples=25, deadline=None)
@given(old=sides, new=sides)
def test_an_interval_is_around_the_ratio_and_turned_with_the_sides(old: Runs, new: Runs) -> None:
    there, back = rank_interval(old, new), rank_interval(new, old)
    assert there is not None
    assert back is not None
    assert there.low <= there.ratio <= there.high
    assert there.ratio == pytest.approx(estimate(new) / estimate(old))
    assert there.low == pytest.approx(1 / back.high)


@settings(max_examples=50, deadline=None)
@given(
    old=st.lists(values, min_size=4, max_size=7, unique=True),
    new=st.lists(values, min_size=4, max_size=7, unique=True),
)
def test_an_interval_leaves_out_what_the_rank_test_rejects(
    old: list[float], new: list[float]
) -> None:
    if set(old) & set(new):
        return
    interval = shift_interval([[value] for value in old], [[value] for value in new])
    assert interval is not None
    outside = interval.low > 0 or interval.high < 0
    assert not outside or mann_whitney(old, new) <= 0.05


# Seeds are fixed: these are figures, and no draw of lots.
@pytest.mark.parametrize("runs", [4, 5, 8, 25])
@pytest.mark.parametrize("scatter", [0.03, 0.3])
def test_an_interval_holds_the_truth_as_often_as_it_says(runs: int, scatter: float) -> None:
    """However much the iterations of a run scatter: a run has one value."""
    rng = random.Random(7)
    held = 0
    for _ in range(400):
        old, new = (
            [[level * rng.lognormvariate(0, scatter) for _ in range(3)] for level in levels]
            for levels in (
                [effect * rng.lognormvariate(0, 0.05) for _ in range(runs)] for effect in (1, 1.2)
            )
        )
        interval = rank_interval(old, new)
        assert interval is not None
        held += interval.low <= 1.2 <= interval.high
    assert 0.925 * 400 <= held <= 0.985 * 400


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
    assert rank_interval(old, new) is None


def test_adjusting_keeps_the_order_and_never_makes_smaller() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


# Seeds are fixed: these are figures, and no draw of lots.
@pytest.mark.parametrize(("old", "new"), [(4, 1), (5, 1), (10, 1), (1, 5), (5, 3)])
@pytest.mark.parametrize("drift", [0.03, 0.15])
def test_false_alarms_are_as_rare_as_p_says(old: int, new: int, drift: float) -> None:
    rng = random.Random(7)
    alarms = held = 0
    for _ in range(400):
        found = compare_by_spread(simulated(rng, old, drift), simulated(rng, new, drift, 1.2))
        assert found is not None
        held += found.interval.low <= 1.2 <= found.interval.high
        alike = compare_by_spread(simulated(rng, old, drift), simulated(rng, new, drift))
        assert alike is not None
        alarms += alike.p <= 0.05
    assert alarms <= 30
    assert held >= 360


# Five quiet runs say nothing of how far two or three noisy ones differ, nor the other way round.
@pytest.mark.parametrize(("old", "new"), [(4, 2), (5, 2), (5, 3), (10, 3)])
@pytest.mark.parametrize("drifts", [(0.03, 0.15), (0.15, 0.03)])
def test_false_alarms_are_rare_if_the_sides_drift_differently(
    old: int, new: int, drifts: tuple[float, float]
) -> None:
    rng = random.Random(7)
    alarms = held = 0
    for _ in range(400):
        found = compare_by_spread(
            simulated(rng, old, drifts[0]), simulated(rng, new, drifts[1], 1.2)
        )
        assert found is not None
        held += found.interval.low <= 1.2 <= found.interval.high
        alike = compare_by_spread(simulated(rng, old, drifts[0]), simulated(rng, new, drifts[1]))
        assert alike is not None
        alarms += alike.p <= 0.05
    assert alarms <= 32
    assert held >= 360


def test_what_is_far_beyond_the_drift_is_found() -> None:
    found = compare_by_spread([[1.0], [1.02], [0.98], [1.01], [0.99]], [[1.3]])
    assert found is not None
    assert found.p < 0.001
    assert found.interval.low > 1.2


def test_sides_without_any_spread_differ_or_do_not() -> None:
    same, other = (
        compare_by_spread([[2.0]] * 4, [[2.0]]),
        compare_by_spread([[2.0]] * 4, [[3.0]]),
    )
    assert same is not None
    assert other is not None
    assert same.p == 1.0
    assert 0 < other.p < 1e-6


@pytest.mark.parametrize(("old", "new"), [([[0.0], [1.0]], [[1.0]]), ([[1.0]], [[1.0]])])
def test_without_a_ratio_or_a_spread_there_is_no_comparison(
    old: list[list[float]], new: list[list[float]]
) -> None:
    assert compare_by_spread(old, new) is None
