"""How the record of a run that did not complete is closed."""

from krobench.api.common import ErrorInfo
from krobench.api.status import Verdict
from krobench.findings.scaling import SizeVerdict
from krobench.record.run import RunRecord, RunState
from krobench.record.test import TestState


def give_up(run: RunRecord, why: ErrorInfo, end_time: str) -> None:
    """Mark a run's record as given up, and each of its tests and sizes.

    ``end_time`` is RFC 3339.
    """
    run.state = RunState.ABORTED
    run.end_time = end_time
    run.error = why
    run.verdict = Verdict.ERROR
    for test in run.tests:
        if test.state is TestState.RUNNING:
            test.state, test.success, test.error = TestState.FAILED, False, why
        elif test.state is TestState.PENDING:
            test.state = TestState.SKIPPED
    for step in run.scale.sizes if run.scale is not None else ():
        if step.verdict is None:
            step.verdict = SizeVerdict.FAILED


def as_given_up(run: RunRecord, why: ErrorInfo, end_time: str) -> RunRecord:
    """Return the record of a run whose load has died: it could not say so itself any more."""
    if run.state is not RunState.RUNNING:
        return run
    ended = run.model_copy(deep=True)
    give_up(ended, why, end_time)
    return ended
