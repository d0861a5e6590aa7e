"""From what makes an iteration invalid to what makes a test and a run so."""

from collections.abc import Iterable, Sequence

from krobench.model.common import ErrorInfo
from krobench.model.record import IterationRecord, TestRecord
from krobench.model.validity import Cause, Validity

_SEVERITY = {cause.value: place for place, cause in enumerate(Cause)}


def validity_of_test(
    iterations: Iterable[IterationRecord], whole: Sequence[ErrorInfo], ignore: Sequence[Cause]
) -> Validity:
    """Return what the measured iterations say, and what is to be said of them as a ``whole``.

    Warm-up is not summarised, so it may be off.
    """
    causes = [
        *whole,
        *(
            _within(f"iteration {record.index + 1}", cause)
            for record in iterations
            if not record.warmup
            for cause in record.validity.causes
        ),
    ]
    return Validity.of([cause for cause in causes if cause.reason not in ignore])


def validity_of_run(
    tests: Iterable[TestRecord], whole: Sequence[ErrorInfo], ignore: Sequence[Cause]
) -> Validity:
    """Return what the tests say, and what is to be said of the run as a ``whole``: one test that
    is invalid leaves no verdict. The causes that weigh most come first."""
    causes = [cause for cause in whole if cause.reason not in ignore]
    causes += [
        _within(f"test {test.name}", cause) for test in tests for cause in test.validity.causes
    ]
    return Validity.of(sorted(causes, key=lambda cause: _SEVERITY.get(cause.reason, 0)))


def ignored(
    tests: Iterable[TestRecord], whole: Sequence[ErrorInfo], ignore: Sequence[Cause]
) -> list[str]:
    """Return what would have made the run invalid, had the user not accepted it."""
    causes = [
        *whole,
        *(
            _within(f"test {test.name}: iteration {record.index + 1}", cause)
            for test in tests
            for record in test.iterations
            if not record.warmup
            for cause in record.validity.causes
        ),
    ]
    return [
        f"{cause.reason}, which spec.validity.ignore accepts: {cause.message}"
        for cause in causes
        if cause.reason in ignore
    ]


def _within(place: str, cause: ErrorInfo) -> ErrorInfo:
    return ErrorInfo(reason=cause.reason, message=f"{place}: {cause.message}")
