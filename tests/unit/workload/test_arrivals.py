import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krobench.api.specs.load import Load
from krobench.workload.arrivals import Schedule, schedule

RATES = st.floats(0.01, 10_000)


def times(count: int, **load: Any) -> Schedule:
    made = schedule(Load.model_validate(load), count)
    assert made is not None
    return made


OPEN_LOOPS = st.one_of(
    st.fixed_dictionaries({"arrival": st.just("constant"), "rate": RATES}),
    st.fixed_dictionaries(
        {"arrival": st.just("poisson"), "rate": RATES, "seed": st.integers(0, 2**31 - 1)}
    ),
    st.fixed_dictionaries(
        {
            "arrival": st.just("burst"),
            "burst": st.fixed_dictionaries(
                {"size": st.integers(1, 100), "interval": st.just("250ms")}
            ),
        }
    ),
    st.fixed_dictionaries(
        {
            "arrival": st.just("ramp"),
            "rate": RATES,
            "toRate": RATES,
            "rampDuration": st.sampled_from(["1ms", "90s", "24h"]),
        }
    ),
)


def test_a_closed_loop_has_no_schedule() -> None:
    assert schedule(Load(), 10) is None


@given(load=OPEN_LOOPS, count=st.integers(1, 300))
def test_every_instance_has_its_time_and_no_time_is_before_the_last(
    load: dict[str, Any], count: int
) -> None:
    made = times(count, **load)
    assert len(made) == count
    assert made[0] >= 0
    assert all(before <= after for before, after in itertools.pairwise(made))
    assert made == times(count, **load), "equal arguments give equal schedules"


@given(rate=RATES, count=st.integers(2, 1000))
def test_constant_arrivals_keep_their_distance(rate: float, count: int) -> None:
    made = times(count, arrival="constant", rate=rate)
    assert made[-1] == pytest.approx((count - 1) / rate)
    gaps = [after - before for before, after in itertools.pairwise(made)]
    assert gaps == pytest.approx([1 / rate] * (count - 1), rel=1e-6)


@given(rate=RATES, seed=st.integers(0, 1000))
def test_poisson_arrivals_have_the_mean_rate_and_spread_asked_for(rate: float, seed: int) -> None:
    made = times(10_000, arrival="poisson", rate=rate, seed=seed)
    # The standard deviation of the mean of 10,000 exponential gaps is 1 % of it.
    assert 10_000 / made[-1] == pytest.approx(rate, rel=0.06)
    gaps = [after - before for before, after in itertools.pairwise(made)]
    shorter = sum(gap < 0.5 / rate for gap in gaps) / len(gaps)
    assert shorter == pytest.approx(0.393, abs=0.03), "1 - exp(-1/2) of the gaps are that short"


def test_another_seed_gives_another_schedule() -> None:
    first, second = (times(5, arrival="poisson", rate=1, seed=seed) for seed in (1, 2))
    assert first != second


def test_bursts_come_at_once_and_again() -> None:
    burst = {"size": 3, "interval": "2s"}
    assert times(7, arrival="burst", burst=burst) == (0, 0, 0, 2, 2, 2, 4)


def test_a_ramp_sends_what_the_area_under_its_rate_says_and_then_keeps_its_rate() -> None:
    made = times(201, arrival="ramp", rate=1, toRate=9, rampDuration="20s")
    assert sum(moment <= 20 for moment in made) == pytest.approx(101, abs=1)
    # Half the time has a quarter of the increase: 10 s * 1/s + 10 s * (5 - 1)/s / 2.
    assert made[30] == pytest.approx(10)
    assert made[-1] - made[-10] == pytest.approx(9 / 9)


@given(rate=RATES, count=st.integers(1, 300))
def test_a_level_ramp_is_a_constant_rate(rate: float, count: int) -> None:
    ramp = times(count, arrival="ramp", rate=rate, toRate=rate, rampDuration="10s")
    assert ramp == pytest.approx(times(count, arrival="constant", rate=rate))
