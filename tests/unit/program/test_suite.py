from collections import Counter
from itertools import groupby, pairwise

from hypothesis import given
from hypothesis import strategies as st

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.suite import Order
from krobench.program.suite import Slot, interleaved, schedule, sequential
from krobench.workload.testplan import TestPlan, plan_tests

VARIANTS = ["one", "two", "three", "four"]
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
    slots = list(interleaved(plans_of(0, [1, 3])))
    assert slots == [Slot(0, 0), *(Slot(1, index) for index in range(3))]


@given(COUNTS)
def test_every_order_has_every_iteration_once_and_each_test_in_its_order(counts: list[int]) -> None:
    for walk in (sequential, interleaved):
        slots = list(walk(plans_of(0, counts)))
        for test, count in enumerate(counts):
            own = [slot.iteration for slot in slots if slot.test == test]
            assert own == list(range(count))


@given(st.integers(2, 6), st.integers(1, 4))
def test_each_test_comes_before_each_other_as_often_as_after_it(count: int, pairs: int) -> None:
    rounds = 2 * pairs
    slots = list(interleaved(plans_of(0, [rounds] * count)))
    first = Counter((a.test, b.test) for a, b in pairwise(slots) if a.iteration == b.iteration)
    assert all(first[a, b] == first[b, a] == pairs for a, b in pairwise(range(count)))


def plans_of(variants: int, iterations: list[int], warmup: int = 0) -> tuple[TestPlan, ...]:
    workload = {"scenario": "single", "instances": 1}
    tests = [
        {"name": f"t{index}", "workload": workload, "iterations": count}
        for index, count in enumerate(iterations)
    ]
    spec = {
        "tests": tests,
        "defaults": {"warmup": warmup},
        "variants": [{"name": name} for name in VARIANTS[:variants]],
    }
    return plan_tests(KroBenchmarkSpec.model_validate(spec))


def test_variants_go_back_and_forth_with_a_warm_up_after_each_restart() -> None:
    plans = plans_of(2, [3], warmup=1)
    slots = schedule(plans, Order.SEQUENTIAL)
    letters = ["w" if plans[s.test].is_warmup(s.iteration) else "m" for s in slots]
    visits = [
        (variant, "".join(letter for _, letter in turns))
        for variant, turns in groupby(
            zip(slots, letters, strict=True), lambda t: plans[t[0].test].variant
        )
    ]
    assert visits == [("one", "wm"), ("two", "wmm"), ("one", "wmm"), ("two", "wm")]


@given(st.integers(2, 4), st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 2))
def test_each_test_is_measured_as_often_as_asked_for_under_each_variant(
    variants: int, iterations: list[int], warmup: int
) -> None:
    plans = plans_of(variants, iterations, warmup)
    slots = schedule(plans, Order.INTERLEAVED)
    for plan in plans:
        own = [slot.iteration for slot in slots if slot.test == plan.index]
        assert own == list(range(plan.total_iterations))
        assert sum(not plan.is_warmup(index) for index in own) == iterations[plan.index // variants]
    for before, slot in pairwise(slots):
        plan = plans[slot.test]
        if warmup and plans[before.test].variant != plan.variant:
            assert plan.is_warmup(slot.iteration), "the first after a restart is a warm-up"
