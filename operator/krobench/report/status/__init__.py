"""The status of a run, rendered from its record and from how its Jobs stand."""

from dataclasses import replace

from krobench.api.common import ErrorInfo, rfc3339
from krobench.api.kinds import RunKind
from krobench.api.status import KroScaleTestStatus, ObjectRef, Phase, RunStatus
from krobench.record.run import RunRecord, as_given_up
from krobench.report.scheduled import in_template
from krobench.report.status import benchmark, scaletest
from krobench.report.status.base import StatusFacts, StatusLine, base_status

__all__ = ["StatusFacts", "StatusLine", "describe", "had_begun", "outcome"]


def describe(facts: StatusFacts, line: StatusLine, job: ObjectRef | None = None) -> RunStatus:
    if line.phase is Phase.FAILED and facts.record is not None:
        # Tests that still count as running have ended: their load may have died in them.
        why = ErrorInfo(reason=line.reason, message=line.message)
        end_time = facts.old.completion_time or rfc3339(facts.now)
        facts = replace(facts, record=as_given_up(facts.record, why, end_time))
    base = base_status(facts, line, job)
    status: RunStatus
    if facts.kind is RunKind.SCALE_TEST:
        status = scaletest.describe(facts, base)
    else:
        status = benchmark.describe(facts, base)
    if not facts.scheduled:
        return status
    return facts.kind.status.model_validate(in_template(status.model_dump(), facts.kind))


def outcome(record: RunRecord) -> StatusLine:
    """Return how a run ended that completed its program."""
    if record.kind == RunKind.SCALE_TEST:
        return scaletest.outcome(record)
    return benchmark.outcome(record)


def had_begun(status: RunStatus) -> bool:
    """Whether a test had begun, by the status: the record may be lost."""
    if isinstance(status, KroScaleTestStatus):
        return bool(status.sizes)
    return benchmark.had_begun(status)
