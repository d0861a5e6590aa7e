"""Which finished runs of a schedule are deleted."""

from datetime import datetime

from krobench.api.status import Verdict
from krobench.controller.schedules.state import ObservedSchedule, ScheduleSpec
from krobench.controller.state import Run


def beyond_limits(seen: ObservedSchedule, spec: ScheduleSpec) -> list[Run]:
    """Return the oldest runs beyond the history limits, if their ends are in the status."""
    finished = [run for run in seen.runs if run.settled and not run.deleting]
    newest_first = sorted(finished, key=_origin_time, reverse=True)
    passed = [run for run in newest_first if _passed(run)]
    others = [run for run in newest_first if not _passed(run)]
    return [
        *passed[spec.fields.successful_runs_history_limit :],
        *others[spec.fields.failed_runs_history_limit :],
    ]


def _origin_time(run: Run) -> tuple[datetime, str]:
    assert run.origin is not None
    return run.origin.time, run.name


def _passed(run: Run) -> bool:
    result = run.origin.result if run.origin is not None else None
    return result is not None and result.verdict == Verdict.PASSED
