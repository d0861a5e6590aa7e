import random

import pytest
from unit.analysis.statistics.test_bootstrap import simulated

from krobench.analysis.statistics.few import compare_few


# Seeds are fixed: these are figures, and no draw of lots.
@pytest.mark.parametrize(("old", "new"), [(4, 1), (5, 1), (10, 1), (1, 5), (5, 3)])
@pytest.mark.parametrize("drift", [0.03, 0.15])
def test_false_alarms_are_as_rare_as_p_says(old: int, new: int, drift: float) -> None:
    rng = random.Random(7)
    alarms = held = 0
    for _ in range(400):
        found = compare_few(simulated(rng, old, drift), simulated(rng, new, drift, 1.2))
        assert found is not None
        held += found.interval.low <= 1.2 <= found.interval.high
        alike = compare_few(simulated(rng, old, drift), simulated(rng, new, drift))
        assert alike is not None
        alarms += alike.p <= 0.05
    assert alarms <= 30
    assert held >= 360


# Five quiet runs say nothing of how far two or three noisy ones differ, nor the other way round.
@pytest.mark.parametrize(("old", "new"), [(4, 2), (5, 2), (5, 3), (10, 3)])
@pytest.mark.parametrize("drifts", [(0.03, 0.15), (0.15, 0.03)])
def test_false_alarms_are_rare_where_the_sides_drift_differently(
    old: int, new: int, drifts: tuple[float, float]
) -> None:
    rng = random.Random(7)
    alarms = held = 0
    for _ in range(400):
        found = compare_few(simulated(rng, old, drifts[0]), simulated(rng, new, drifts[1], 1.2))
        assert found is not None
        held += found.interval.low <= 1.2 <= found.interval.high
        alike = compare_few(simulated(rng, old, drifts[0]), simulated(rng, new, drifts[1]))
        assert alike is not None
        alarms += alike.p <= 0.05
    assert alarms <= 32
    assert held >= 360


def test_what_is_far_beyond_the_drift_is_found() -> None:
    found = compare_few([[1.0], [1.02], [0.98], [1.01], [0.99]], [[1.3]])
    assert found is not None
    assert found.p < 0.001
    assert found.interval.low > 1.2


def test_sides_without_any_spread_differ_or_do_not() -> None:
    same, other = compare_few([[2.0]] * 4, [[2.0]]), compare_few([[2.0]] * 4, [[3.0]])
    assert same is not None
    assert other is not None
    assert same.p == 1.0
    assert 0 < other.p < 1e-6


@pytest.mark.parametrize(("old", "new"), [([[0.0], [1.0]], [[1.0]]), ([[1.0]], [[1.0]])])
def test_nothing_is_said_where_there_is_no_ratio_or_no_spread(
    old: list[list[float]], new: list[list[float]]
) -> None:
    assert compare_few(old, new) is None
