import pytest

from krobench.analysis.figurenames import known_names
from krobench.figures.latencies import watch_lag_figures
from krobench.figures.reasons.load import ProbeFailed, ProbesMissing, TooFewProbes


def test_lags_become_figures() -> None:
    figures, unavailable = watch_lag_figures([0.001 * n for n in range(1, 202)], 0, None)
    assert figures["krobench.watch.lagSeconds.p50"] == pytest.approx(0.101)
    assert figures["krobench.watch.lagSeconds.p99"] == pytest.approx(0.199)
    assert figures["krobench.watch.lagSeconds.max"] == pytest.approx(0.201)
    assert not unavailable


def test_few_probes_give_no_p99_and_say_why() -> None:
    figures, unavailable = watch_lag_figures([0.001] * 20, 0, None)
    assert figures["krobench.watch.lagSeconds.p50"] == pytest.approx(0.001)
    assert figures["krobench.watch.lagSeconds.p99"] is None
    assert unavailable == {
        "krobench.watch.lagSeconds.p99": TooFewProbes(needed=100, seen=20, missing=0)
    }


def test_events_that_never_came_are_longer_than_all_that_did() -> None:
    figures, unavailable = watch_lag_figures([0.001], 1, None)
    assert (
        figures["krobench.watch.lagSeconds.p50"] is figures["krobench.watch.lagSeconds.max"] is None
    )
    assert unavailable["krobench.watch.lagSeconds.max"] == ProbesMissing(seen=1, missing=1)


def test_a_probe_that_gave_up_says_why() -> None:
    _, unavailable = watch_lag_figures([], 0, "403 Forbidden: no")
    assert set(unavailable.values()) == {ProbeFailed(detail="403 Forbidden: no")}


def test_thresholds_know_the_figures() -> None:
    figures, _ = watch_lag_figures([], 0, None)
    assert set(figures) <= set(known_names())
