"""Runs with variants: in which order their iterations come, and when they end."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.analysis.records import iteration

from krobench.analysis.comparison.rules import Rules, rules_of
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.figures.summaries import Figures
from krobench.findings.comparison import MetricVerdict
from krobench.program.actions import (
    CreateRgds,
    Done,
    Entry,
    Result,
    RgdsCreated,
    TakeDown,
    results_in,
)
from krobench.program.blocks import Blocks, deleted_together, keeping_rgds
from krobench.workload.testplan import Creator, TestPlan, plan_tests

NAMES = ["one", "two", "three", "four"]


def blocks(
    variants: int,
    iterations: list[int],
    warmup: int | None = 0,
    seed: str = "s",
    *,
    together: bool = False,
    keeping: bool = False,
    scenario: str = "single",
    **spec: Any,
) -> Blocks:
    tests = [
        {"name": f"t{index}", "workload": {"scenario": scenario}, "iterations": count}
        for index, count in enumerate(iterations)
    ]
    whole = KroBenchmarkSpec.model_validate(
        {
            "tests": tests,
            "defaults": {} if warmup is None else {"warmup": warmup},
            "variants": [{"name": name} for name in NAMES[:variants]],
        }
        | spec
    )
    plans: Sequence[TestPlan] = plan_tests(whole)
    baseline = whole.baseline
    rules = Rules() if baseline is None else rules_of(primary=baseline.primary)
    if together:
        plans = deleted_together(plans, rules)
    if keeping:
        plans = keeping_rgds(plans, rules)
    return Blocks(plans, seed, whole.decide)


def drive(
    program: Blocks,
    slower: float = 1.0,
    scatter: float = 0.01,
    seconds: float = 10.0,
    rejected: int | None = None,
) -> list[Entry]:
    """Return all that a program does, if the second variant is so many times as slow.

    ``rejected`` is a test whose RGDs kro does not accept, by the index of its plan.
    """
    rng, entries = random.Random(5), list[Entry]()
    while True:
        action = program.next(tuple(entries), seconds * len(entries))
        assert program.next(tuple(entries), seconds * len(entries)) == action
        if isinstance(action, Done):
            return entries
        if isinstance(action, TakeDown):
            entries.append(action)
            continue
        if isinstance(action, CreateRgds):
            asked = {each.plan.index for each in action.first}
            entries.append(RgdsCreated(action, frozenset(asked - {rejected})))
            continue
        level = rng.lognormvariate(0, scatter) * (slower if action.plan.variant == "two" else 1)
        made = iteration(level, index=action.index, warmup=action.warmup)
        figures = Figures({name: value * level for name, value in COSTS.items()})
        made = made.model_copy(
            update={"visit": action.plan.visit_of(action.index), "figures": figures}
        )
        entries.append(Result(action, made))


COSTS = {
    "throughput.instancesPerSecond": 10.0,
    "perInstance.kro.cpu.seconds": 0.01,
    "perInstance.kro.requests.total": 15.0,
    "kro.memory.residentBytes.max": 5e7,
}


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4), st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 2))
def test_each_variant_has_as_many_restarts_and_the_same_load_in_each_block(
    variants: int, iterations: list[int], warmup: int
) -> None:
    program = blocks(variants, iterations, warmup)
    turns = [result.action for result in results_in(drive(program))]
    for plan in program.tests:
        own = [action for action in turns if action.plan.index == plan.index]
        assert [action.index for action in own] == list(range(plan.total_iterations))
        count = iterations[plan.index // variants]
        measured = Counter(plan.visit_of(a.index) for a in own if not a.warmup)
        assert measured == dict.fromkeys(range(count), 1)
    visits = [(action.plan.variant, action.plan.visit_of(action.index)) for action in turns]
    entered = [visits[0], *(b for a, b in pairwise(visits) if a != b)]
    assert len(set(entered)) == len(entered), "a visit is not left and entered again"
    assert Counter(variant for variant, _ in entered) == dict.fromkeys(
        NAMES[:variants], max(iterations)
    )
    for before, action in pairwise(turns):
        if warmup and before.plan.variant != action.plan.variant:
            assert action.warmup, "the first after a restart is a warm-up"


def test_the_order_in_a_block_is_drawn_and_equal_seeds_draw_it_again() -> None:
    def firsts(seed: str) -> list[str | None]:
        turns = [
            result.action.plan.variant for result in results_in(drive(blocks(2, [40], seed=seed)))
        ]
        return turns[::2]

    drawn = firsts("a")
    assert drawn == firsts("a") != firsts("b")
    assert 10 <= drawn.count("one") <= 30


DECIDE = {"minimumEffect": "10%", "maxDuration": "2h"}


def measured_blocks(program: Blocks, entries: list[Entry]) -> int:
    return len(results_in(entries)) // len(program.tests)


def test_a_run_ends_at_the_first_look_that_decides_it() -> None:
    slower = blocks(2, [3], decide=DECIDE)
    assert measured_blocks(slower, drive(slower, slower=1.3)) == 8
    assert [each.verdict for each in slower.so_far] == [MetricVerdict.MIXED]
    alike = blocks(2, [3], decide=DECIDE)
    assert measured_blocks(alike, drive(alike)) == 8
    assert alike.so_far[0].verdict in (MetricVerdict.SAME, MetricVerdict.NO_SLOWDOWN)


def test_what_scatters_too_much_ends_after_the_last_block() -> None:
    program = blocks(2, [3], decide=DECIDE)
    entries = drive(program, scatter=0.4)
    assert measured_blocks(program, entries) == 24
    assert program.so_far[0].verdict is MetricVerdict.INCONCLUSIVE


def test_no_block_begins_that_would_take_too_long() -> None:
    program = blocks(2, [3], decide={"minimumEffect": "10%", "maxDuration": "2m"})
    entries = drive(program, scatter=0.4)
    assert measured_blocks(program, entries) == 6
    done, planned = program.progress(entries)
    assert done == planned == 12


def test_all_that_a_variant_left_is_deleted_before_kro_restarts() -> None:
    program = blocks(2, [3, 3], warmup=1, together=True, decide=DECIDE)
    entries = drive(program)
    visits = [
        (entry.action.plan.variant, entry.action.plan.visit_of(entry.action.index))
        if isinstance(entry, Result)
        else None
        for entry in entries
    ]
    assert visits[-1] is None, "also before kro is put back"
    for before, after in pairwise(visits):
        assert (before is None or after is None) == (before != after)
    assert all(entry.with_namespace for entry in entries if isinstance(entry, TakeDown))


def test_what_is_outside_of_the_namespace_is_deleted_after_each_iteration() -> None:
    program = blocks(2, [3], together=True, scenario="multi-tenant", decide=DECIDE)
    assert not any(isinstance(entry, TakeDown) for entry in drive(program))


def test_kro_deletes_instances_if_somebody_asks_how_long_it_takes() -> None:
    gone = "latency.instanceGone.p50"
    test = {"name": "t0", "workload": {"scenario": "single"}, "thresholds": [f"{gone} < 9.0"]}
    asked: list[dict[str, Any]] = [
        {
            "baseline": {"previousRuns": 1, "primary": [gone]},
            "results": {"retention": {"runs": 1}},
        },
        {"tests": [test]},
    ]
    for spec in asked:
        program = blocks(2, [3], together=True, decide=DECIDE, **spec)
        assert not any(isinstance(entry, TakeDown) for entry in drive(program))


def test_only_the_first_test_of_a_block_warms_kro_up_unless_the_spec_says_so() -> None:
    by_default = blocks(2, [3, 3], warmup=None, decide=DECIDE)
    assert [plan.warmup for plan in by_default.tests] == [1, 1, 0, 0]
    assert [plan.warmup for plan in blocks(2, [3, 3], warmup=1, decide=DECIDE).tests] == [1] * 4


def test_the_rgds_of_all_tests_are_created_once_when_a_visit_begins() -> None:
    program = blocks(2, [3, 3], warmup=None, together=True, keeping=True, decide=DECIDE)
    entries = drive(program)
    visits = 0
    for before, entry in pairwise([None, *entries]):
        assert isinstance(entry, RgdsCreated) == (before is None or isinstance(before, TakeDown))
        if isinstance(entry, RgdsCreated):
            visits += 1
            first = {each.plan.index: each.index for each in entry.action.first}
            assert len(first) == 2
            for each in entry.action.first:
                assert each.plan.existing is None, "it creates them"
        elif isinstance(entry, Result):
            plan = entry.action.plan
            assert plan.existing is not None
            assert plan.existing.creator == Creator(plan.index, first[plan.index])
    assert visits == 16


def creating_their_own(program: Blocks, rejected: int | None = None) -> set[str]:
    """Return the tests that have created RGDs in their own iterations, and in each of them."""
    plans = [result.action.plan for result in results_in(drive(program, rejected=rejected))]
    own = {plan.index for plan in plans if plan.existing is None}
    for plan in plans:
        assert (plan.existing is not None) == (plan.index not in own)
    return {plan.name.partition(".")[0] for plan in plans if plan.index in own}


def test_a_test_that_is_about_rgds_creates_its_own_in_each_iteration() -> None:
    single = {"scenario": "single"}
    update = [{"operation": "create"}, {"operation": "update-rgd"}]
    tests: list[dict[str, Any]] = [
        {"name": "plain", "workload": single},
        {"name": "burst", "workload": {"scenario": "single", "instances": 10, "rgds": 10}},
        {"name": "ready", "workload": single, "thresholds": ["latency.rgdReady.p50 < 9.0"]},
        {
            "name": "memory",
            "workload": single,
            "thresholds": ["perRgd.kro.memory.liveHeapBytes < 1e9"],
        },
        {"name": "set-up", "workload": single, "thresholds": ["duration.setUpSeconds < 9.0"]},
        {"name": "update", "workload": single, "phases": update},
    ]
    about = {"burst", "ready", "memory", "set-up", "update"}
    program = blocks(2, [3], warmup=1, together=True, keeping=True, decide=DECIDE, tests=tests)
    assert creating_their_own(program) == about


def test_all_tests_create_their_own_rgds_if_their_latency_is_compared() -> None:
    baseline = {"previousRuns": 1, "primary": ["latency.rgdReady.p50"]}
    program = blocks(
        2,
        [3, 3],
        together=True,
        keeping=True,
        decide=DECIDE,
        baseline=baseline,
        results={"retention": {"runs": 1}},
    )
    assert creating_their_own(program) == {"t0", "t1"}


def test_rgds_that_were_not_ready_are_created_by_their_own_test() -> None:
    program = blocks(2, [3, 3], warmup=1, together=True, keeping=True, decide=DECIDE)
    assert program.tests[3].name == "t1.two"
    assert creating_their_own(program, rejected=3) == {"t1"}


def test_a_single_iteration_times_the_creation_of_its_rgds() -> None:
    program = blocks(2, [3], together=True, keeping=True, decide=DECIDE)
    assert creating_their_own(program) == {"t0"}


def test_kept_rgds_are_deleted_before_kro_restarts_also_if_instances_go_before() -> None:
    program = blocks(2, [3], warmup=1, keeping=True, decide=DECIDE)
    entries = drive(program)
    for before, after in pairwise(entries):
        assert isinstance(after, RgdsCreated) == isinstance(before, TakeDown)
    assert isinstance(entries[-1], TakeDown)
    assert not any(entry.with_namespace for entry in entries if isinstance(entry, TakeDown))


def test_no_block_is_given_up_once_its_rgds_are_there() -> None:
    program = blocks(
        2,
        [3],
        warmup=1,
        together=True,
        keeping=True,
        decide={"minimumEffect": "10%", "maxDuration": "2m"},
    )
    entries = drive(program, scatter=0.4, seconds=4.0)
    assert isinstance(entries[-1], TakeDown)
    assert len(results_in(entries)) % 4 == 0


def test_rgds_that_a_test_keeps_are_created_by_the_first_iteration_of_each_visit() -> None:
    test = {
        "name": "kept",
        "workload": {"scenario": "single", "keepRgds": True},
        "iterations": 3,
        "warmup": 2,
    }
    entries = drive(blocks(2, [1], tests=[test]))
    creators = [
        entry.action.plan.existing and entry.action.plan.existing.creator
        for entry in entries
        if isinstance(entry, Result) and entry.action.plan.variant == "two"
    ]
    assert creators == [
        creator for first in (0, 3, 6) for creator in (None, Creator(1, first), Creator(1, first))
    ]
    downs = [at for at, entry in enumerate(entries, 1) if isinstance(entry, TakeDown)]
    assert downs == [4, 8, 12, 16, 20, 24], "before kro restarts"


def test_what_each_test_has_kept_is_deleted_apart() -> None:
    kept = {"workload": {"scenario": "single", "keepRgds": True}, "iterations": 1, "warmup": 1}
    tests = [{"name": name} | kept for name in ("t0", "t1")]
    entries = drive(blocks(2, [1], tests=tests))
    downs = [entry.plan.name for entry in entries if isinstance(entry, TakeDown)]
    assert sorted(downs) == ["t0.one", "t0.two", "t1.one", "t1.two"]
    assert all(entry.of_test for entry in entries if isinstance(entry, TakeDown))
    assert isinstance(entries[-1], TakeDown)
