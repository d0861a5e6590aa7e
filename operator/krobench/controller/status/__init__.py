"""The status of a run, as a pure function of what is known of it."""

from dataclasses import replace

from krobench.api.common import ErrorInfo, rfc3339
from krobench.api.kinds import RunKind
from krobench.api.status import KroScaleTestStatus, ObjectRef, Phase, RunStatus
from krobench.controller.observed import Observed
from krobench.controller.status import benchmark, scaletest
from krobench.controller.status.base import COMPLETED, Word, base_status
from krobench.record.ending import as_given_up
from krobench.record.run import RunRecord

__all__ = ["COMPLETED", "Word", "describe", "had_begun", "outcome"]


def describe(observed: Observed, word: Word, job: ObjectRef | None = None) -> RunStatus:
    """Return the status of a run that stands as ``word`` says."""
    if word.phase is Phase.FAILED:
        observed = _as_given_up(observed, word)
    base = base_status(observed, word, job)
    if observed.run.kind is RunKind.SCALE_TEST:
        return scaletest.describe(observed, base)
    return benchmark.describe(observed, base)


def outcome(record: RunRecord) -> Word:
    """Return what is to be said of a run that went to its end."""
    if record.kind == RunKind.SCALE_TEST:
        return scaletest.outcome(record)
    return benchmark.outcome(record)


def had_begun(status: RunStatus) -> bool:
    """Whether the status, which may be all that is left, knows of a test that had begun."""
    if isinstance(status, KroScaleTestStatus):
        return scaletest.had_begun(status)
    return benchmark.had_begun(status)


def _as_given_up(observed: Observed, word: Word) -> Observed:
    """Let no test of a run that has ended stand as under way: its load may have died in it."""
    record = observed.results.record
    if record is None:
        return observed
    why = ErrorInfo(reason=word.reason, message=word.message)
    end_time = observed.run.status.completion_time or rfc3339(observed.now)
    ended = as_given_up(record, why, end_time)
    return replace(observed, results=replace(observed.results, record=ended))
