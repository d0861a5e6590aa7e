import random

import pytest

from krobench.analysis.statistics.permutation import dealt, step_down

METRICS = 7


def runs(rng: random.Random, count: int, factor: float = 1.0) -> list[list[float]]:
    """Return of each run seven metrics that have nothing to do with each other."""
    return [
        [factor * rng.lognormvariate(0, 0.05), *(rng.lognormvariate(0, 0.05) for _ in range(6))]
        for _ in range(count)
    ]


def p_values(old: list[list[float]], new: list[list[float]]) -> list[float]:
    both = [*old, *new]
    metrics = [{run: both[run][metric] for run in range(len(both))} for metric in range(METRICS)]
    return dealt(metrics, len(old), len(new))


def test_a_large_change_of_one_metric_is_found_whatever_else_is_watched() -> None:
    rng = random.Random(3)
    found = [p_values(runs(rng, 5), runs(rng, 5, 10.0))[0] for _ in range(20)]
    assert max(found) == pytest.approx(2 / 252)


def test_false_alarms_in_any_metric_are_as_rare_as_p_says() -> None:
    rng = random.Random(5)
    alarms = sum(min(p_values(runs(rng, 5), runs(rng, 5))) <= 0.05 for _ in range(200))
    assert alarms <= 18


def test_a_metric_that_follows_another_costs_nothing() -> None:
    alone = dict(enumerate([1.0, 1.1, 1.05, 1.02, 1.3, 1.25, 1.4, 1.32]))
    twice = {run: 2 * value for run, value in alone.items()}
    [p] = dealt([alone], 4, 4)
    assert dealt([alone, twice], 4, 4) == [p, p]


def test_many_runs_are_dealt_at_random_with_equal_results() -> None:
    rng = random.Random(9)
    values = {run: rng.lognormvariate(0.3 * (run >= 12), 0.05) for run in range(24)}
    [p] = dealt([values], 12, 12)
    assert p == dealt([values], 12, 12)[0] == pytest.approx(1 / 4000)


def test_a_metric_may_be_missing_in_some_runs_and_may_be_zero() -> None:
    zero = {run: 30.0 * (run >= 5) for run in range(10)}
    some = {run: 1.0 + run for run in range(1, 10)}
    p = dealt([zero, some], 5, 5)
    assert p[0] == pytest.approx(2 / 252)
    assert dealt([dict.fromkeys(range(10), 0.0)], 5, 5) == [1.0]
    assert dealt([], 0, 0) == []


def test_a_smaller_statistic_never_has_a_smaller_p() -> None:
    assert step_down([3.0, 1.0], [[3.0, 1.0], [0.0, 2.0], [1.0, 1.0], [0.5, 0.5]]) == [0.25, 0.75]
