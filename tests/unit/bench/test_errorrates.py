import pytest
from unit.analysis.comparison.runs import METRICS, side

from bench.errorrates import (
    false_alarms,
    neighbours,
    only_primary,
    power,
    scaled,
    slowdown,
)
from krobench.findings.estimates import RunEstimates


def in_time(runs: int, drift: float, rising: float = 0.0) -> list[RunEstimates]:
    """Return runs in the order of time, each ``rising`` larger than the one before it."""
    return [
        scaled(run, {METRICS[0]: (1 + rising) ** index}).model_copy(
            update={"start_time": f"2026-01-01T00:{index:02}:00Z"}
        )
        for index, run in enumerate(side("a", runs=runs, seed=3, drift=drift).runs)
    ]


RUNS = in_time(30, drift=0.05)


def test_like_runs_seldom_differ_and_a_large_slowdown_is_mostly_found() -> None:
    assert false_alarms(RUNS, 5).value <= 0.15
    assert power(RUNS, 5, slowdown(1.3)).value > 0.9
    assert power(RUNS, 5, slowdown(1.0)).value <= 0.15


def test_what_drifts_from_run_to_run_raises_false_alarms() -> None:
    """Runs that are drawn at random would not show it."""
    assert false_alarms(in_time(30, drift=0.01, rising=0.03), 5).value > 0.8


def test_runs_are_compared_with_the_next_ones_in_the_order_of_time() -> None:
    pairs = list(neighbours(RUNS[::-1], 5))
    assert len(pairs) == 21
    old, new = pairs[2]
    assert [run.name for run in (*old, *new)] == [f"a-{index}" for index in range(2, 12)]


def test_a_slowdown_moves_all_that_a_slower_kro_does() -> None:
    factors = slowdown(1.25)
    before, after = (run.tests[0].iterations for run in (RUNS[0], scaled(RUNS[0], factors)))
    for one, other in zip(before, after, strict=True):
        for name, factor in zip(METRICS, (1.25, 0.8, 1.0), strict=True):
            first, second = one[name], other[name]
            assert first is not None
            assert second == pytest.approx(factor * first)


def test_metrics_without_a_verdict_are_left_out_and_change_none() -> None:
    odd = (
        RUNS[0].tests[0].model_copy(update={"iterations": [{METRICS[0]: 1.0, "metrics.odd": 2.0}]})
    )
    [test] = only_primary(RUNS[0].model_copy(update={"tests": [odd]})).tests
    assert test.iterations == [{METRICS[0]: 1.0}]


def test_an_interval_counts_only_comparisons_that_share_no_run() -> None:
    rate = false_alarms(in_time(20, drift=0.0, rising=0.05), 5)
    assert (rate.value, rate.comparisons) == (1.0, 11)
    assert rate.low == pytest.approx(0.342, abs=0.001)  # Wilson's, of 2 of 2


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="need 10 runs"):
        false_alarms(RUNS[:6], 5)
