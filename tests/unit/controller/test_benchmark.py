"""What the status and the Events of a KroBenchmark say."""

from typing import Any

from unit.controller.world import record, started

from krobench.api.common import ErrorInfo
from krobench.api.status import Phase, Verdict
from krobench.api.storage import StoredAt
from krobench.controller.state import JobState
from krobench.findings.validity import RequestsNotSent, Validity
from krobench.record.run import RunState
from krobench.record.test import TestRecord, TestState, ThresholdResult

LATE = RequestsNotSent(sent=3, due=9)


def with_test(**changes: Any) -> list[TestRecord]:
    return [record(RunState.COMPLETED).tests[0].model_copy(update=changes)]


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


def test_a_run_says_whether_its_results_are_in_the_store() -> None:
    without, stored, failed = started(), started(), started()
    without.finish_load()
    stored.finish_load(store=StoredAt(claim_name="results", path="team/krobenchmarks/a/1"))
    failed.finish_load(store_error=ErrorInfo(reason="StoreFull", message="no space"))
    for world in (without, stored, failed):
        world.settle()
    assert "Stored" not in {condition.type for condition in without.status.conditions}
    assert stored.condition("Stored") == "True"
    assert failed.condition("Stored") == "False"
    assert failed.status.conditions[-1].reason == "StoreFull"


def test_no_test_of_a_load_job_that_died_stands_as_under_way() -> None:
    world = started()
    world.fail_load()
    world.settle()
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    [test] = world.benchmark.tests
    assert (test.phase, test.verdict) == (TestState.FAILED, Verdict.FAILED)
    assert test.message == "LoadJobFailed: it broke"
    assert {"TestFailed", "LoadJobFailed"} <= world.reasons


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
    saying = [c.type for c in world.status.conditions if c.message == world.status.message]
    assert saying == ["Ready", "Stalled", "Failed"]
    assert {"TestFailed", "RGDRejected"} <= world.reasons


def test_a_condition_keeps_its_transition_time_while_its_status_stays() -> None:
    world = started()
    before = {c.type: c.last_transition_time for c in world.status.conditions}
    world.results = record()
    world.settle()
    assert {c.type: c.last_transition_time for c in world.status.conditions} == before
