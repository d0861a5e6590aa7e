"""How long a search still takes at most."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.program.test_search import spec_of, walk
from unit.records import some_iteration

from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.findings.scaling import SizeRecord
from krobench.program.actions import Entry, Result, RunIteration
from krobench.program.forecast import expected_seconds, in_place, longest_seconds, ways
from krobench.program.sizes import plan_size, sizes_of

LIMITS = st.floats(min_value=0.5, max_value=200)


@given(limit=LIMITS, done=st.integers(0, 60))
def test_no_search_whose_time_grows_with_size_takes_more_than_the_ways(
    limit: float, done: int
) -> None:
    spec = spec_of(sizes={"values": [10, 20, 40, 80]}, iterations=2)
    usable = sizes_of(spec.sizes, spec.axis)
    so_far = walked(spec, usable, limit, done)
    at_most = max(expected_seconds(way, {1.0: 1.0}) for way in ways(spec, usable, so_far))
    needed = walked(spec, usable, limit, 1000)
    assert taken(needed) - taken(so_far) <= 1.2 * at_most


def taken(records: Sequence[SizeRecord]) -> float:
    """Return how long a search took if an iteration of a size takes as many seconds."""
    return sum(each.size * len(each.iterations) for each in records)


def walked(
    spec: KroScaleTestSpec, usable: Sequence[float], limit: float, most: int
) -> list[SizeRecord]:
    """Return what a search has tried by then."""
    left = [most]

    def met(size: float, _: int) -> bool:
        left[0] -= 1
        if left[0] < 0:
            raise StopIteration
        return size <= limit

    records: list[SizeRecord] = []
    try:
        return walk(spec, met, records)
    except StopIteration:
        return [record for record in records if record.iterations]


@pytest.mark.parametrize(
    ("took", "size", "seconds"),
    [
        ({10.0: 5.0}, 20.0, 10.0),
        ({10.0: 5.0}, 5.0, 5.0),
        ({10.0: 5.0, 20.0: 7.0}, 40.0, 11.0),
        ({10.0: 5.0, 20.0: 7.0}, 15.0, 6.0),
        ({10.0: 5.0, 20.0: 7.0}, 20.0, 7.0),
        ({10.0: 7.0, 20.0: 5.0}, 40.0, 5.0),
    ],
)
def test_sizes_that_were_not_run_take_what_those_nearest_to_them_suggest(
    took: dict[float, float], size: float, seconds: float
) -> None:
    assert expected_seconds([size], took) == pytest.approx(seconds)


def left(entries: Sequence[Entry], size: float, elapsed: float, **spec: Any) -> float:
    test = spec_of(sizes={"values": [1, 2, 4]}, refine=False)
    test = test.model_copy(update={"warmup": 1, **spec})
    action = iteration(test, size)
    return longest_seconds(test, (1.0, 2.0, 4.0), [], entries, action, elapsed)


def iteration(spec: KroScaleTestSpec, size: float, index: int = 0) -> RunIteration:
    plan = replace(plan_size(spec, 0, size), iterations=1, visits=(1,))
    return RunIteration(plan, index, size=size)


def test_before_an_iteration_has_ended_it_is_the_rest_of_the_budget() -> None:
    budget = spec_of().budget.duration_seconds
    assert left([], 1.0, 5.0) == budget - 5.0


def test_all_sizes_are_ahead_and_time_between_iterations_counts() -> None:
    done = Result(iteration(spec_of(), 1.0), some_iteration(duration_seconds=10.0))
    # One of size 1 with the next two, of which the last and the one below it run three times.
    assert left([done], 1.0, 10.0) == pytest.approx(10 + 3 * 20 + 3 * 40)
    assert left([done], 1.0, 20.0) == pytest.approx(2 * (10 + 3 * 20 + 3 * 40))


def test_the_budget_bounds_it() -> None:
    done = Result(iteration(spec_of(), 1.0), some_iteration(duration_seconds=1000.0))
    budget = spec_of().budget.duration_seconds
    assert left([done], 1.0, 1000.0) == budget - 1000.0


def test_what_a_cumulative_size_is_built_on_is_ahead_too() -> None:
    spec = spec_of(sizes={"values": [1, 2, 4], "cumulative": True}, refine=False, iterations=2)
    assert [1.0, 2.0, 4.0, 1.0, 2.0, 4.0] in list(ways(spec, (1.0, 2.0, 4.0), []))
    assert in_place([]) == []
