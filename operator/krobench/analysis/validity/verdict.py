"""From what makes an iteration invalid to what makes a test and a run so."""

from collections.abc import Sequence

from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause
from krobench.findings.validity import Validity
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord

_SEVERITY = {cause.value: place for place, cause in enumerate(Cause)}


def validity_of_test(test: TestRecord, ignore: Sequence[Cause]) -> Validity:
    """Return what is to be said of a test as a whole, and what its measured iterations say.

    Warm-up is not summarised, so it may be off.
    """
    return Validity.of([cause for cause in _of_test(test) if cause.reason not in ignore])


def validity_of_run(run: RunRecord, ignore: Sequence[Cause]) -> Validity:
    """Return what is to be said of a run as a whole, and what its tests say: one that is invalid
    leaves no verdict. The causes that weigh most come first."""
    causes = [cause for cause in _of_run(run) if cause.reason not in ignore]
    return Validity.of(sorted(causes, key=lambda cause: _SEVERITY.get(cause.reason, 0)))


def ignored(run: RunRecord, ignore: Sequence[Cause]) -> list[str]:
    """Return what would have made the run invalid, had the user not accepted it."""
    return [
        f"{cause.reason}, which spec.validity.ignore accepts: {cause.message}"
        for cause in _of_run(run)
        if cause.reason in ignore
    ]


def _of_run(run: RunRecord) -> list[ErrorInfo]:
    of_tests = [
        _within(f"test {test.name}", cause) for test in run.tests for cause in _of_test(test)
    ]
    return [*run.causes, *of_tests]


def _of_test(test: TestRecord) -> list[ErrorInfo]:
    of_iterations = [
        _within(f"iteration {record.index + 1}", cause)
        for record in test.iterations
        if not record.warmup
        for cause in record.validity.causes
    ]
    return [*test.causes, *of_iterations]


def _within(place: str, cause: ErrorInfo) -> ErrorInfo:
    return ErrorInfo(reason=cause.reason, message=f"{place}: {cause.message}")
