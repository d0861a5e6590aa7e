from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.suite import Order
from krobench.program.suite import Slot, interleaved, schedule, sequential
from krobench.workload.testplan import TestPlan, plan_tests

COUNTS = st.lists(st.integers(1, 8), min_size=1, max_size=6)


def turns(order: Order) -> list[tuple[int, int]]:
    workload = {"scenario": "single", "instances": 1}
    spec = KroBenchmarkSpec.model_validate(
        {
            "tests": [{"name": name, "workload": workload} for name in "abc"],
            "defaults": {"iterations": 1, "warmup": 1},
        }
    )
    return [(slot.test, slot.iteration) for slot in schedule(plan_tests(spec), order)]


def test_in_sequence_a_test_is_done_before_the_next_begins() -> None:
    assert turns(Order.SEQUENTIAL) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]


def test_interleaved_every_second_round_goes_backwards() -> None:
    assert turns(Order.INTERLEAVED) == [(0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1)]


def test_a_test_with_fewer_iterations_is_missing_in_later_rounds() -> None:
    slots = list(interleaved(plans_of([1, 3])))
    assert slots == [Slot(0, 0), *(Slot(1, index) for index in range(3))]


@given(COUNTS)
def test_every_order_has_every_iteration_once_and_each_test_in_its_order(counts: list[int]) -> None:
    for walk in (sequential, interleaved):
        slots = list(walk(plans_of(counts)))
        for test, count in enumerate(counts):
            own = [slot.iteration for slot in slots if slot.test == test]
            assert own == list(range(count))


@given(st.integers(2, 6), st.integers(1, 4))
def test_each_test_comes_before_each_other_as_often_as_after_it(count: int, pairs: int) -> None:
    rounds = 2 * pairs
    slots = list(interleaved(plans_of([rounds] * count)))
    first = Counter((a.test, b.test) for a, b in pairwise(slots) if a.iteration == b.iteration)
    assert all(first[a, b] == first[b, a] == pairs for a, b in pairwise(range(count)))


def plans_of(iterations: list[int]) -> tuple[TestPlan, ...]:
    workload = {"scenario": "single", "instances": 1}
    tests = [
        {"name": f"t{index}", "workload": workload, "iterations": count}
        for index, count in enumerate(iterations)
    ]
    spec = {"tests": tests, "defaults": {"warmup": 0}}
    return plan_tests(KroBenchmarkSpec.model_validate(spec))
