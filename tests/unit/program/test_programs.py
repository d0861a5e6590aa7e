"""Programs from their first action to their last, with results made up by the test."""

from collections.abc import Callable, Sequence
from typing import Any

from unit.records import some_iteration

from krobench.api.common import TIMEOUT, ErrorInfo
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.kro import Variant
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.figures.summaries import Counts
from krobench.findings.scaling import (
    BudgetUsedUp,
    RunAborted,
    SizeInvalid,
    SizeNotMeasured,
    SizeVerdict,
)
from krobench.findings.validity import ShardLost, Validity
from krobench.program.actions import (
    Action,
    Done,
    Entry,
    Program,
    Result,
    RunIteration,
    TakeDown,
    results_in,
)
from krobench.program.search import Search
from krobench.program.sizes import usable_sizes
from krobench.program.suite import Suite
from krobench.program.verification import Trial
from krobench.record.test import IterationRecord
from krobench.workload.testplan import plan_tests

FAILED = ErrorInfo(reason="InstancesRefused", message="no")
LATE = ErrorInfo(reason=TIMEOUT, message="not ready in time")

Measure = Callable[[RunIteration], IterationRecord | None]


def succeed(turn: RunIteration) -> IterationRecord:
    return some_iteration(index=turn.index, warmup=turn.warmup, profiled=turn.profiled)


def drive(
    program: Program, measure: Measure = succeed, seconds_each: float = 1.0
) -> tuple[list[Entry], Done]:
    """Carry out a program; an iteration that is None or failed ends its test."""
    entries: list[Entry] = []
    seconds = 0.0
    while True:
        action: Action = program.next(tuple(entries), seconds)
        assert program.next(tuple(entries), seconds) == action, "equal results, equal actions"
        if isinstance(action, Done):
            return entries, action
        if isinstance(action, TakeDown):
            entries.append(action)
            continue
        assert isinstance(action, RunIteration)
        iteration = measure(action)
        seconds += seconds_each
        error = FAILED if iteration is None else iteration.error
        if iteration is not None and iteration.timed_out:
            error = None
        entries.append(Result(action, iteration, error))
        assert len(entries) < 500, "it never ends"


def suite(tests: Sequence[dict[str, Any]], **spec: Any) -> Suite:
    named = [
        {"name": f"t{index}", "workload": {"scenario": "single"}} | test
        for index, test in enumerate(tests)
    ]
    defaults = {"iterations": 2, "warmup": 0} | spec.pop("defaults", {})
    whole = KroBenchmarkSpec.model_validate({"tests": named, "defaults": defaults} | spec)
    return Suite(plan_tests(whole), whole.order)


def turns(entries: Sequence[Entry]) -> list[tuple[str, int]]:
    return [(result.action.plan.name, result.action.index) for result in results_in(entries)]


def test_a_test_with_an_error_ends_and_the_others_go_on() -> None:
    program = suite([{}, {}], order="Interleaved")
    entries, done = drive(program, lambda turn: None if turn.plan.name == "t0" else succeed(turn))
    assert turns(entries) == [("t0", 0), ("t1", 0), ("t1", 1)]
    assert done == Done()
    assert program.progress(entries) == (4, 4)


def test_progress_counts_iterations_that_have_ended() -> None:
    program = suite([{}, {"iterations": 3}])
    entries, _ = drive(program)
    assert program.progress(()) == (0, 5)
    assert program.progress(entries[:3]) == (3, 5)


def test_a_test_with_a_precision_ends_at_its_most_iterations_at_the_latest() -> None:
    precision = {"target": "1%", "maxIterations": 4}
    entries, _ = drive(suite([{"precision": precision, "iterations": 3}]))
    assert len(entries) == 4


def test_kro_is_profiled_last_and_not_for_a_test_that_failed() -> None:
    program = suite([{}, {}], collect={"profiles": ["cpu"]})
    entries, _ = drive(program, lambda turn: None if turn.plan.name == "t0" else succeed(turn))
    assert turns(entries) == [("t0", 0), ("t1", 0), ("t1", 1), ("t1", 2)]
    last = results_in(entries)[-1]
    assert last.action.profiled
    assert program.progress(entries) == (6, 6)


KEPT = {"workload": {"scenario": "single", "keepRgds": True}}


def in_words(entries: Sequence[Entry]) -> list[str]:
    """Return what was done to each test: RGDs created, used, or deleted."""
    words = []
    for entry in entries:
        if isinstance(entry, TakeDown):
            assert entry.of_test
            words.append(f"{entry.plan.name} deletes")
        elif isinstance(entry, Result):
            plan = entry.action.plan
            words.append(f"{plan.name} {'creates' if plan.existing is None else 'uses'}")
    return words


def test_kept_rgds_are_created_first_and_deleted_when_the_test_has_ended() -> None:
    done = ["t0 creates", "t0 uses", "t0 deletes", "t1 creates", "t1 creates"]
    assert in_words(drive(suite([KEPT, {}]))[0]) == done
    turns_taken = ["t0 creates", "t1 creates", "t1 uses", "t1 deletes", "t0 uses", "t0 deletes"]
    assert in_words(drive(suite([KEPT, KEPT], order="Interleaved"))[0]) == turns_taken


def test_kept_rgds_of_a_test_with_an_error_are_deleted_too() -> None:
    entries, _ = drive(suite([KEPT, {}]), lambda t: None if t.plan.name == "t0" else succeed(t))
    assert in_words(entries) == ["t0 creates", "t0 deletes", "t1 creates", "t1 creates"]


def test_a_profiled_iteration_creates_rgds_of_its_own() -> None:
    entries, _ = drive(suite([KEPT], collect={"profiles": ["cpu"]}))
    assert in_words(entries) == ["t0 creates", "t0 uses", "t0 deletes", "t0 creates"]


def test_all_iterations_of_a_cel_test_are_one_turn() -> None:
    cel = {"workload": {"cel": {"families": ["ternary"]}}}
    entries, _ = drive(suite([cel, {}]))
    assert turns(entries) == [("t0", 0), ("t1", 0), ("t1", 1)]


def test_a_trial_ends_with_its_first_error() -> None:
    variants = (Variant(name="as-it-is"), Variant(name="two"))
    spec = KroBenchmarkSpec.model_validate(
        {
            "tests": [{"name": "a", "workload": {"scenario": "single"}}],
            "defaults": {"iterations": 2, "warmup": 0},
            "variants": [variant.model_dump(exclude_defaults=True) for variant in variants],
        }
    )
    plans = plan_tests(spec)
    trial = Trial(variants, (plans[0], plans[1]), 1.0)
    entries, done = drive(trial, lambda turn: None if turn.plan.variant == "two" else succeed(turn))
    assert turns(entries) == [("a.as-it-is", 0), ("a.two", 0)]
    assert done.stop == SizeNotMeasured(test="a.two", error=FAILED)


def search(**fields: Any) -> Search:
    spec = KroScaleTestSpec.model_validate(
        {
            "axis": "instances",
            "sizes": {"from": 5, "to": 80},
            "search": {"resolution": "30%"},
            "slo": ["errors.total == 0"],
            "workload": {"scenario": "single"},
            "iterations": 2,
        }
        | fields
    )
    return Search(spec, usable_sizes(spec, 10_000), spec.validity, shortest_seconds=1.0)


def up_to(limit: float) -> Measure:
    """Return iterations with errors beyond a size."""

    def measure(turn: RunIteration) -> IterationRecord:
        failed = int(turn.size is not None and turn.size > limit)
        return succeed(turn).model_copy(update={"counts": Counts(requested=1, failed=failed)})

    return measure


def sizes(entries: Sequence[Entry]) -> list[float | None]:
    return [result.action.size for result in results_in(entries)]


def test_a_search_warms_up_grows_repeats_and_refines() -> None:
    program = search()
    entries, done = drive(program, up_to(20))
    assert sizes(entries) == [5, 5, 10, 20, 40, 20, 40, 28, 28]
    assert done == Done()
    scale = program.scale(entries)
    assert [each.size for each in scale.sizes] == [5, 10, 20, 40, 28]
    assert {each.size for each in scale.sizes if each.decisive} == {20, 28}
    assert scale.limit is not None
    assert (scale.limit.last_met, scale.limit.first_breach) == (20, 28)
    first, second, *_ = results_in(entries)
    assert (first.action.warmup, second.action.warmup) == (True, False)
    assert (first.action.plan.index, second.action.plan.index) == (0, 0)


def test_the_size_that_runs_is_known_before_its_result() -> None:
    program = search(warmup=0)
    first = program.next((), 0.0)
    assert isinstance(first, RunIteration)
    [size] = program.scale((), first).sizes
    assert (size.size, size.verdict) == (5, None)
    assert program.ahead((), first) == 4


def test_an_iteration_that_is_invalid_is_replaced() -> None:
    def invalid(turn: RunIteration) -> IterationRecord:
        cause = ShardLost(shard=1, shards=2, error="it sent no message")
        return succeed(turn).model_copy(update={"validity": Validity.of([cause])})

    entries, done = drive(search(warmup=0), invalid)
    assert [result.action.replaces for result in results_in(entries)] == [None, 0, 1]
    assert isinstance(done.stop, SizeInvalid)
    assert done.stop.iterations == 3


def test_a_size_that_fails_ends_the_search() -> None:
    entries, done = drive(search(warmup=0), lambda turn: None if turn.size == 10 else succeed(turn))
    assert sizes(entries) == [5, 10]
    assert done.stop == SizeNotMeasured(test="instances-10", error=FAILED)


def test_the_budget_ends_the_search_between_iterations_and_within_one() -> None:
    budget = {"duration": "3m"}
    entries, done = drive(search(warmup=0, budget=budget), seconds_each=70.0)
    assert sizes(entries) == [5, 10, 20]
    assert done.stop == BudgetUsedUp(duration="3m")

    def late(turn: RunIteration) -> IterationRecord:
        error = LATE if turn.size == 20 else None
        changes = {"error": error, "success": error is None}
        return succeed(turn).model_copy(update=changes)

    program = search(warmup=0, budget=budget, timeout="2m")
    entries, done = drive(program, late, seconds_each=70.0)
    assert results_in(entries)[-1].action.plan.timeout_seconds == 40.0
    assert done.stop == BudgetUsedUp(duration="3m")
    assert program.scale(entries).sizes[-1].iterations[0].met is None


def test_a_budget_that_ends_in_the_last_size_leaves_its_result() -> None:
    program = search(sizes={"values": [5, 10]}, iterations=9, warmup=0, budget={"duration": "3m"})
    _, done = drive(program, seconds_each=50.0)
    assert done.stop is None
    assert done.shortfall is not None
    assert (done.shortfall.test, done.shortfall.iterations) == ("instances-10", 3)


def test_a_breach_is_profiled_from_nothing() -> None:
    program = search(sizes={"from": 5, "to": 80, "cumulative": True}, collect={"profiles": ["cpu"]})
    entries, _ = drive(program, up_to(20))
    *_, taken_down, last = entries
    assert isinstance(taken_down, TakeDown)
    assert isinstance(last, Result)
    assert last.action.profiled
    assert last.action.size == program.scale(entries).limit.first_breach  # type: ignore[union-attr]
    assert (last.action.plan.existing, last.action.plan.leaves_objects) == (None, False)


def test_cumulative_sizes_build_on_each_other_and_are_taken_down_together() -> None:
    entries, _ = drive(search(sizes={"from": 5, "to": 80, "cumulative": True}, warmup=0), up_to(20))
    upon = [(result.action.upon, result.action.size) for result in results_in(entries)]
    assert upon[:4] == [(None, 5), (5, 10), (10, 20), (20, 40)]
    assert isinstance(entries[4], TakeDown)
    assert entries[4].plan.name == "instances-40"
    assert upon[4] == (None, 5), "the way to a repeated size begins from nothing"
    assert isinstance(entries[-1], TakeDown)
    creators = {
        r.action.plan.existing.creator for r in results_in(entries)[1:4] if r.action.plan.existing
    }
    assert len(creators) == 1


def test_a_search_that_is_stopped_keeps_what_it_found() -> None:
    program = search(warmup=0)
    entries, _ = drive(program, up_to(20))
    reason = RunAborted(error=FAILED)
    stopped = program.stopped(reason)
    assert stopped.next(entries[:2], 5.0) == Done(reason)
    verdicts = [each.verdict for each in stopped.scale(entries[:2]).sizes]
    assert verdicts == [SizeVerdict.MET, SizeVerdict.MET]
