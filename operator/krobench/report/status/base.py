"""What the statuses of both kinds of runs share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from krobench.api.common import rfc3339
from krobench.api.kinds import RunKind
from krobench.api.status import Condition, ConditionType, ObjectRef, Phase, RunStatus, Verdict
from krobench.figures.catalogue import KRO_RESIDENT, THROUGHPUT
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord, TestSummary
from krobench.report.words.validity import VALID, validity_line

COMPLETED = "Completed"
"""Reason of a run without any finding; a missed threshold, for example, is a reason of its own."""

NOT_COMPARED = "NotCompared"
WORSE = "WorseThanBaseline"
"""Reason of a run that fails because it is worse than its baseline."""

# kstatus tools read the messages of the first two, users those of the others.
_WITH_MESSAGE = (
    ConditionType.RECONCILING,
    ConditionType.STALLED,
    ConditionType.FAILED,
    ConditionType.SUSPENDED,
)
_STORED = "InStore"
_MAX_MESSAGE = 1024
_MAX_WARNINGS = 32
_DIGITS = 3
_MAX_VERSION = 64


Claims = dict[ConditionType, tuple[str, str, str]]
"""Status, reason and message by type."""


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
    scheduled: bool = False
    """Whether a schedule created the run."""


def base_status(facts: StatusFacts, line: StatusLine, job: ObjectRef | None) -> RunStatus:
    """Return the fields that both kinds of runs have."""
    old, record = facts.old, facts.record
    finished = line.phase.terminal
    start = old.start_time or (record.start_time if record else None)
    if start is None and job is not None:
        start = rfc3339(facts.now)
    verdict = record.verdict if record and record.verdict else Verdict.ERROR
    if line.phase is Phase.FAILED and verdict is Verdict.PASSED:
        verdict = Verdict.ERROR  # a run that was lost after its tests has no verdict of its own
    return RunStatus(
        phase=line.phase,
        observed_generation=facts.generation,
        start_time=start,
        completion_time=(old.completion_time or rfc3339(facts.now)) if finished else None,
        progress=f"{record.progress.iterations_done}/{record.progress.iterations_planned}"
        if record
        else old.progress,
        live=record.progress.live if record and line.phase is Phase.RUNNING else None,
        verdict=verdict if finished else None,
        message=line.message,
        orphans=record.orphans.count if record and record.orphans else None,
        warnings=[*(record.warnings if record else []), *line.warnings][:_MAX_WARNINGS],
        conditions=_conditions(facts, line),
        kro_version=_version(record) or old.kro_version,
        results_ref=facts.results or old.results_ref,
        job_ref=job or old.job_ref,
    )


def _version(record: RunRecord | None) -> str | None:
    kro = record.environment.kro if record is not None else None
    return (kro.version or "")[:_MAX_VERSION] or None if kro is not None else None


def message_of(test: TestRecord) -> str | None:
    """Return why a test, or a size, has no result or is invalid; None if it is valid."""
    if test.error is not None:
        return f"{test.error.reason}: {test.error.message}"
    return None if test.validity.valid else f"invalid: {validity_line(test.validity)}"


def figures_of(summary: TestSummary) -> dict[str, float | int | None]:
    """Return the fields that tests and sizes both have."""
    ready = summary.latency.instance_ready
    return {
        "instance_ready_p50_seconds": rounded(ready.p50_seconds if ready else None),
        "instance_ready_p99_seconds": rounded(ready.p99_seconds if ready else None),
        "instances_per_second": rounded(summary.figures[THROUGHPUT]),
        "kro_memory_max_bytes": whole(summary.figures[KRO_RESIDENT.max]),
        "errors": summary.errors_total,
    }


def bottleneck_of(test: TestRecord) -> dict[str, str | float]:
    """Return the fields on the main bottleneck; none if nothing stands out."""
    if test.attribution is None or not test.attribution.bottlenecks:
        return {}
    first = test.attribution.bottlenecks[0]
    return {"bottleneck": first.kind, "bottleneck_score": round(first.score, _DIGITS)}


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def whole(value: float | None) -> int | None:
    """Return a number of bytes as the API declares it."""
    return None if value is None else round(value)


def _conditions(facts: StatusFacts, line: StatusLine) -> list[Condition]:
    completed, failed = line.phase is Phase.COMPLETED, line.phase is Phase.FAILED
    finished = completed or failed
    suspended = line.phase is Phase.SUSPENDED
    wanted = {
        # Ready as kstatus defines it: the controller did what the spec asks for. A missed
        # threshold is a result: the reason and the verdict say so.
        ConditionType.READY: completed,
        ConditionType.RECONCILING: not (finished or suspended),
        ConditionType.STALLED: failed,
        ConditionType.COMPLETE: completed,
        ConditionType.FAILED: failed,
        ConditionType.FINISHED: finished,
    }
    if suspended:
        # kstatus must not wait for a run that waits for its user, and users not take it for done.
        del wanted[ConditionType.READY]
    if suspended or any(old.type == ConditionType.SUSPENDED for old in facts.old.conditions):
        wanted[ConditionType.SUSPENDED] = suspended
    validity = _validity(facts.record, line.phase)
    reason = validity[1] if completed and validity[0] == "False" else line.reason
    claims: Claims = {}
    for kind, true in wanted.items():
        # The others would only repeat the message.
        has_message = kind is ConditionType.READY or (true and kind in _WITH_MESSAGE)
        claims[kind] = ("True" if true else "False", reason, line.message if has_message else "")
    claims[ConditionType.VALID] = validity
    record = facts.record
    if record is not None and record.store is not None:
        claims[ConditionType.STORED] = ("True", _STORED, f"in {record.store}"[:_MAX_MESSAGE])
    elif record is not None and record.store_error is not None:
        error = record.store_error
        message = f"{error.message}; the results are in ConfigMaps"
        claims[ConditionType.STORED] = ("False", error.reason, message[:_MAX_MESSAGE])
    return stamped(claims, facts.old.conditions, facts.generation, facts.now)


def stamped(
    claims: Claims, old: Sequence[Condition], generation: int, now: datetime
) -> list[Condition]:
    """Return conditions, each with the time since when it has its status."""
    times = {(each.type, each.status): each.last_transition_time for each in old}
    return [
        Condition(
            type=kind,
            status=status,
            observed_generation=generation,
            last_transition_time=times.get((kind, status), rfc3339(now)),
            reason=reason,
            message=message,
        )
        for kind, (status, reason, message) in claims.items()
    ]


def _validity(record: RunRecord | None, phase: Phase) -> tuple[str, str, str]:
    """Return the status, the reason and the message of the condition Valid."""
    if not phase.terminal:
        return "Unknown", "NotFinished", "assessed when the run finishes"
    if record is None or record.validity is None:
        return "Unknown", "NotAssessed", "the run ended before its validity was assessed"
    if record.validity.valid:
        return "True", "Valid", VALID
    return "False", record.validity.causes[0].reason, validity_line(record.validity)
