from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.controller.world import SPEC, World, record

from krobench.controller.actions import CreateJob, JobKind
from krobench.controller.observed import JobState, JobView
from krobench.model.common import ErrorInfo
from krobench.model.kinds import RunKey, RunKind
from krobench.model.record import RunState
from krobench.model.status import Phase, Verdict
from krobench.model.testrecord import TestRecord, TestState, ThresholdResult
from krobench.model.validity import Validity


def started() -> World:
    world = World()
    world.settle()
    return world


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


def test_progress_of_the_job_is_shown() -> None:
    world = started()
    world.results = record()
    world.settle()
    assert world.status.progress == "2/4"
    assert world.status.message == "a: iteration 3 of 4"
    assert world.condition("Reconciling") == "True"


def test_a_finished_run_is_complete_and_lets_its_resource_go() -> None:
    world = started()
    world.finish_load()
    world.settle()
    assert world.status.phase is Phase.COMPLETED
    assert world.status.verdict is Verdict.PASSED
    assert world.condition("Complete") == world.condition("Finished") == "True"
    assert world.condition("Failed") == world.condition("Stalled") == "False"
    assert world.benchmark.headline is not None
    assert world.benchmark.headline.p99 == "not available"
    assert not world.finalizers
    assert {"Started", "TestSucceeded", "Completed"} <= world.reasons


def with_test(**changes: Any) -> list[TestRecord]:
    return [record(RunState.COMPLETED).tests[0].model_copy(update=changes)]


def test_a_missed_threshold_completes_with_verdict_failed() -> None:
    missed = ThresholdResult(
        expression="errors.total == 0", passed=False, values={"errors.total": 2}
    )
    world = started()
    world.finish_load(tests=with_test(thresholds=[missed]), verdict=Verdict.FAILED)
    world.settle()
    assert (world.status.phase, world.status.verdict) == (Phase.COMPLETED, Verdict.FAILED)
    assert world.status.conditions[0].reason == "ThresholdsNotMet"
    assert "errors.total = 2" in (world.status.message or "")


LATE = ErrorInfo(reason="GeneratorLate", message="only 3 of 9 requests that were due were sent")


def test_an_invalid_run_has_neither_passed_nor_failed() -> None:
    invalid = Validity.of([LATE])
    world = started()
    assert world.condition("Valid") == "Unknown"
    world.finish_load(tests=with_test(validity=invalid), validity=invalid, verdict=Verdict.INVALID)
    world.settle()
    assert (world.status.phase, world.status.verdict) == (Phase.COMPLETED, Verdict.INVALID)
    assert world.benchmark.tests[0].verdict == "Invalid"
    assert world.condition("Valid") == "False"
    assert world.status.conditions[0].reason == "GeneratorLate"
    assert "only 3 of 9" in (world.status.message or "")
    assert {"GeneratorLate", "TestInvalid"} <= world.reasons
    assert not {"Completed", "TestSucceeded"} & world.reasons


def test_an_invalid_run_that_failed_says_both() -> None:
    error = ErrorInfo(reason="Timeout", message="the timeout was over")
    invalid = Validity.of([LATE])
    failed = with_test(state=TestState.FAILED, success=False, error=error, validity=invalid)
    world = started()
    world.finish_load(tests=failed, validity=invalid, verdict=Verdict.INVALID)
    world.settle()
    assert (world.status.phase, world.status.verdict) == (Phase.FAILED, Verdict.INVALID)
    assert {"Timeout", "GeneratorLate", "TestFailed"} <= world.reasons


def test_a_run_whose_load_was_the_one_asked_for_is_valid() -> None:
    world = started()
    world.finish_load(validity=Validity())
    world.settle()
    assert world.condition("Valid") == "True"


def test_a_run_that_broke_off_is_not_called_valid() -> None:
    world = started()
    world.fail_load(begun=False)
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert world.condition("Valid") == "Unknown"


def test_a_failed_test_fails_the_run_with_the_tests_reason() -> None:
    error = ErrorInfo(reason="RGDRejected", message="no such field")
    world = started()
    world.finish_load(
        tests=with_test(state=TestState.FAILED, success=False, error=error),
        verdict=Verdict.FAILED,
    )
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert world.status.message == "test a: no such field"
    assert world.condition("Stalled") == "True"
    assert {"TestFailed", "RGDRejected"} <= world.reasons


UNKNOWN_SCENARIO = {"name": "a", "workload": {"scenario": "x", "instances": 1}}
UNKNOWN_METRIC = SPEC["tests"][0] | {"thresholds": ["nope < 1"]}


@pytest.mark.parametrize(
    ("tests", "reason", "words"),
    [
        ([UNKNOWN_SCENARIO], "InvalidSpec", "spec.tests[0].workload.scenario"),
        ([], "InvalidSpec", "spec.tests"),
        ([UNKNOWN_METRIC], "UnknownMetric", "tests[0].thresholds[0]"),
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
    first = RunKey(RunKind.BENCHMARK, "team-a", "first")
    second = RunKey(RunKind.SCALE_TEST, "team-b", "second")
    world = World(ahead=(first, second))
    world.settle()
    assert world.status.phase is Phase.QUEUED
    assert "waits for KroBenchmark team-a/first" in (world.status.message or "")
    assert world.loads_created == 0
    world.ahead = ()
    world.settle()
    assert world.status.phase is Phase.RUNNING


def test_a_load_job_that_dies_is_cleaned_up_after_and_keeps_its_results() -> None:
    world = started()
    world.fail_load("LoadJobOOMKilled")
    world.settle()
    assert world.status.phase is Phase.CLEANING_UP
    assert world.cleanups[0].state is JobState.ACTIVE
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert world.status.verdict is Verdict.ERROR
    assert world.status.conditions[0].reason == "LoadJobOOMKilled"
    assert world.status.results_ref is not None
    assert not world.finalizers


@pytest.mark.parametrize("policy", ["OnSuccess", "Never"])
def test_objects_of_a_dead_job_are_kept_where_the_policy_says_so(policy: str) -> None:
    world = World(spec=SPEC | {"cleanup": policy})
    world.settle()
    world.fail_load()
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert all(job.state is JobState.ABSENT for job in world.cleanups)
    assert any("objects were kept" in text for text in world.status.warnings)


VARIANTS = [{"name": "one"}, {"name": "two"}]


def test_kro_is_put_back_even_where_objects_are_kept() -> None:
    world = World(spec=SPEC | {"cleanup": "Never", "variants": VARIANTS})
    world.settle()
    world.fail_load()
    assert world.results is not None
    world.results.variant = "one"
    world.settle()
    assert world.cleanups[0].state is JobState.ACTIVE
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert any("objects were kept" in warning for warning in world.status.warnings)


def test_kro_that_was_about_to_be_changed_is_put_back() -> None:
    pending = record().tests[0].model_copy(update={"start_time": None})
    world = World(spec=SPEC | {"variants": VARIANTS})
    world.settle()
    world.fail_load()
    world.results = record(tests=[pending], variant="one")
    world.settle()
    assert world.cleanups[0].state is JobState.ACTIVE


def test_a_job_that_was_refused_before_it_began_needs_no_clean_up() -> None:
    world = started()
    world.fail_load("KroNotFound", begun=False)
    world.settle()
    assert world.status.conditions[0].reason == "KroNotFound"
    assert all(job.state is JobState.ABSENT for job in world.cleanups)


def test_nothing_is_cleaned_up_while_the_loads_pod_still_runs() -> None:
    world = started()
    world.results = record()
    world.settle()
    world.load = JobView()  # someone deleted the Job; its pod is given time to end
    world.settle()
    assert world.status.phase is Phase.CLEANING_UP
    assert world.cleanups[0].state is JobState.ABSENT
    world.pods_running = False
    world.settle()
    assert world.cleanups[0].state is JobState.ACTIVE
    assert world.status.conditions[0].reason == "LoadJobDeleted"


def test_objects_are_cleaned_up_even_where_the_results_were_lost() -> None:
    world = started()
    world.results = record()
    world.settle()
    world.fail_load(begun=False)
    world.settle()
    assert world.cleanups[0].state is JobState.ACTIVE


def test_a_clean_up_that_fails_twice_ends_with_a_warning() -> None:
    world = started()
    world.fail_load()
    for _ in range(2):
        world.settle()
        world.end_cleanups(JobState.FAILED)
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert any("clean-up failed" in text for text in world.status.warnings)
    assert not world.finalizers


def test_deleting_in_mid_run_stops_the_load_before_it_cleans_up() -> None:
    world = started()
    world.delete()
    world.settle()
    assert world.load.state is JobState.ABSENT
    assert world.cleanups[0].state is JobState.ABSENT, "the load's pods still run"
    world.pods_running = False
    world.settle()
    assert world.cleanups[0].state is JobState.ACTIVE
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    assert not world.exists


def test_deleting_ends_even_where_the_clean_up_fails() -> None:
    world = started()
    world.delete()
    world.pods_running = False
    for _ in range(3):
        world.settle()
        world.end_cleanups(JobState.FAILED)
    world.settle()
    assert not world.exists
    assert "CleanupFailed" in world.reasons


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


def test_a_finished_run_is_never_run_again() -> None:
    world = started()
    world.finish_load()
    world.settle()
    world.load = JobView()  # its time to live is over
    assert world.decide() == []


def test_a_condition_keeps_its_transition_time_while_its_status_stays() -> None:
    world = started()
    before = {c.type: c.last_transition_time for c in world.status.conditions}
    world.results = record()
    world.settle()
    assert {c.type: c.last_transition_time for c in world.status.conditions} == before


STEPS: dict[str, Callable[[World], None]] = {
    "finish": lambda w: w.finish_load() if w.load.state is JobState.ACTIVE else None,
    "fail": lambda w: w.fail_load() if w.load.state is JobState.ACTIVE else None,
    "vanish": lambda w: setattr(w, "load", JobView()) if w.status.start_time else None,
    "delete": World.delete,
    "progress": lambda w: setattr(w, "results", w.record()) if w.pods_running else None,
    "cleaned": lambda w: w.end_cleanups(JobState.SUCCEEDED),
    "not cleaned": lambda w: w.end_cleanups(JobState.FAILED),
}


@settings(max_examples=600)
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
