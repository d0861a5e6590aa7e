import pytest

from krobench.analysis.names import known_names
from krobench.analysis.watchlag import WATCH_METRICS, watch_lag_metrics


def test_lags_become_metrics() -> None:
    metrics, unavailable = watch_lag_metrics([0.001 * n for n in range(1, 202)], 0, None)
    assert metrics["watch_lag_p50_seconds"] == pytest.approx(0.101)
    assert metrics["watch_lag_p99_seconds"] == pytest.approx(0.199)
    assert metrics["watch_lag_max_seconds"] == pytest.approx(0.201)
    assert not unavailable


def test_few_probes_give_no_p99_and_say_why() -> None:
    metrics, unavailable = watch_lag_metrics([0.001] * 20, 0, None)
    assert metrics["watch_lag_p50_seconds"] == pytest.approx(0.001)
    assert metrics["watch_lag_p99_seconds"] is None
    assert unavailable == {
        "watch_lag_p99_seconds": "it takes 100 probes: 20 probes were seen and 0 were not"
    }


def test_events_that_never_came_are_longer_than_all_that_did() -> None:
    metrics, unavailable = watch_lag_metrics([0.001], 1, None)
    assert metrics["watch_lag_p50_seconds"] is metrics["watch_lag_max_seconds"] is None
    assert "1 were not" in unavailable["watch_lag_max_seconds"]


def test_a_probe_that_gave_up_says_why() -> None:
    _, unavailable = watch_lag_metrics([], 0, "403 Forbidden: no")
    assert set(unavailable.values()) == {"403 Forbidden: no"}


def test_thresholds_know_the_metrics() -> None:
    assert {f"metrics.{name}" for name in WATCH_METRICS} <= set(known_names())
