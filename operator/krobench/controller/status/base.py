"""What the statuses of all kinds of runs say alike."""

from dataclasses import dataclass
from datetime import datetime

from krobench.api.common import rfc3339
from krobench.api.status import Condition, ConditionType, ObjectRef, Phase, RunStatus
from krobench.api.verdict import Verdict
from krobench.controller.observed import Observed, Run
from krobench.figures.measures import LatencySummary
from krobench.record.run import RunRecord

COMPLETED = "Completed"
"""Reason of a run that ended well; one with a result that is not, has another."""

_SAYING = (ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.FAILED)
"""Where they are true, their message is looked for: the first two by tools that know kstatus, the
last by who waited for it."""
_MAX_WARNINGS = 32
_DIGITS = 3


@dataclass(frozen=True)
class Word:
    """What is to be said of a run: its phase, and why."""

    phase: Phase
    reason: str
    message: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What a condition says."""

    status: str
    reason: str
    message: str


def base_status(observed: Observed, word: Word, job: ObjectRef | None) -> RunStatus:
    """Return what the status says whatever the kind of the run."""
    run, record = observed.run, observed.results.record
    old = run.status
    finished = word.phase.terminal
    start = old.start_time or (record.start_time if record else None)
    if start is None and job is not None:
        start = rfc3339(observed.now)
    return RunStatus(
        phase=word.phase,
        observed_generation=run.generation,
        start_time=start,
        completion_time=(old.completion_time or rfc3339(observed.now)) if finished else None,
        progress=_progress(record) or old.progress,
        verdict=_verdict(word, record) if finished else None,
        message=word.message,
        orphans=record.orphans.count if record and record.orphans else None,
        warnings=[*(record.warnings if record else []), *word.warnings][:_MAX_WARNINGS],
        conditions=_conditions(run, word, record, observed.now),
        results_ref=_results_ref(observed) or old.results_ref,
        job_ref=job or old.job_ref,
    )


def median_seconds(summary: LatencySummary | None) -> float | None:
    """Return the median of latencies, if there are any."""
    return summary.p50_seconds if summary else None


def rounded(value: float | None) -> float | None:
    """Return a number as the status shows it."""
    return None if value is None else round(value, _DIGITS)


def _progress(record: RunRecord | None) -> str | None:
    if record is None:
        return None
    return f"{record.progress.iterations_done}/{record.progress.iterations_planned}"


def _verdict(word: Word, record: RunRecord | None) -> Verdict:
    if record is None or record.verdict is None:
        return Verdict.ERROR
    if word.phase is Phase.FAILED and record.verdict is Verdict.PASSED:
        return Verdict.ERROR  # a run that was lost after its tests has no verdict of its own
    return record.verdict


def _results_ref(observed: Observed) -> ObjectRef | None:
    if observed.results.record is None:
        return None
    return ObjectRef(kind="ConfigMap", namespace=observed.run.namespace, name=observed.results.name)


def _conditions(run: Run, word: Word, record: RunRecord | None, now: datetime) -> list[Condition]:
    completed, failed = word.phase is Phase.COMPLETED, word.phase is Phase.FAILED
    finished = completed or failed
    wanted = {
        # Ready means what kstatus means by it: the controller did what it was asked for. A
        # missed threshold is a result, and stands in the reason and the verdict.
        ConditionType.READY: completed,
        ConditionType.RECONCILING: not finished,
        ConditionType.STALLED: failed,
        ConditionType.COMPLETE: completed,
        ConditionType.FAILED: failed,
        ConditionType.FINISHED: finished,
    }
    before = {condition.type: condition for condition in run.status.conditions}
    validity = _validity(record, word.phase)
    reason = validity.reason if completed and validity.status == "False" else word.reason
    claims = {
        kind: Claim("True" if value else "False", reason, _message(kind, word, true=value))
        for kind, value in wanted.items()
    }
    claims[ConditionType.VALID] = validity
    return [
        _condition(kind, claim, run.generation, before.get(kind), now)
        for kind, claim in claims.items()
    ]


def _message(kind: ConditionType, word: Word, *, true: bool) -> str:
    """Return what a condition says beside its reason: once is enough for who reads them all."""
    return word.message if kind is ConditionType.READY or (true and kind in _SAYING) else ""


def _validity(record: RunRecord | None, phase: Phase) -> Claim:
    """Return whether the numbers may be believed."""
    if not phase.terminal:
        return Claim("Unknown", "NotFinished", "assessed when the run finishes")
    if record is None or record.validity is None:
        message = "the run ended before its validity was assessed"
        return Claim("Unknown", "NotAssessed", message)
    if record.validity.valid:
        return Claim("True", "Valid", "all validity checks passed")
    return Claim("False", record.validity.causes[0].reason, record.validity.in_short())


def _condition(
    kind: ConditionType, claim: Claim, generation: int, before: Condition | None, now: datetime
) -> Condition:
    unchanged = before is not None and before.status == claim.status
    return Condition(
        type=kind,
        status=claim.status,
        observed_generation=generation,
        last_transition_time=before.last_transition_time
        if before is not None and unchanged
        else rfc3339(now),
        reason=claim.reason,
        message=claim.message,
    )
