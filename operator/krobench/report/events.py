"""The Events of a run, which report the changes of its status."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from krobench.api import units
from krobench.api.kinds import RunRef
from krobench.api.specs.results import Cleanup
from krobench.api.status import (
    ConditionType,
    KroBenchmarkStatus,
    KroScaleTestStatus,
    Phase,
    RunStatus,
    Verdict,
)
from krobench.findings.comparison import MetricVerdict
from krobench.findings.scaling import SizeVerdict
from krobench.record.test import TestState
from krobench.report.status.base import COMPLETED, NOT_COMPARED


@dataclass(frozen=True)
class RunEvent:
    """A Kubernetes Event of a run; one of the same reason and subject is reported only once."""

    reason: str
    message: str
    warning: bool = False
    subject: str = ""
    """Distinguishes Events of the same reason, for example by the name of a test."""


def events_of(old: RunStatus, new: RunStatus) -> list[RunEvent]:
    """Return the Events of a change of status, in order."""
    events: list[RunEvent] = []
    if new.phase is Phase.QUEUED and old.phase is not Phase.QUEUED:
        events.append(RunEvent("Queued", new.message or ""))
    if new.phase is Phase.SUSPENDED and old.phase is not Phase.SUSPENDED:
        events.append(RunEvent("Suspended", new.message or ""))
    if new.start_time is not None and old.start_time is None:
        events.append(RunEvent("Started", "created the load Job"))
    match old, new:
        case KroBenchmarkStatus(), KroBenchmarkStatus():
            events += _test_events(old, new)
            compared = {(variant.name, variant.message) for variant in old.variants}
            events += [
                RunEvent("VariantCompared", f"variant {one.name}: {one.message}", subject=one.name)
                for one in new.variants
                if (one.name, one.message) not in compared
            ]
        case KroScaleTestStatus(), KroScaleTestStatus():
            events += _size_events(old, new)
    known = set(old.warnings)
    events += [
        RunEvent("RunWarning", text, warning=True, subject=text)
        for text in new.warnings
        if text not in known
    ]
    if new.phase is not old.phase:
        events += _ending_events(new)
    return events


def status_refused(answer: str) -> RunEvent:
    """Return the Event of a run whose status the API server does not take."""
    message = (
        f"the API server refuses the status of this run: {answer}; an older CRD may have admitted "
        "the object: delete it and apply it again with the fields of the installed CRD"
    )
    return RunEvent("StatusRefused", message, warning=True)


def kept_event(run: RunRef, resource: Mapping[str, Any]) -> RunEvent | None:
    """Return the Event of a finished run that is deleted, if its objects stay; else None."""
    policy = (resource.get("spec") or {}).get("cleanup") or Cleanup.ALWAYS
    status = resource.get("status") or {}
    finished = status.get("phase") in [phase for phase in Phase if phase.terminal]
    # Orphans are counted after a cleanup, and only then.
    if policy == Cleanup.ALWAYS or not finished or "orphans" in status:
        return None
    message = (
        f"the objects of this run stay because spec.cleanup was {policy}; delete them with "
        f"krobench cleanup --run {run.uid}"
    )
    return RunEvent("ObjectsKept", message, warning=True)


def _ending_events(status: RunStatus) -> list[RunEvent]:
    """Return the Events of a run that has just ended, with the messages of its conditions."""
    if status.phase is None or not status.phase.terminal:
        return []
    conditions = {condition.type: condition for condition in status.conditions}
    ready, valid = conditions[ConditionType.READY], conditions[ConditionType.VALID]
    good = ready.status == "True" and ready.reason == COMPLETED
    events: list[RunEvent] = [RunEvent(ready.reason, status.message or "", warning=not good)]
    if valid.status == "False" and valid.reason != ready.reason:
        events.append(RunEvent(valid.reason, valid.message, warning=True))
    both = KroBenchmarkStatus | KroScaleTestStatus
    if isinstance(status, both) and status.comparison is not None:
        compared = status.comparison.verdict != NOT_COMPARED
        worse = status.comparison.verdict in (MetricVerdict.WORSE, MetricVerdict.MIXED)
        reason = "Compared" if compared else NOT_COMPARED
        message = status.comparison.message
        events.append(RunEvent(reason, message, warning=worse or not compared))
    if isinstance(status, KroScaleTestStatus) and status.limit is not None:
        text = f"limit: {status.limit.text}"
        if status.bottleneck is not None:
            text += f"; bottleneck: {status.bottleneck}"
        if status.next_to_try is not None:
            text += f"; try next: {status.next_to_try}"
        events.append(RunEvent(f"Limit{status.limit.state}", text))
    return events


def _test_events(old: KroBenchmarkStatus, new: KroBenchmarkStatus) -> list[RunEvent]:
    before = {test.name: test.phase for test in old.tests}
    events: list[RunEvent] = []
    for test in new.tests:
        if before.get(test.name) == test.phase:
            continue
        failed = test.phase == TestState.FAILED
        if failed or test.verdict == Verdict.INVALID:
            reason = "TestFailed" if failed else "TestInvalid"
            text = f"test {test.name}: {test.message}"
            events.append(RunEvent(reason, text, warning=True, subject=test.name))
        elif test.phase == TestState.SUCCEEDED:
            ready = units.seconds(test.instance_ready_p50_seconds)
            measured = test.cel or f"instances became ready in {ready} (median)"
            text = f"test {test.name}: {measured}"
            events.append(RunEvent("TestSucceeded", text, subject=test.name))
    return events


def _size_events(old: KroScaleTestStatus, new: KroScaleTestStatus) -> list[RunEvent]:
    """Return an Event for each size whose verdict is new or has changed."""
    before = {each.size: each.verdict for each in old.sizes}
    events = []
    for each in new.sizes:
        if each.verdict not in _SIZE_REASONS or before.get(each.size) == each.verdict:
            continue
        text = f"size {each.size:g}: {each.iterations} iterations met all SLOs"
        if each.message is not None:
            text += f"; {each.message}"
        if each.bottleneck is not None:
            text += f"; bottleneck: {each.bottleneck}"
        # A scale test looks for a breach, so it is no warning.
        warning = each.verdict in (SizeVerdict.INVALID, SizeVerdict.FAILED)
        reason = _SIZE_REASONS[each.verdict]
        events.append(RunEvent(reason, text, warning=warning, subject=f"{each.size:g}"))
    return events


_SIZE_REASONS = {
    SizeVerdict.MET.value: "SizeMet",
    SizeVerdict.BREACHED.value: "SizeBreached",
    SizeVerdict.INVALID.value: "SizeInvalid",
    SizeVerdict.FAILED.value: "SizeFailed",
}
