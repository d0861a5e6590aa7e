import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.analysis.statistics.test_bootstrap import simulated

from krobench.analysis.statistics.significance import (
    benjamini_hochberg,
    compare_by_spread,
    mann_whitney,
    smallest_p,
    values_for,
)

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
    assert mann_whitney(low, high) == pytest.approx(smallest_p(runs, runs))
    assert smallest_p(runs, runs) == pytest.approx(p, abs=5e-5)


def test_so_many_values_are_needed_for_a_p() -> None:
    assert [values_for(p) for p in (0.05, 0.01, 0.05 / 7)] == [4, 5, 6]


def test_many_values_give_nearly_the_same_by_approximation() -> None:
    old = [float(i * 7 % 20) for i in range(20)]
    new = [value + 4.5 for value in old]
    exact = mann_whitney(old, new)
    assert mann_whitney([*old, 10.1], [*new, 14.4]) == pytest.approx(exact, abs=0.02)
    assert mann_whitney([1.0] * 30, [1.0] * 30) == 1.0


def test_a_side_without_values_cannot_be_ranked() -> None:
    with pytest.raises(ValueError, match="both sides"):
        mann_whitney([], [1.0])


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
