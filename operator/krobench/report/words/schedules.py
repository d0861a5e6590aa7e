"""The state of a schedule in words, and the Events of its runs."""

from collections.abc import Sequence
from datetime import datetime

from krobench.api.common import ErrorInfo, rfc3339
from krobench.api.kinds import RunKind
from krobench.api.status import ScheduledRun, Verdict
from krobench.report.events import RunEvent

_WAITING = "Waiting"

SUSPENDED = ErrorInfo(
    reason="Suspended", message="spec.suspend is true: set it to false to start runs again"
)
ON_KRO_CHANGE = ErrorInfo(reason=_WAITING, message="a run starts when kro changes")
ON_RUN_ONCE = ErrorInfo(reason=_WAITING, message="a run starts when spec.runOnce changes")


def stopped(failures: int) -> ErrorInfo:
    """Say that spec.stopAfterFailures has stopped the schedule."""
    message = (
        f"stopped after {failures} runs without the verdict Passed: fix the cause, then use "
        "krobench schedule resume, or change the spec"
    )
    return ErrorInfo(reason="TooManyFailures", message=message)


def waits_for(active: str) -> ErrorInfo:
    """Say which run the next one waits for."""
    message = f"a run is due and starts when {active} has finished"
    return ErrorInfo(reason="WaitsForActiveRun", message=message)


def active(name: str) -> ErrorInfo:
    """Say which run goes on."""
    return ErrorInfo(reason="RunActive", message=f"run {name} is active")


def kro_settles(changed: str, settle: str) -> ErrorInfo:
    """Say when a run follows a change of kro."""
    message = f"kro changed at {changed}: a run starts {settle} later"
    return ErrorInfo(reason="KroSettles", message=message)


def next_run(at: datetime) -> ErrorInfo:
    """Say when the next run starts."""
    return ErrorInfo(reason=_WAITING, message=f"the next run starts at {rfc3339(at)}")


def run_created(kind: RunKind, name: str) -> RunEvent:
    """Say that a run was due."""
    return RunEvent("RunCreated", f"created {kind} {name}", subject=name)


def run_replaced(name: str, by: str) -> RunEvent:
    """Say why a run was deleted."""
    return RunEvent("RunReplaced", f"deleted run {name}, because {by} is due", subject=name)


def run_deleted(name: str) -> RunEvent:
    """Say that somebody else deleted a run."""
    return RunEvent("RunDeleted", f"run {name} was deleted before it finished", subject=name)


def run_finished(run: ScheduledRun) -> RunEvent:
    """Say how a run ended."""
    said = ": ".join(part for part in (str(run.verdict), run.message or run.headline) if part)
    warning = run.verdict != Verdict.PASSED
    text = f"run {run.name} finished: {said}"
    return RunEvent("RunFinished", text, warning=warning, subject=run.name)


def kro_changed(what: Sequence[str], at: datetime) -> RunEvent:
    """Say what has changed of kro."""
    return RunEvent("KroChanged", f"kro changed: {', '.join(what)}", subject=rfc3339(at))


def clock_went_back(latest: str, now: datetime) -> RunEvent:
    """Say that it is earlier than it was."""
    message = (
        f"the clock went back from {latest} or later to {rfc3339(now)}: the schedule goes on from "
        "now; check the clock of the operator's node"
    )
    return RunEvent("ClockWentBack", message, warning=True, subject=latest)


def missed(count: str, latest: datetime, *, too_late: bool) -> RunEvent:
    """Say how many times passed without a run; ``count`` is a number, or ``more than`` one."""
    what = f"{count} scheduled time{'' if count == '1' else 's'}"
    if too_late:
        message = (
            f"missed {what}, the latest at {rfc3339(latest)}: more than startingDeadlineSeconds ago"
        )
    else:
        message = f"missed {what} before {rfc3339(latest)}: one run makes up for all of them"
    return RunEvent("MissedTimes", message, warning=True, subject=rfc3339(latest))
