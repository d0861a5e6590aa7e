"""Deciding what is to be done: a pure function of what is observed.

It is level-based: it never asks what happened, only how things stand, so that it may be called
at any time, after any crash, any number of times.
"""

from krobench.controller.actions import (
    Action,
    AddFinalizer,
    CreateJob,
    DeleteJob,
    EmitEvent,
    JobKind,
    PatchStatus,
    RemoveFinalizer,
)
from krobench.controller.observed import JobState, JobView, Observed
from krobench.controller.status import NOT_COMPARED, Word, describe, first_error, missed_thresholds
from krobench.model.common import ErrorInfo
from krobench.model.comparison import MetricVerdict
from krobench.model.record import RunState, TestState
from krobench.model.status import (
    ComparisonStatus,
    ConditionType,
    KroBenchmarkStatus,
    ObjectRef,
    Phase,
    Verdict,
)
from krobench.report import units
from krobench.report.comparison import summary

# A pod whose image cannot be pulled may still come up when someone mends it; not for ever.
POD_START_TIMEOUT_SECONDS = 180.0


def reconcile(observed: Observed, load_job: ObjectRef) -> list[Action]:
    """Return what is to be done now, in order; nothing where all is as it should be.

    ``load_job`` names the Job of this run, whether it exists or not.
    """
    benchmark = observed.benchmark
    if benchmark.deleting:
        return _delete(observed)
    if benchmark.finished:
        return [RemoveFinalizer()] if benchmark.has_finalizer else []
    begun = benchmark.started or observed.results.record is not None
    if observed.load.state is JobState.ABSENT and not begun:
        return _begin(observed, load_job)
    return _go_on(observed, load_job)


def fail(observed: Observed, error: ErrorInfo, *warnings: str) -> list[Action]:
    """Return what ends a run that cannot go on."""
    word = Word(Phase.FAILED, error.reason, error.message, warnings)
    return [*_say(observed, describe(observed, word)), *_release(observed)]


def _begin(observed: Observed, load_job: ObjectRef) -> list[Action]:
    benchmark = observed.benchmark
    if benchmark.errors:
        more = f" (and {len(benchmark.errors) - 1} more)" if len(benchmark.errors) > 1 else ""
        first = benchmark.errors[0]
        return fail(observed, ErrorInfo(reason=first.reason, message=first.message + more))
    if observed.results.foreign:
        return fail(observed, _conflict(observed))
    if observed.results.error is not None:
        return fail(observed, observed.results.error)
    if observed.ahead:
        active, place = observed.ahead[0], len(observed.ahead)
        message = f"waits for {active}, as runs at once would spoil each other's numbers"
        if place > 1:
            message += f"; {place} runs go first"
        return _say(observed, describe(observed, Word(Phase.QUEUED, "Queued", message)))
    word = Word(Phase.RUNNING, "Running", "the load Job starts")
    return [
        *([] if benchmark.has_finalizer else [AddFinalizer()]),
        CreateJob(JobKind.LOAD),
        *_say(observed, describe(observed, word, load_job)),
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
        message = f"the load Job's pod did not start: {waiting.reason}: {waiting.message}"
        word = Word(Phase.CLEANING_UP, "LoadPodNotStarted", message)
        return [*_say(observed, describe(observed, word)), DeleteJob()]
    message = "the load Job starts"
    if waiting is not None:
        message = f"the load Job's pod waits: {waiting.reason}: {waiting.message}"
    elif record is not None:
        message = record.progress.activity or message
    word = Word(Phase.RUNNING, "Running", message)
    return _say(observed, describe(observed, word, load_job))


def _conclude(observed: Observed) -> list[Action]:
    record = observed.results.record
    if record is None or record.state is not RunState.COMPLETED:
        error = observed.results.error or ErrorInfo(
            reason="ResultsMissing",
            message=f"the load Job ended well, but ConfigMap {observed.results.name} does not "
            "hold its results: was it deleted?",
        )
        return fail(observed, error)
    error_of_test = first_error(record)
    if error_of_test is not None:
        return fail(observed, error_of_test)
    missed = missed_thresholds(record)
    message = f"{len(record.tests)} tests were measured"
    if record.validity is not None and not record.validity.valid:
        message += f"; invalid: {record.validity.in_short()}"
    if missed:
        message += f"; thresholds not met: {'; '.join(missed)}"
    if record.comparison is not None:
        message += f"; {summary(record.comparison)}"
    word = Word(Phase.COMPLETED, "Completed", message)
    return [*_say(observed, describe(observed, word)), *_release(observed)]


def _recover(observed: Observed) -> list[Action]:
    """The load Job failed, or is gone: clean up after it as the policy says, then give up."""
    error = _why(observed)
    word = Word(Phase.CLEANING_UP, error.reason, error.message)
    if observed.load_pods_running:
        return _say(observed, describe(observed, word))  # they still send requests
    if not _may_have_left_objects(observed):
        return fail(observed, error)
    kept: tuple[str, ...] = ()
    if observed.benchmark.keeps_objects:
        assert observed.benchmark.spec is not None
        kept = (f"objects were kept as spec.cleanup is {observed.benchmark.spec.cleanup}",)
        if not observed.benchmark.spec.variants:
            return fail(observed, error, *kept)
    actions, done = _clean_up(observed)
    if not done:
        return [*actions, *_say(observed, describe(observed, word))]
    return fail(observed, error, *kept, *_leftovers(observed))


def _delete(observed: Observed) -> list[Action]:
    """Deleted in mid-run: end the load, wait until it has stopped, clean up, let go."""
    if not observed.benchmark.has_finalizer:
        return []
    if observed.load.state is JobState.ACTIVE:
        return [DeleteJob()]
    if observed.load_pods_running:
        return []  # the deletion of the Job is under way; its pods still send requests
    actions, done = _clean_up(observed)
    if not done:
        return actions
    warnings = _leftovers(observed)
    events = [EmitEvent("CleanupFailed", text, warning=True) for text in warnings]
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
    detail = last.error.message if last.error else "its Job gave no reason"
    return (f"clean-up failed: {detail}",)


def _why(observed: Observed) -> ErrorInfo:
    """Return the best explanation there is: the Job's own last word before Kubernetes'.

    Once the clean-up has begun, the status keeps the reason, whatever becomes of the Job.
    """
    status = observed.benchmark.status
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
            reason="LoadJobDeleted", message="the load Job was deleted before it had ended"
        )
    return ErrorInfo(
        reason="LoadJobFailed",
        message="the load Job failed without a word: kubectl logs of its pod may say more",
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
    return any(test.phase != TestState.PENDING for test in observed.benchmark.status.tests)


def _conflict(observed: Observed) -> ErrorInfo:
    return ErrorInfo(
        reason="ResultsConflict",
        message=f"ConfigMap {observed.benchmark.namespace}/{observed.results.name} exists and "
        "belongs to someone else: delete it, or set spec.results.configMapName to another name",
    )


def _release(observed: Observed) -> list[Action]:
    return [RemoveFinalizer()] if observed.benchmark.has_finalizer else []


def _say(observed: Observed, status: KroBenchmarkStatus) -> list[Action]:
    """Return the writing of a status, with the events that its changes are worth."""
    old = observed.benchmark.status
    if status == old:
        return []
    events: list[Action] = []
    if status.phase is Phase.QUEUED and old.phase is not Phase.QUEUED:
        events.append(EmitEvent("Queued", status.message or ""))
    if status.start_time is not None and old.start_time is None:
        events.append(EmitEvent("Started", "the load Job was created"))
    events += _test_events(old, status)
    compared = {variant.name for variant in old.variants}
    events += [
        EmitEvent("VariantCompared", f"variant {new.name}: {new.message}", subject=new.name)
        for new in status.variants
        if new.name not in compared
    ]
    known = set(old.warnings)
    events += [
        EmitEvent("RunWarning", text, warning=True, subject=text)
        for text in status.warnings
        if text not in known
    ]
    if status.phase is not old.phase:
        events += _ending_events(status)
    return [*events, PatchStatus(status)]


def _ending_events(status: KroBenchmarkStatus) -> list[Action]:
    """Return the events of a run that has just ended, in the words of its conditions."""
    if status.phase is None or not status.phase.terminal:
        return []
    conditions = {condition.type: condition for condition in status.conditions}
    ready, valid = conditions[ConditionType.READY], conditions[ConditionType.VALID]
    good = ready.status == "True" and ready.reason == "Completed"
    events: list[Action] = [EmitEvent(ready.reason, status.message or "", warning=not good)]
    if valid.status == "False" and valid.reason != ready.reason:
        events.append(EmitEvent(valid.reason, valid.message, warning=True))
    if status.comparison is not None:
        events.append(_comparison_event(status.comparison))
    return events


def _comparison_event(comparison: ComparisonStatus) -> EmitEvent:
    compared = comparison.verdict != NOT_COMPARED
    worse = comparison.verdict == MetricVerdict.WORSE
    reason = "Compared" if compared else NOT_COMPARED
    return EmitEvent(reason, comparison.message, warning=worse or not compared)


def _test_events(old: KroBenchmarkStatus, new: KroBenchmarkStatus) -> list[Action]:
    before = {test.name: test.phase for test in old.tests}
    events: list[Action] = []
    for test in new.tests:
        if before.get(test.name) == test.phase:
            continue
        if test.phase == TestState.FAILED:
            text = f"test {test.name}: {test.message}"
            events.append(EmitEvent("TestFailed", text, warning=True, subject=test.name))
        elif test.verdict == Verdict.INVALID:
            text = f"test {test.name}: {test.message}"
            events.append(EmitEvent("TestInvalid", text, warning=True, subject=test.name))
        elif test.phase == TestState.SUCCEEDED:
            ready = units.seconds(test.instance_ready_p50_seconds)
            text = f"test {test.name}: median time until an instance was ready: {ready}"
            events.append(EmitEvent("TestSucceeded", text, subject=test.name))
    return events
