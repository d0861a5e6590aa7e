from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.analysis.statistics.ranks import mann_whitney, smallest_p, values_for

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
