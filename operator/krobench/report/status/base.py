"""What the statuses of both kinds of runs share."""

from dataclasses import dataclass
from datetime import datetime

from krobench.api.common import rfc3339
from krobench.api.kinds import RunKind
from krobench.api.status import Condition, ConditionType, ObjectRef, Phase, RunStatus, Verdict
from krobench.figures.measures import LatencySummary
from krobench.record.run import RunRecord
from krobench.report.words.validity import VALID, validity_line

COMPLETED = "Completed"
"""Reason of a run without any finding; a missed threshold, for example, is a reason of its own."""

# kstatus tools read the messages of the first two, users of `kubectl wait` that of the last.
_WITH_MESSAGE = (ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.FAILED)
_MAX_WARNINGS = 32
_DIGITS = 3


@dataclass(frozen=True)
class StatusLine:
    """A run's phase and why it is in it."""

    phase: Phase
    reason: str
    message: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatusFacts:
    """What a status is rendered from."""

    kind: RunKind
    generation: int
    old: RunStatus
    """The status so far."""
    planned_tests: int | None
    """None for a scale test, or if the spec is invalid."""
    record: RunRecord | None
    results: ObjectRef | None
    """The ConfigMap that holds the record."""
    now: datetime


@dataclass(frozen=True)
class _Claim:
    status: str
    reason: str
    message: str


def base_status(facts: StatusFacts, line: StatusLine, job: ObjectRef | None) -> RunStatus:
    """Return the fields that both kinds of runs have."""
    old, record = facts.old, facts.record
    finished = line.phase.terminal
    start = old.start_time or (record.start_time if record else None)
    if start is None and job is not None:
        start = rfc3339(facts.now)
    return RunStatus(
        phase=line.phase,
        observed_generation=facts.generation,
        start_time=start,
        completion_time=(old.completion_time or rfc3339(facts.now)) if finished else None,
        progress=f"{record.progress.iterations_done}/{record.progress.iterations_planned}"
        if record
        else old.progress,
        verdict=_verdict(line, record) if finished else None,
        message=line.message,
        orphans=record.orphans.count if record and record.orphans else None,
        warnings=[*(record.warnings if record else []), *line.warnings][:_MAX_WARNINGS],
        conditions=_conditions(facts, line),
        results_ref=facts.results or old.results_ref,
        job_ref=job or old.job_ref,
    )


def median_seconds(summary: LatencySummary | None) -> float | None:
    return summary.p50_seconds if summary else None


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def whole(value: float | None) -> int | None:
    """Return a number of bytes as the API declares it."""
    return None if value is None else round(value)


def _verdict(line: StatusLine, record: RunRecord | None) -> Verdict:
    if record is None or record.verdict is None:
        return Verdict.ERROR
    if line.phase is Phase.FAILED and record.verdict is Verdict.PASSED:
        return Verdict.ERROR  # a run that was lost after its tests has no verdict of its own
    return record.verdict


def _conditions(facts: StatusFacts, line: StatusLine) -> list[Condition]:
    completed, failed = line.phase is Phase.COMPLETED, line.phase is Phase.FAILED
    finished = completed or failed
    wanted = {
        # Ready as kstatus defines it: the controller did what the spec asks for. A missed
        # threshold is a result: the reason and the verdict say so.
        ConditionType.READY: completed,
        ConditionType.RECONCILING: not finished,
        ConditionType.STALLED: failed,
        ConditionType.COMPLETE: completed,
        ConditionType.FAILED: failed,
        ConditionType.FINISHED: finished,
    }
    before = {condition.type: condition for condition in facts.old.conditions}
    validity = _validity(facts.record, line.phase)
    reason = validity.reason if completed and validity.status == "False" else line.reason
    claims = {
        kind: _Claim("True" if value else "False", reason, _message(kind, line, true=value))
        for kind, value in wanted.items()
    }
    claims[ConditionType.VALID] = validity
    return [_condition(kind, claim, facts, before.get(kind)) for kind, claim in claims.items()]


def _message(kind: ConditionType, line: StatusLine, *, true: bool) -> str:
    """Return the message of a condition; empty if another condition has it."""
    return line.message if kind is ConditionType.READY or (true and kind in _WITH_MESSAGE) else ""


def _validity(record: RunRecord | None, phase: Phase) -> _Claim:
    if not phase.terminal:
        return _Claim("Unknown", "NotFinished", "assessed when the run finishes")
    if record is None or record.validity is None:
        message = "the run ended before its validity was assessed"
        return _Claim("Unknown", "NotAssessed", message)
    if record.validity.valid:
        return _Claim("True", "Valid", VALID)
    return _Claim("False", record.validity.causes[0].reason, validity_line(record.validity))


def _condition(
    kind: ConditionType, claim: _Claim, facts: StatusFacts, before: Condition | None
) -> Condition:
    unchanged = before is not None and before.status == claim.status
    return Condition(
        type=kind,
        status=claim.status,
        observed_generation=facts.generation,
        last_transition_time=before.last_transition_time
        if before is not None and unchanged
        else rfc3339(facts.now),
        reason=claim.reason,
        message=claim.message,
    )
