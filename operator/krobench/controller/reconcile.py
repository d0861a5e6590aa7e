"""What to do next: a pure function of what is observed.

It is level-based: it looks at the state of things and never at what happened, so it may be called
at any time, after any crash, any number of times.
"""

from dataclasses import dataclass
from enum import Enum, auto

from krobench.api.common import ErrorInfo
from krobench.api.status import ObjectRef, Phase, RunStatus
from krobench.controller.runs import may_change_kro
from krobench.controller.state import CLEANUP_FAILED, JobKind, JobState, JobView, Observed
from krobench.record.run import INTERRUPTED, RunState
from krobench.report.events import RunEvent, events_of
from krobench.report.status import StatusLine, describe, had_begun, outcome
from krobench.report.words import runs as words

# Someone may still fix an image that cannot be pulled, but other runs wait.
POD_START_TIMEOUT_SECONDS = 170.0
# A large image takes its time, on a slow network.
POD_PULL_TIMEOUT_SECONDS = 600.0
QUICK_CLEANUPS = 2
"""Attempts to clean up that follow each other at once."""
CLEANUP_RETRY_SECONDS = 600.0
"""Between the first two attempts after those."""


@dataclass(frozen=True)
class AddFinalizer:
    """Keep the resource until the objects of its run are deleted."""


@dataclass(frozen=True)
class RemoveFinalizer:
    """Let the resource be deleted."""


@dataclass(frozen=True)
class CreateJob:
    """Create a Job, unless it exists."""

    kind: JobKind
    attempt: int = 1


@dataclass(frozen=True)
class DeleteJob:
    """Delete the load Job and its pods, if it exists."""


@dataclass(frozen=True)
class PatchStatus:
    """Write the status."""

    status: RunStatus
    may_wait: bool = False
    """Whether only progress changes, so that it need not be written at once."""


Action = AddFinalizer | RemoveFinalizer | CreateJob | DeleteJob | PatchStatus | RunEvent


def reconcile(observed: Observed, load_job: ObjectRef) -> list[Action]:
    """Return the actions to take now, in order.

    ``load_job`` names the load Job of this run, whether it exists or not.
    """
    run = observed.run
    if observed.foreign:
        return []
    if run.deleting:
        return _delete(observed)
    if run.finished:
        return _after_end(observed)
    record = observed.results.record
    if record is not None and record.state is RunState.COMPLETED:
        # The load Job writes this when all is done and cleaned up; its own end tells no more.
        ended = describe(observed.facts, outcome(record))
        return [*_say(observed, ended), *_release(observed)]
    return _go_on(observed, load_job)


def _go_on(observed: Observed, load_job: ObjectRef) -> list[Action]:
    match observed.load.state:
        case JobState.ABSENT if not (observed.run.started or observed.results.record):
            return _begin(observed, load_job)
        case JobState.ACTIVE if observed.load.disrupted is not None:
            # Its pod may never end by itself, for example on a node that is lost.
            gone = _say_line(observed, Phase.CLEANING_UP, observed.load.disrupted)
            return [*gone, DeleteJob()]
        case JobState.ACTIVE:
            return _watch_over(observed, load_job)
        case JobState.SUCCEEDED:
            results = observed.results
            return fail(observed, results.error or words.results_missing(results.name))
        case _:
            return _recover(observed)


def is_final(actions: list[Action]) -> bool:
    """Whether these actions give up a run, so that they must not rest on an outdated view."""
    return any(
        (isinstance(action, CreateJob) and action.kind is JobKind.CLEANUP)
        or (
            isinstance(action, PatchStatus)
            and action.status.phase in (Phase.FAILED, Phase.CLEANING_UP)
        )
        for action in actions
    )


def fail(observed: Observed, error: ErrorInfo, *warnings: str) -> list[Action]:
    """Return the actions that end a run which cannot continue."""
    return [*_say_line(observed, Phase.FAILED, error, *warnings), *_release(observed)]


def _begin(observed: Observed, load_job: ObjectRef) -> list[Action]:
    run = observed.run
    if run.errors:
        return fail(observed, words.first_error(run.errors))
    if run.suspended:
        return _say_line(observed, Phase.SUSPENDED, words.SUSPENDED)
    if observed.results.conflict is not None:
        return fail(observed, observed.results.conflict)
    if observed.results.error is not None:
        return fail(observed, observed.results.error)
    if observed.ahead:
        place = words.queued(observed.ahead[0], len(observed.ahead))
        return _say_line(observed, Phase.QUEUED, place)
    line = StatusLine(Phase.RUNNING, "Running", words.STARTING)
    return [
        *([] if run.has_finalizer else [AddFinalizer()]),
        CreateJob(JobKind.LOAD),
        *_say(observed, describe(observed.facts, line, load_job)),
    ]


def _watch_over(observed: Observed, load_job: ObjectRef) -> list[Action]:
    record, load = observed.results.record, observed.load
    waiting = load.waiting
    limit = POD_PULL_TIMEOUT_SECONDS if waiting is None else POD_START_TIMEOUT_SECONDS
    if record is None and not load.started and load.age_seconds > limit:
        why = words.pod_not_started(limit, waiting)
        return [*_say_line(observed, Phase.CLEANING_UP, why), DeleteJob()]
    message = words.STARTING
    if waiting is not None:
        message = words.pod_waits(waiting)
    elif record is not None:
        message = record.progress.activity or message
    line = StatusLine(Phase.RUNNING, "Running", message)
    return _say(observed, describe(observed.facts, line, load_job))


def _recover(observed: Observed) -> list[Action]:
    """Clean up after a load Job that failed or is gone, as the policy says, then give up."""
    error = _why(observed)
    if observed.load_pods_running:  # they may still send requests
        return _say_line(observed, Phase.CLEANING_UP, error)
    if not _may_have_left_objects(observed):
        return fail(observed, error)
    kept: tuple[str, ...] = ()
    spec = observed.run.spec
    if observed.run.keeps_objects:
        assert spec is not None
        kept = (words.objects_kept(spec.cleanup),)
        if not may_change_kro(spec):
            return fail(observed, error, *kept)
    actions, progress = _clean_up(observed)
    if progress is CleanupProgress.GOING:
        return [*actions, *_say_line(observed, Phase.CLEANING_UP, error)]
    if progress is CleanupProgress.DONE:
        return fail(observed, error, *kept)
    # The finalizer stays, and the cleanup is tried again, but other runs go on.
    left = words.cleanup_failed(_cleanup_error(observed))
    return [*_say_line(observed, Phase.FAILED, error, *kept, left), *actions]


def _delete(observed: Observed) -> list[Action]:
    """Handle a resource that is deleted while it runs: stop the load, clean up, let it go."""
    run = observed.run
    if not run.has_finalizer:
        return []
    if observed.load.state is JobState.ACTIVE or observed.load_pods_running:
        # The pods of a Job that is being deleted may still send requests.
        return [DeleteJob()] if observed.load.state is JobState.ACTIVE else []
    actions, progress = _clean_up(observed)
    if progress is CleanupProgress.DONE:
        return [RemoveFinalizer()]
    if run.abandoned:
        return _abandon(observed)
    if progress is CleanupProgress.GOING or run.finished:
        return actions
    message = words.cleanup_failed(_cleanup_error(observed))
    why = ErrorInfo(reason=CLEANUP_FAILED, message=message)
    said = _say_line(observed, Phase.CLEANING_UP, why)
    events = [RunEvent(CLEANUP_FAILED, message, warning=True)] if said else []
    return [*events, *said, *actions]


def _after_end(observed: Observed) -> list[Action]:
    """Let a finished run go once everything is cleaned up."""
    run = observed.run
    if not observed.cleanups or not run.has_finalizer:
        return _release(observed)
    actions, progress = _clean_up(observed)
    if progress is CleanupProgress.DONE:
        return _release(observed)
    return _abandon(observed) if run.abandoned else actions


def _abandon(observed: Observed) -> list[Action]:
    message = words.cleanup_abandoned(_cleanup_error(observed), observed.run.uid)
    return [RunEvent("CleanupAbandoned", message, warning=True), RemoveFinalizer()]


class CleanupProgress(Enum):
    """How a cleanup is doing."""

    GOING = auto()
    DONE = auto()
    FAILING = auto()
    """It is tried again from time to time."""


def _clean_up(observed: Observed) -> tuple[list[Action], CleanupProgress]:
    """Return the next step of the cleanup, and how it is doing.

    The second attempt follows at once. Later ones wait, longer each time, and for other runs.
    """
    if not observed.cleanups:
        return [CreateJob(JobKind.CLEANUP)], CleanupProgress.GOING
    last = observed.cleanups[-1]
    if last.state is JobState.SUCCEEDED:
        return [], CleanupProgress.DONE
    if last.state is JobState.ACTIVE:
        starts = last.started or last.age_seconds < POD_START_TIMEOUT_SECONDS
        return [], CleanupProgress.GOING if starts else CleanupProgress.FAILING
    following = CreateJob(JobKind.CLEANUP, last.attempt + 1)
    if last.attempt < QUICK_CLEANUPS:
        return [following], CleanupProgress.GOING
    pause = CLEANUP_RETRY_SECONDS * 2 ** min(last.attempt - QUICK_CLEANUPS, 5)
    due = last.age_seconds > pause and not observed.ahead
    return [following] if due else [], CleanupProgress.FAILING


def _cleanup_error(observed: Observed) -> ErrorInfo | None:
    """Return what the last attempt to clean up says."""
    last = observed.cleanups[-1] if observed.cleanups else JobView()
    return last.error or last.waiting


def _why(observed: Observed) -> ErrorInfo:
    """Return the best explanation there is: the load's own before that of Kubernetes.

    Once the cleanup has begun, the reason stays that of the status, even if the Job is deleted.
    """
    status = observed.run.status
    if status.phase is Phase.CLEANING_UP and status.conditions:
        first = status.conditions[0]
        return ErrorInfo(reason=first.reason, message=first.message)
    record = observed.results.record
    reported = record.error if record is not None else None
    if observed.load.disrupted and (reported is None or reported.reason == INTERRUPTED):
        return observed.load.disrupted
    if reported is not None:
        return reported
    if observed.load.error is not None:
        return observed.load.error
    return words.LOAD_JOB_DELETED if observed.load.state is JobState.ABSENT else words.NO_REASON


def _may_have_left_objects(observed: Observed) -> bool:
    """Whether any test had begun, or kro was changed for one; the record tells before it happens.

    If the record is lost, the status tells.
    """
    record = observed.results.record
    if record is not None:
        begun = any(test.start_time is not None for test in record.tests)
        return begun or record.variant is not None
    if observed.results.error is not None:
        return True
    return had_begun(observed.run.status)


def _release(observed: Observed) -> list[Action]:
    return [RemoveFinalizer()] if observed.run.has_finalizer else []


def _say_line(observed: Observed, phase: Phase, why: ErrorInfo, *warnings: str) -> list[Action]:
    line = StatusLine(phase, why.reason, why.message, warnings)
    return _say(observed, describe(observed.facts, line))


def _say(observed: Observed, status: RunStatus) -> list[Action]:
    """Return the actions that write a status and emit the Events of its changes."""
    old = observed.run.status
    if status == old:
        return []
    events = events_of(old, status)
    return [*events, PatchStatus(status, may_wait=not events and _only_progresses(old, status))]


def _only_progresses(old: RunStatus, new: RunStatus) -> bool:
    return old.phase is new.phase and [c.reason for c in old.conditions] == [
        c.reason for c in new.conditions
    ]
