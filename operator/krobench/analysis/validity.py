"""From what makes an iteration invalid to what makes a test and a run so."""

from collections.abc import Iterable

from krobench.model.common import ErrorInfo
from krobench.model.record import IterationRecord, TestRecord, Validity


def validity_of_test(iterations: Iterable[IterationRecord]) -> Validity:
    """Return what the measured iterations say; warm-up is not summarised, so it may be off."""
    return Validity.of(
        [
            _within(f"iteration {record.index + 1}", cause)
            for record in iterations
            if not record.warmup
            for cause in record.validity.causes
        ]
    )


def validity_of_run(tests: Iterable[TestRecord]) -> Validity:
    """Return what the tests say: one that is invalid leaves no verdict on the whole."""
    return Validity.of(
        [_within(f"test {test.name}", cause) for test in tests for cause in test.validity.causes]
    )


def _within(place: str, cause: ErrorInfo) -> ErrorInfo:
    return ErrorInfo(reason=cause.reason, message=f"{place}: {cause.message}")
