from xml.etree import ElementTree as ET

from unit.analysis.comparison.runs import METRICS, side
from unit.controller.world import record

from krobench.analysis.comparison.compare import compare
from krobench.analysis.comparison.rules import Rules
from krobench.api.common import ErrorInfo
from krobench.findings.comparison import Better
from krobench.findings.validity import (
    ClockJumped,
    LeftoverObjects,
    NodeBusy,
    RequestsNotSent,
    Validity,
)
from krobench.record.run import RunRecord, RunState
from krobench.record.test import TestState, ThresholdResult
from krobench.report.junit import render

LATE = RequestsNotSent(sent=3, due=9)


def suite(run: RunRecord) -> ET.Element:
    return ET.fromstring(render(run))


def test_a_run_that_passed_has_cases_without_failures() -> None:
    root = suite(record(RunState.COMPLETED))
    assert root.get("name") == "default/bench"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("1", "0", "0")
    assert [case.get("name") for case in root.iter("testcase")] == ["a"]


def test_a_missed_threshold_is_a_failure_with_what_was_measured() -> None:
    run = record(RunState.COMPLETED)
    run.tests[0].thresholds = [
        ThresholdResult(expression="errors.total == 0", passed=False, values={"errors.total": 2.0})
    ]
    [failure] = suite(run).iter("failure")
    assert failure.get("message") == "errors.total == 0"
    assert "errors.total = 2" in (failure.text or "")


def test_a_failed_test_is_an_error_and_one_that_never_ran_is_skipped() -> None:
    run = record(RunState.COMPLETED)
    failed = run.tests[0].model_copy(
        update={"error": ErrorInfo(reason="Timeout", message='<late> & "wrong"')}
    )
    skipped = run.tests[0].model_copy(update={"state": TestState.SKIPPED})
    run.tests = [failed, skipped]
    root = suite(run)
    [error] = root.iter("error")
    assert error.get("type") == "Timeout"
    assert error.text == '<late> & "wrong"'
    assert root.get("skipped") == "1"


def test_a_run_that_was_given_up_before_its_tests_is_an_error_and_not_only_skipped() -> None:
    run = record(RunState.ABORTED)
    run.error = ErrorInfo(reason="InvalidWorkload", message="there is no ConfigMap")
    run.tests = [run.tests[0].model_copy(update={"state": TestState.SKIPPED})]
    root = suite(run)
    assert (root.get("tests"), root.get("skipped"), root.get("errors")) == ("2", "1", "1")
    [error] = root.iter("error")
    assert error.get("type") == "InvalidWorkload"


def test_what_is_worse_than_the_baseline_is_a_failure_where_it_fails_the_run() -> None:
    rules = Rules(primary={METRICS[0]: Better.LOWER})
    comparison = compare(side("base", 6, 1), side("now", 6, 2, 1.5), rules)
    comparison.metrics[0].test = "a"
    for fails_run in (False, True):
        run = record(RunState.COMPLETED)
        run.comparison = comparison.model_copy(update={"fails_run": fails_run})
        root = ET.fromstring(render(run))
        assert root.get("failures") == str(int(fails_run))
        assert "against base" in (root.findtext("system-out") or "")
        assert "ratio 1." in render(run)


def test_an_invalid_test_is_skipped_with_the_cause_whatever_its_thresholds_say() -> None:
    run = record(RunState.COMPLETED)
    busy = NodeBusy(node="n", used_cores=1.6, cores=2.0, allowed_ratio=0.25)
    run.tests[0].validity = Validity.of([LATE, busy])
    run.tests[0].thresholds = [ThresholdResult(expression="errors.total == 0", passed=False)]
    run.validity = Validity.of([LATE.model_copy(update={"test": "a"})])
    root = suite(run)
    counts = {kind: root.get(kind) for kind in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "1", "failures": "0", "errors": "0", "skipped": "1"}
    [skipped] = root.iter("skipped")
    assert skipped.get("message") == "invalid: GeneratorLate: only 3 of 9 due requests were sent"
    assert "NodeBusy" in (skipped.text or "")
    run.tests[0].error = ErrorInfo(reason="Timeout", message="late")
    [error] = suite(run).iter("error")
    assert (error.text or "").splitlines()[:2] == [
        "late",
        "GeneratorLate: only 3 of 9 due requests were sent",
    ]


def test_what_speaks_against_the_run_as_a_whole_is_an_error_of_its_own() -> None:
    run = record(RunState.COMPLETED)
    accepted = ClockJumped(jump_seconds=3.0, before_seconds=0.0, after_seconds=6.0)
    cause = LeftoverObjects(count=2, first="RGD/a", runs=["uid-1"])
    run.causes = [accepted, cause]
    run.validity = Validity.of([cause])
    root = suite(run)
    assert (root.get("tests"), root.get("errors")) == ("2", "1")
    [error] = root.iter("error")
    assert error.get("type") == "LeftoverObjects"
    assert (error.get("message") or "").startswith("2 objects of an earlier run existed")
    assert [case.get("name") for case in root.iter("testcase")] == ["a", "validity"]
    assert "ClockJumped" not in render(run)
