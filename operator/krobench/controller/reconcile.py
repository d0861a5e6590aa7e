"""Deciding what is to be done: a pure function of what is observed.

It is level-based: it never asks what happened, only how things stand, so that it may be called
at any time, after any crash, any number of times.
"""

from krobench.api.common import ErrorInfo
from krobench.api.status import ObjectRef, Phase, RunStatus
from krobench.controller.actions import (
    Action,
    AddFinalizer,
    CreateJob,
    DeleteJob,
    JobKind,
    PatchStatus,
    RemoveFinalizer,
)
from krobench.controller.observed import JobState, JobView, Observed
from krobench.controller.specs import may_change_kro
from krobench.record.run import RunState
from krobench.report.events import RunEvent, events_of
from krobench.report.status import StatusLine, describe, had_begun, outcome

# A pod whose image cannot be pulled may still come up when someone mends it; not for ever.
POD_START_TIMEOUT_SECONDS = 180.0


def reconcile(observed: Observed, load_job: ObjectRef) -> list[Action]:
    """Return what is to be done now, in order; nothing where all is as it should be.

    ``load_job`` names the Job of this run, whether it exists or not.
    """
    run = observed.run
    if run.deleting:
        return _delete(observed)
    if run.finished:
        return [RemoveFinalizer()] if run.has_finalizer else []
    begun = run.started or observed.results.record is not None
    if observed.load.state is JobState.ABSENT and not begun:
        return _begin(observed, load_job)
    return _go_on(observed, load_job)


def fail(observed: Observed, error: ErrorInfo, *warnings: str) -> list[Action]:
    """Return what ends a run that cannot go on."""
    line = StatusLine(Phase.FAILED, error.reason, error.message, warnings)
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


def _go_on(observed: Observed, load_job: ObjectRef) -> list[Action]:
    match observed.load.state:
        case JobState.ACTIVE:
            return _watch_over(observed, load_job)
        case JobState.SUCCEEDED:
            return _conclude(observed)
        case _:
            return _recover(observed)


def _watch_over(observed: Observed, load_job: ObjectRef) -> list[Action]:
    record, waiting = observed.results.record, observed.load.waiting
    if waiting is not None and observed.load.age_seconds > POD_START_TIMEOUT_SECONDS:
        message = (
            f"the load Job's pod did not start within {POD_START_TIMEOUT_SECONDS:g} s: "
            f"{waiting.reason}: {waiting.message}"
        )
        line = StatusLine(Phase.CLEANING_UP, "LoadPodNotStarted", message)
        return [*_say(observed, describe(observed.facts, line)), DeleteJob()]
    message = "starting the load Job"
    if waiting is not None:
        message = f"the load Job's pod has not started yet: {waiting.reason}: {waiting.message}"
    elif record is not None and record.state is RunState.COMPLETED:
        message = "the load Job is finishing"
    elif record is not None:
        message = record.progress.activity or message
    line = StatusLine(Phase.RUNNING, "Running", message)
    return _say(observed, describe(observed.facts, line, load_job))


def _conclude(observed: Observed) -> list[Action]:
    record = observed.results.record
    if record is None or record.state is not RunState.COMPLETED:
        error = observed.results.error or ErrorInfo(
            reason="ResultsMissing",
            message=f"the load Job succeeded, but ConfigMap {observed.results.name} does not hold "
            "its results; check whether something deletes or overwrites the ConfigMap",
        )
        return fail(observed, error)
    line = outcome(record)
    return [*_say(observed, describe(observed.facts, line)), *_release(observed)]


def _recover(observed: Observed) -> list[Action]:
    """The load Job failed, or is gone: clean up after it as the policy says, then give up."""
    error = _why(observed)
    line = StatusLine(Phase.CLEANING_UP, error.reason, error.message)
    if observed.load_pods_running:
        return _say(observed, describe(observed.facts, line))  # they still send requests
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
    """Deleted in mid-run: end the load, wait until it has stopped, clean up, let go."""
    if not observed.run.has_finalizer:
        return []
    if observed.load.state is JobState.ACTIVE:
        return [DeleteJob()]
    if observed.load_pods_running:
        return []  # the deletion of the Job is under way; its pods still send requests
    actions, done = _clean_up(observed)
    if not done:
        return actions
    warnings = _leftovers(observed)
    events = [RunEvent("CleanupFailed", text, warning=True) for text in warnings]
    return [*events, RemoveFinalizer()]


def _clean_up(observed: Observed) -> tuple[list[Action], bool]:
    """Return what furthers the clean-up, and whether it has come to its end, well or not."""
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
    """Return what a clean-up that failed for the last time says is left."""
    if any(job.state is JobState.SUCCEEDED for job in observed.cleanups):
        return ()
    last: JobView = observed.cleanups[-1]
    detail = (
        last.error.message if last.error else "its Job left no error message; check its pod's logs"
    )
    return (f"cleanup failed: {detail}",)


def _why(observed: Observed) -> ErrorInfo:
    """Return the best explanation there is: the Job's own last word before Kubernetes'.

    Once the clean-up has begun, the status keeps the reason, whatever becomes of the Job.
    """
    status = observed.run.status
    if status.phase is Phase.CLEANING_UP and status.conditions:
        first = status.conditions[0]
        return ErrorInfo(reason=first.reason, message=first.message)
    record = observed.results.record
    if record is not None and record.error is not None:
        return record.error
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
    """Whether any test had begun, or kro was changed for one: the record says so beforehand.

    Where the record is lost, what the status kept of it has to do.
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
    """Return the writing of a status, with the events that its changes are worth."""
    old = observed.run.status
    return [] if status == old else [*events_of(old, status), PatchStatus(status)]
