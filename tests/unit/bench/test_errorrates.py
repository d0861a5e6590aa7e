import pytest
from unit.analysis.comparison.runs import METRICS, side

from bench.errorrates import Draw, false_alarms, interval_of, only_primary, power, scaled

RUNS = side("a", runs=24, seed=3, drift=0.05).runs


def test_like_sides_seldom_differ_and_a_large_change_is_mostly_found() -> None:
    alarms = false_alarms(RUNS, 5, draws=60)
    assert alarms.value <= 0.1
    assert power(RUNS, 5, 60, METRICS[0], 1.3).value > 0.9
    assert power(RUNS, 5, 60, METRICS[0], 1.0).value <= 0.1


def test_only_the_planted_metric_is_changed() -> None:
    before, after = (
        RUNS[0].tests[0].iterations,
        scaled(RUNS[0], METRICS[0], 1.5).tests[0].iterations,
    )
    for one, other in zip(before, after, strict=True):
        first, second = one[METRICS[0]], other[METRICS[0]]
        assert first is not None
        assert second == pytest.approx(1.5 * first)
        assert {k: v for k, v in one.items() if k != METRICS[0]} == {
            k: v for k, v in other.items() if k != METRICS[0]
        }


def test_metrics_without_a_verdict_are_left_out_and_change_none() -> None:
    odd = (
        RUNS[0].tests[0].model_copy(update={"iterations": [{METRICS[0]: 1.0, "metrics.odd": 2.0}]})
    )
    [test] = only_primary(RUNS[0].model_copy(update={"tests": [odd]})).tests
    assert test.iterations == [{METRICS[0]: 1.0}]


def test_a_rate_of_zero_is_bounded_by_what_shares_no_run() -> None:
    draws = [Draw(frozenset(range(10)), found=False)] * 400
    rate = interval_of(draws, runs=60)
    assert (rate.value, rate.low, rate.high) == (0.0, 0.0, 0.5)


def test_an_interval_tells_of_runs_and_not_of_draws() -> None:
    few = [Draw(frozenset({i % 6, (i + 1) % 6}), found=i % 6 == 0) for i in range(12)]
    rate, again = interval_of(few, runs=6), interval_of(few * 10, runs=6)
    assert rate.low < rate.value < rate.high
    assert (rate.low, rate.high) == pytest.approx((again.low, again.high))


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="need 10 runs"):
        false_alarms(RUNS[:6], 5, draws=1)
