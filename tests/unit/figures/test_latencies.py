import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.figures.latencies import summarise

DURATIONS = st.lists(st.floats(0.0, 1e4), min_size=2, max_size=300)


@given(DURATIONS)
def test_the_median_is_that_of_the_textbook(durations: list[float]) -> None:
    assert summarise(durations).p50_seconds == pytest.approx(statistics.median(durations), abs=1e-6)


@given(DURATIONS)
def test_percentiles_are_in_order_and_within_the_sample(durations: list[float]) -> None:
    summary = summarise(durations)
    known = [summary.p50_seconds, summary.p90_seconds, summary.p99_seconds, summary.max_seconds]
    present = [value for value in known if value is not None]
    assert present == sorted(present)
    assert min(durations) - 1e-6 <= present[0]


@pytest.mark.parametrize(("n", "available"), [(99, False), (100, True)])
def test_p99_is_given_from_a_hundred_observations_on(n: int, available: bool) -> None:
    assert (summarise([1.0] * n).p99_seconds is not None) is available


def test_censored_observations_take_the_top_ranks() -> None:
    summary = summarise([1.0] * 95, censored=5)
    assert summary.p50_seconds == 1.0
    assert summary.p99_seconds is None
    assert summary.max_seconds is None
    assert summary.mean_seconds is None
    assert (summary.n, summary.censored) == (95, 5)


def test_more_censored_than_finished_leaves_no_median() -> None:
    assert summarise([1.0, 2.0], censored=5).p50_seconds is None


def test_nothing_observed_gives_no_numbers() -> None:
    summary = summarise([])
    assert summary.n == 0
    assert summary.p50_seconds is None
