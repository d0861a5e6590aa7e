"""What to do next: a pure function of what is observed.

It is level-based: it looks at the state of things and never at what happened, so it may be called
at any time, after any crash, any number of times.
"""

from dataclasses import dataclass

from krobench.api.common import ErrorInfo
from krobench.api.status import ObjectRef, Phase, RunStatus
from krobench.controller.runs import may_change_kro
from krobench.controller.state import JobKind, JobState, JobView, Observed
from krobench.record.run import INTERRUPTED, RunState
from krobench.report.events import RunEvent, events_of
from krobench.report.status import StatusLine, describe, had_begun, outcome

# Someone may still fix an image that cannot be pulled, but other runs wait.
POD_START_TIMEOUT_SECONDS = 170.0
# A large image takes its time, on a slow network.
POD_PULL_TIMEOUT_SECONDS = 600.0


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
    if run.deleting:
        return _delete(observed)
    if run.finished:
        return _release(observed)
    record = observed.results.record
    if record is not None and record.state is RunState.COMPLETED:
        # The load Job writes this when all is done and cleaned up; its own end tells no more.
        return _end(observed, outcome(record))
    return _go_on(observed, load_job)


def _go_on(observed: Observed, load_job: ObjectRef) -> list[Action]:
    match observed.load.state:
        case JobState.ABSENT if not (observed.run.started or observed.results.record):
            return _begin(observed, load_job)
        case JobState.ACTIVE if observed.load.disrupted is not None:
            # Its pod may never end by itself, for example on a node that is lost.
            why = observed.load.disrupted
            line = StatusLine(Phase.CLEANING_UP, why.reason, why.message)
            return [*_say(observed, describe(observed.facts, line)), DeleteJob()]
        case JobState.ACTIVE:
            return _watch_over(observed, load_job)
        case JobState.SUCCEEDED:
            return fail(observed, observed.results.error or _results_missing(observed))
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
    return _end(observed, StatusLine(Phase.FAILED, error.reason, error.message, warnings))


def _end(observed: Observed, line: StatusLine) -> list[Action]:
    return [*_say(observed, describe(observed.facts, line)), *_release(observed)]


def _begin(observed: Observed, load_job: ObjectRef) -> list[Action]:
    run = observed.run
    if run.errors:
        more = f" (and {len(run.errors) - 1} more)" if len(run.errors) > 1 else ""
        first = run.errors[0]
        return fail(observed, ErrorInfo(reason=first.reason, message=first.message + more))
    if observed.results.conflict is not None:
        return fail(observed, observed.results.conflict)
    if observed.results.error is not None:
        return fail(observed, observed.results.error)
    if observed.ahead:
        active, place = observed.ahead[0], len(observed.ahead)
        message = (
            f"queued behind {active}: runs execute one at a time so that they don't disturb "
            "each other"
        )
        if place > 1:
            message += f" ({place} runs are ahead)"
        return _say(observed, describe(observed.facts, StatusLine(Phase.QUEUED, "Queued", message)))
    line = StatusLine(Phase.RUNNING, "Running", "starting the load Job")
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
        why = (
            f"{waiting.reason}: {waiting.message}"
            if waiting is not None
            else "its containers are still being created; check the pull of the chart's image"
        )
        message = f"the load Job's pod did not start within {limit:g} s: {why}"
        line = StatusLine(Phase.CLEANING_UP, "LoadPodNotStarted", message)
        return [*_say(observed, describe(observed.facts, line)), DeleteJob()]
    message = "starting the load Job"
    if waiting is not None:
        message = f"the load Job's pod has not started yet: {waiting.reason}: {waiting.message}"
    elif record is not None:
        message = record.progress.activity or message
    line = StatusLine(Phase.RUNNING, "Running", message)
    return _say(observed, describe(observed.facts, line, load_job))


def _results_missing(observed: Observed) -> ErrorInfo:
    return ErrorInfo(
        reason="ResultsMissing",
        message=f"the load Job succeeded, but ConfigMap {observed.results.name} does not hold its "
        "results; check whether something deletes or overwrites the ConfigMap",
    )


def _recover(observed: Observed) -> list[Action]:
    """Clean up after a load Job that failed or is gone, as the policy says, then give up."""
    error = _why(observed)
    line = StatusLine(Phase.CLEANING_UP, error.reason, error.message)
    if observed.load_pods_running:
        return _say(observed, describe(observed.facts, line))  # they may still send requests
    if not _may_have_left_objects(observed):
        return fail(observed, error)
    kept: tuple[str, ...] = ()
    spec = observed.run.spec
    if observed.run.keeps_objects:
        assert spec is not None
        kept = (f"objects were kept because spec.cleanup is {spec.cleanup}",)
        if not may_change_kro(spec):
            return fail(observed, error, *kept)
    actions, done = _clean_up(observed)
    if not done:
        return [*actions, *_say(observed, describe(observed.facts, line))]
    return fail(observed, error, *kept, *_leftovers(observed))


def _delete(observed: Observed) -> list[Action]:
    """Handle a resource that is deleted while it runs: stop the load, clean up, let it go."""
    if not observed.run.has_finalizer:
        return []
    if observed.load.state is JobState.ACTIVE:
        return [DeleteJob()]
    if observed.load_pods_running:
        return []  # the Job is being deleted; its pods may still send requests
    actions, done = _clean_up(observed)
    if not done:
        return actions
    warnings = _leftovers(observed)
    events = [RunEvent("CleanupFailed", text, warning=True) for text in warnings]
    return [*events, RemoveFinalizer()]


def _clean_up(observed: Observed) -> tuple[list[Action], bool]:
    """Return the next step of the cleanup, and whether the cleanup has ended, well or not."""
    for attempt, job in enumerate(observed.cleanups, start=1):
        match job.state:
            case JobState.ABSENT:
                return [CreateJob(JobKind.CLEANUP, attempt)], False
            case JobState.ACTIVE:
                return [], False
            case JobState.SUCCEEDED:
                return [], True
            case JobState.FAILED:
                continue
    return [], True


def _leftovers(observed: Observed) -> tuple[str, ...]:
    """Return the error of the last attempt to clean up, if all have failed."""
    if any(job.state is JobState.SUCCEEDED for job in observed.cleanups):
        return ()
    last: JobView = observed.cleanups[-1]
    detail = (
        last.error.message if last.error else "its Job left no error message; check its pod's logs"
    )
    return (f"cleanup failed: {detail}",)


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
    if observed.load.state is JobState.ABSENT:
        return ErrorInfo(
            reason="LoadJobDeleted", message="the load Job was deleted before it finished"
        )
    return ErrorInfo(
        reason="LoadJobFailed",
        message="the load Job failed without an error message; check its pod's logs",
    )


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
