import pytest
from unit.records import some_run, some_test
from unit.report.scales import scale_run

from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause
from krobench.api.status import Verdict
from krobench.findings.bottleneck import Attribution
from krobench.findings.scaling import NextStep, NextToTry
from krobench.findings.validity import AnyCause, QuotedCause, Validity
from krobench.record.run import RunState
from krobench.record.test import TestRecord, TestState, ThresholdResult
from krobench.report.gist import counts_line, to_change, to_try, why
from krobench.report.recommendations import recommendations_section
from krobench.report.terminal import render

REJECTED = ErrorInfo(
    reason="RGDRejected",
    message="kro rejects it: ERROR: <input>:1:12: undefined field 'x'\n | schema.spec.x\n | ...^",
)
LATE = QuotedCause(reason=Cause.GENERATOR_LATE, text="late")


def ended(state: TestState = TestState.SUCCEEDED, **changes: object) -> TestRecord:
    return some_test(state=state, **changes)


def test_a_test_that_did_not_pass_is_not_only_counted_as_succeeded() -> None:
    missed = [ThresholdResult(expression="errors.total == 0", passed=False)]
    run = some_run(
        ended(),
        ended(thresholds=missed),
        ended(validity=Validity.of([LATE])),
        ended(TestState.FAILED, error=REJECTED),
        ended(TestState.SKIPPED),
        state=RunState.COMPLETED,
    )
    assert counts_line(run) == (
        "5 tests, 1 succeeded, 1 failed, 1 missed a threshold, 1 invalid, 1 not run"
    )


def test_an_error_of_cel_has_no_arrow_that_points_nowhere() -> None:
    run = some_run(ended(TestState.FAILED, error=REJECTED), verdict=Verdict.ERROR)
    [line] = why(run)
    assert line.endswith("undefined field 'x'")


def test_what_would_show_more_of_a_limit_is_on_the_screen() -> None:
    run = scale_run()
    assert run.scale is not None
    assert not to_try(run)
    run.scale.next_to_try = NextToTry(step=NextStep.REPEAT, iterations=3)
    assert "spec.iterations" in to_try(run)
    assert "Next to try:" in render(run)


@pytest.mark.parametrize(
    ("causes", "error", "said"),
    [([], None, True), ([LATE], None, False), ([], REJECTED, False)],
)
def test_nothing_to_change_is_said_only_of_a_run_that_was_measured(
    causes: list[AnyCause], error: ErrorInfo | None, said: bool
) -> None:
    test = ended(attribution=Attribution(), error=error)
    run = some_run(test, state=RunState.COMPLETED, validity=Validity.of(causes))
    assert bool(to_change(run)) is said
    assert ("Nothing: " in recommendations_section(run)) is said
