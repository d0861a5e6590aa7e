from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thoroughness import at_least
from unit.controller.world import SPEC, World, started

from krobench.api.common import ErrorInfo
from krobench.api.kinds import RunKind, RunRef
from krobench.api.status import Phase
from krobench.controller.reconcile import CreateJob, PatchStatus, is_final
from krobench.controller.state import JobKind, JobState, JobView
from krobench.record.run import Progress, RunState


def test_a_new_benchmark_gets_a_finalizer_before_its_job() -> None:
    world = World()
    world.reconcile(crash_after=1)
    assert world.finalizers
    assert world.load.state is JobState.ABSENT
    world.settle()
    assert world.load.state is JobState.ACTIVE
    assert world.status.phase is Phase.RUNNING
    assert world.status.start_time is not None
    assert world.reasons == {"Started"}


UNKNOWN_SCENARIO = {"name": "a", "workload": {"scenario": "x", "instances": 1}}
UNKNOWN_METRIC = SPEC["tests"][0] | {"thresholds": ["nope < 1"]}


@pytest.mark.parametrize(
    ("tests", "reason", "words"),
    [
        ([UNKNOWN_SCENARIO], "InvalidSpec", "spec.tests[0].workload.scenario"),
        ([], "InvalidSpec", "spec.tests"),
        ([SPEC["tests"][0]] * 2, "InvalidSpec", "spec.tests: the name 'a' is used more than once"),
        ([UNKNOWN_METRIC], "UnknownMetric", "spec.tests[0].thresholds[0]"),
    ],
)
def test_a_bad_spec_ends_at_once_and_leaves_nothing(
    tests: list[dict[str, Any]], reason: str, words: str
) -> None:
    world = World(spec={"tests": tests})
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert world.status.conditions[0].reason == reason
    assert words in (world.status.message or "")
    assert reason in world.reasons
    assert world.loads_created == 0
    assert not world.finalizers


def test_results_that_belong_to_another_are_not_overwritten() -> None:
    world = World(conflict=ErrorInfo(reason="ResultsConflict", message="they are of another"))
    world.settle()
    assert world.status.conditions[0].reason == "ResultsConflict"
    assert world.status.message == "they are of another"
    assert "ResultsConflict" in world.reasons
    assert world.loads_created == 0


def test_a_run_waits_for_those_ahead_and_says_for_which() -> None:
    first = RunRef(RunKind.BENCHMARK, "team-a", "first")
    second = RunRef(RunKind.SCALE_TEST, "team-b", "second")
    world = World(ahead=(first, second))
    world.settle()
    assert world.status.phase is Phase.QUEUED
    assert "queued behind KroBenchmark team-a/first" in (world.status.message or "")
    assert world.loads_created == 0
    world.ahead = ()
    world.settle()
    assert world.status.phase is Phase.RUNNING


def test_a_pod_that_cannot_start_is_shown_and_then_given_up() -> None:
    waiting = ErrorInfo(reason="ImagePullBackOff", message="no such image")
    world = started()
    world.load = JobView(JobState.ACTIVE, waiting=waiting, age_seconds=20)
    world.settle()
    assert "ImagePullBackOff" in (world.status.message or "")
    world.load = JobView(JobState.ACTIVE, waiting=waiting, age_seconds=200)
    world.settle()
    world.pods_running = False
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert world.status.conditions[0].reason == "LoadPodNotStarted"
    assert world.load.state is JobState.ABSENT


def test_a_pod_that_is_still_being_created_has_more_time() -> None:
    world = started()
    world.load = JobView(JobState.ACTIVE, age_seconds=400)
    world.settle()
    assert world.status.phase is Phase.RUNNING
    world.load = JobView(JobState.ACTIVE, age_seconds=700)
    world.settle()
    assert world.status.conditions[0].reason == "LoadPodNotStarted"


def test_a_pod_that_has_started_may_take_its_time() -> None:
    world = started()
    world.load = JobView(JobState.ACTIVE, started=True, age_seconds=7000)
    world.settle()
    assert world.status.phase is Phase.RUNNING


def test_a_finished_run_is_never_run_again() -> None:
    world = started()
    world.finish_load()
    world.settle()
    world.load = JobView()  # its time to live is over
    assert world.decide() == []


@pytest.mark.parametrize("kind", RunKind)
@pytest.mark.parametrize("job", [JobState.ACTIVE, JobState.FAILED, JobState.ABSENT])
def test_a_run_is_complete_when_its_record_is_however_its_job_is_doing(
    kind: RunKind, job: JobState
) -> None:
    world = World(kind)
    world.settle()
    world.finish_load()
    world.load = JobView(job)
    world.settle()
    assert world.status.phase is Phase.COMPLETED
    assert not world.finalizers
    assert world.cleanup is JobState.ABSENT


def test_progress_may_wait_to_be_written_and_nothing_else() -> None:
    world = World()
    assert [a.may_wait for a in world.decide() if isinstance(a, PatchStatus)] == [False]
    world.settle()
    world.results = world.record()
    world.settle()
    progress = Progress(iterations_done=2, iterations_planned=4, activity="a: cleanup")
    world.results = world.record(progress=progress)
    assert [a.may_wait for a in world.decide() if isinstance(a, PatchStatus)] == [True]
    world.results = world.record(RunState.COMPLETED)
    assert [a.may_wait for a in world.decide() if isinstance(a, PatchStatus)] == [False]


def test_giving_up_is_final_and_going_on_is_not() -> None:
    world = started()
    world.results = world.record()
    assert not is_final(world.decide())
    world.fail_load()
    assert is_final(world.decide())
    world.settle()
    world.end_cleanups(JobState.SUCCEEDED)
    assert is_final(world.decide())


STEPS: dict[str, Callable[[World], None]] = {
    "finish": lambda w: w.finish_load() if w.load.state is JobState.ACTIVE else None,
    "fail": lambda w: w.fail_load() if w.load.state is JobState.ACTIVE else None,
    "vanish": lambda w: setattr(w, "load", JobView()) if w.status.start_time else None,
    "delete": World.delete,
    "progress": lambda w: setattr(w, "results", w.record()) if w.pods_running else None,
    "cleaned": lambda w: w.end_cleanups(JobState.SUCCEEDED),
    "not cleaned": lambda w: w.end_cleanups(JobState.FAILED),
}


@settings(max_examples=at_least(600))
@given(
    st.sampled_from(RunKind),
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 4)), max_size=12),
)
def test_whatever_happens_and_whenever_the_operator_crashes_it_ends(
    kind: RunKind, story: list[tuple[str, int]]
) -> None:
    world = World(kind)
    for step, crash_after in story:
        if not world.exists:
            break
        world.reconcile(crash_after)
        STEPS[step](world)
    for _ in range(8):
        if not world.exists:
            break
        world.settle()
        world.pods_running = world.load.state is JobState.ACTIVE
        if world.load.state is JobState.ACTIVE:
            world.finish_load()
        world.let_pass(100_000)
        world.settle()
        world.end_cleanups(JobState.SUCCEEDED)
    assert world.loads_created <= 1
    if world.exists:
        assert world.status.phase is not None
        assert world.status.phase.terminal
        assert not world.finalizers
        assert world.decide() == []


def test_the_load_job_is_created_once_even_if_the_status_was_not_written() -> None:
    world = World()
    world.reconcile(crash_after=2)
    assert world.load.state is JobState.ACTIVE
    assert world.status.start_time is None
    assert CreateJob(JobKind.LOAD) not in world.decide()
