"""What to do next for a schedule: a pure function of what is observed.

Like the decisions on runs, it looks at the state of things and may be called at any time, after any
crash. A run's name follows from the time at which it is due, so that it is created only once. A
request whose time is not in the spec, by ``runOnce`` or by a change of kro, is first written to the
status with its time, and carried out after that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from krobench.api.common import ErrorInfo, parse_rfc3339, rfc3339
from krobench.api.kinds import RunRef
from krobench.api.notation import duration
from krobench.api.specs.schedule import ConcurrencyPolicy
from krobench.api.status import (
    KroBenchmarkScheduleStatus,
    KroChangeStatus,
    KroState,
    ObjectRef,
    RunOnceStatus,
    ScheduledRun,
    Trigger,
    Verdict,
)
from krobench.controller.schedules.cron import MOST_COUNTED, Cron
from krobench.controller.schedules.retention import beyond_limits
from krobench.controller.schedules.state import ObservedSchedule, ScheduleSpec
from krobench.controller.state import Run
from krobench.report.events import RunEvent
from krobench.report.status.schedule import WATCHING, ScheduleLine, conditions_of
from krobench.report.words import schedules as words

MOST_RUNS = 10
MOST_ACTIVE = 15
"""In the status."""
DELETED = "Deleted"
"""Verdict of a run that was deleted before it finished."""

_SUFFIXES = {Trigger.SCHEDULE: "", Trigger.KRO_CHANGE: "-kro", Trigger.RUN_ONCE: "-once"}
_MINUTE = timedelta(minutes=1)
_CLOCK_TOLERANCE = timedelta(minutes=1)
_CHANGES = ("image", "replicas", "flags", "environment", "resources")


@dataclass(frozen=True)
class CreateRun:
    """Create a run, unless it exists."""

    name: str
    trigger: Trigger
    time: datetime
    """When it was due."""


@dataclass(frozen=True)
class DeleteRun:
    """Delete a run."""

    run: RunRef


@dataclass(frozen=True)
class PatchSchedule:
    """Write the status."""

    status: KroBenchmarkScheduleStatus


ScheduleAction = CreateRun | DeleteRun | PatchSchedule | RunEvent


@dataclass
class _Decision:
    """What is decided so far."""

    status: KroBenchmarkScheduleStatus
    actions: list[ScheduleAction] = field(default_factory=list)
    events: list[RunEvent] = field(default_factory=list)
    waits: bool = False
    """Whether a run is due and waits for the active one."""


def decide(seen: ObservedSchedule) -> list[ScheduleAction]:
    """Return the actions to take now, in order."""
    schedule = seen.schedule
    if schedule.deleting:
        return []
    decision = _Decision(schedule.status.model_copy(deep=True))
    _count_runs(decision, seen)
    if schedule.spec is not None:
        _resume_or_stop(decision, seen, schedule.spec)
        _note_requests(decision, seen, schedule.spec)
        _start(decision, seen, schedule.spec)
    return _finish(decision, seen)


def next_look(seen: ObservedSchedule) -> datetime | None:
    """Return when time alone can change what :func:`decide` returns, if it is nothing now.

    A clock that goes back is not foreseen.
    """
    schedule, status, now = seen.schedule, seen.schedule.status, seen.now
    if schedule.deleting or schedule.spec is None:
        return None
    fields, cron = schedule.spec.fields, schedule.spec.cron
    if fields.suspend or status.stopped_generation is not None:
        return None
    times = []
    if cron is not None:
        times.append(cron.next_after(now))
        deadline = fields.starting_deadline_seconds
        if deadline is not None and status.handled_until is not None:
            waiting = cron.latest(parse_rfc3339(status.handled_until), now)
            if waiting is not None:
                times.append(waiting + timedelta(seconds=deadline + 1))  # later than the deadline
    change = status.last_kro_change
    if fields.on_kro_change is not None and change is not None and change.run is None:
        times.append(parse_rfc3339(change.time) + duration(fields.on_kro_change.settle))
    return min((time for time in times if time is not None and time > now), default=None)


def run_name(schedule: str, trigger: Trigger, time: datetime) -> str:
    """Return the name of the run that is due at a time."""
    return f"{schedule}-{int(time.timestamp()) // 60}{_SUFFIXES[trigger]}"


def _count_runs(decision: _Decision, seen: ObservedSchedule) -> None:
    """Bring the list of runs, and what follows from it, up to date."""
    status, existing = decision.status, {run.name: run for run in seen.runs}
    known = {entry.name: entry for entry in status.runs}
    newest = max((entry.time for entry in status.runs), default="")
    last = status.last_schedule_time
    for run in seen.runs:
        origin = run.origin
        assert origin is not None
        # Those that are neither listed nor new are older than the ten that are.
        if run.name not in known and (not run.finished or rfc3339(origin.time) > newest):
            known[run.name] = ScheduledRun(
                name=run.name, trigger=origin.trigger, time=rfc3339(origin.time)
            )
            # Its name may have had to take a later minute.
            last = max(last or "", rfc3339(min(origin.time, seen.now)))
    ended = [
        entry
        for entry in known.values()
        if entry.verdict is None and _end(entry, existing.get(entry.name), seen.now)
    ]
    for entry in sorted(ended, key=lambda each: (each.completion_time or "", each.time)):
        _count_end(decision, entry)
    listed = sorted(known.values(), key=lambda each: (each.time, each.name), reverse=True)
    active = [run for run in seen.runs if not run.finished]
    decision.status = status.model_copy(
        update={
            "runs": listed[:MOST_RUNS],
            "active": [
                ObjectRef(kind=run.kind.value, namespace=run.namespace, name=run.name)
                for run in sorted(active, key=lambda run: (run.created, run.name))
            ][:MOST_ACTIVE],
            "last_schedule_time": last,
        }
    )


def _end(entry: ScheduledRun, run: Run | None, now: datetime) -> bool:
    """Note how a run ended; return whether it did."""
    if run is None:
        entry.verdict, entry.completion_time = DELETED, rfc3339(now)
        return True
    if not run.finished:
        return False
    assert run.origin is not None
    result = run.origin.result
    entry.verdict = (result.verdict if result else None) or Verdict.ERROR
    if result is not None:
        entry.completion_time = result.completion_time
        entry.kro_version, entry.headline = result.kro_version, result.headline
        entry.comparison, entry.message = result.comparison, result.message
    return True


def _count_end(decision: _Decision, entry: ScheduledRun) -> None:
    status = decision.status
    if entry.verdict == DELETED:
        decision.events.append(words.run_deleted(entry.name))
        return
    passed = entry.verdict == Verdict.PASSED
    status.verdict, status.kro_version = entry.verdict, entry.kro_version
    status.consecutive_failures = 0 if passed else status.consecutive_failures + 1
    if passed:
        status.last_successful_time = entry.completion_time
    decision.events.append(words.run_finished(entry))


def _resume_or_stop(decision: _Decision, seen: ObservedSchedule, spec: ScheduleSpec) -> None:
    status, generation = decision.status, seen.schedule.generation
    if status.stopped_generation not in (None, generation):
        status.stopped_generation, status.consecutive_failures = None, 0
    most = spec.fields.stop_after_failures
    if most is None:
        status.stopped_generation = None
    elif status.consecutive_failures >= most:
        status.stopped_generation = generation


def _note_requests(decision: _Decision, seen: ObservedSchedule, spec: ScheduleSpec) -> None:
    """Note what asks for a run, with its time, before it is carried out."""
    status, now = decision.status, seen.now
    _note_schedule(decision, seen, spec.cron)
    wanted, last = spec.fields.run_once, status.last_run_once
    if wanted is not None and (last is None or last.value != wanted):
        time = _later(now, last.time if last else None)
        status.last_run_once = RunOnceStatus(value=wanted, time=rfc3339(time))
    if spec.fields.on_kro_change is None:
        status.kro = None
        if status.last_kro_change is not None and status.last_kro_change.run is None:
            status.last_kro_change = None
        return
    last_change = status.last_kro_change
    if last_change is not None and parse_rfc3339(last_change.time) > now + 2 * _MINUTE:
        last_change.time = rfc3339(now)  # the clock went back
    kro, before = seen.kro.state, status.kro
    if kro is None:
        return
    changed = _changed(before, kro) if before is not None else []
    if changed:
        status.last_kro_change = KroChangeStatus(
            time=rfc3339(_later(now, last_change.time if last_change else None)),
            changed=changed,
            version=kro.version,
        )
        decision.events.append(words.kro_changed(changed, now))
    status.kro = kro


def _note_schedule(decision: _Decision, seen: ObservedSchedule, cron: Cron | None) -> None:
    """Note from when on the times of the schedule count."""
    status, now = decision.status, seen.now
    if cron is None:
        status.observed_schedule = status.handled_until = None
        return
    named = f"{cron.expression} {cron.zone.key}"
    if status.observed_schedule != named or status.handled_until is None:
        first = status.observed_generation is None
        begin = min(seen.schedule.created, now) if first else now
        status.observed_schedule, status.handled_until = named, rfc3339(begin)
    elif parse_rfc3339(status.handled_until) > now + _CLOCK_TOLERANCE:
        decision.events.append(words.clock_went_back(status.handled_until, now))
        status.handled_until = rfc3339(now)


def _later(now: datetime, last: str | None) -> datetime:
    """Return now, or a minute after the last time: names of runs have minutes."""
    return now if last is None else max(now, parse_rfc3339(last) + _MINUTE)


def _changed(before: KroState, after: KroState) -> list[str]:
    return [name for name in _CHANGES if getattr(before, name) != getattr(after, name)]


@dataclass(frozen=True)
class _Due:
    """A run that is due."""

    trigger: Trigger
    time: datetime


def _start(decision: _Decision, seen: ObservedSchedule, spec: ScheduleSpec) -> None:
    """Create the run that is due, if it may start."""
    due = next(_due(decision, seen, spec), None)
    if due is None:
        return
    active = [run for run in seen.runs if not run.finished]
    name = run_name(seen.schedule.ref.name, due.trigger, due.time)
    existing = {run.name for run in seen.runs} | {run.name for run in decision.status.runs}
    if name not in existing:
        if active and spec.fields.concurrency_policy is ConcurrencyPolicy.FORBID:
            decision.waits = True
            return
        if seen.refused is not None:
            return
        for run in active:
            if not run.deleting:
                decision.events.append(words.run_replaced(run.name, name))
                decision.actions.append(DeleteRun(run.ref))
        decision.actions.append(CreateRun(name, due.trigger, due.time))
        decision.events.append(words.run_created(spec.template.kind, name))
        entry = ScheduledRun(name=name, trigger=due.trigger, time=rfc3339(due.time))
        runs = [entry, *decision.status.runs][:MOST_RUNS]
        reference = ObjectRef(
            kind=spec.template.kind.value, namespace=seen.schedule.ref.namespace, name=name
        )
        decision.status.runs = runs
        decision.status.active = [*decision.status.active, reference]
        decision.status.last_schedule_time = rfc3339(min(due.time, seen.now))
    _settle(decision, spec, due, name)


def _due(decision: _Decision, seen: ObservedSchedule, spec: ScheduleSpec) -> Iterator[_Due]:
    """Yield the runs that are due, those that a user asked for first."""
    status, stored, now = decision.status, seen.schedule.status, seen.now
    once = status.last_run_once
    # What is not stored yet would get another time after a crash.
    if once is not None and once.run is None and once == stored.last_run_once:
        yield _Due(Trigger.RUN_ONCE, parse_rfc3339(once.time))
    if spec.fields.suspend or status.stopped_generation is not None:
        return
    if spec.cron is not None and status.handled_until == stored.handled_until:
        assert status.handled_until is not None
        begin = parse_rfc3339(status.handled_until)
        latest = spec.cron.latest(begin, now)
        deadline = spec.fields.starting_deadline_seconds
        if latest is not None:
            if deadline is not None and (now - latest).total_seconds() > deadline:
                _miss(decision, spec.cron.count(begin, latest), latest, too_late=True)
                status.handled_until = rfc3339(latest)
            else:
                yield _Due(Trigger.SCHEDULE, latest)
    change, on_change = status.last_kro_change, spec.fields.on_kro_change
    if (
        on_change is not None
        and change is not None
        and change.run is None
        and change == stored.last_kro_change
        and seen.kro.state is not None
    ):
        due = parse_rfc3339(change.time) + duration(on_change.settle)
        if due <= now:
            yield _Due(Trigger.KRO_CHANGE, due)


def _settle(decision: _Decision, spec: ScheduleSpec, due: _Due, name: str) -> None:
    """Note that a run that was due has been created."""
    status = decision.status
    match due.trigger:
        case Trigger.RUN_ONCE if status.last_run_once is not None:
            status.last_run_once = status.last_run_once.model_copy(update={"run": name})
        case Trigger.KRO_CHANGE if status.last_kro_change is not None:
            status.last_kro_change = status.last_kro_change.model_copy(update={"run": name})
        case Trigger.SCHEDULE if status.handled_until is not None and spec.cron is not None:
            missed = spec.cron.count(parse_rfc3339(status.handled_until), due.time) - 1
            if missed > 0:
                _miss(decision, missed, due.time, too_late=False)
            status.handled_until = rfc3339(due.time)


def _miss(decision: _Decision, count: int, latest: datetime, *, too_late: bool) -> None:
    number = f"more than {count - 1}" if count >= MOST_COUNTED else str(count)
    decision.events.append(words.missed(number, latest, too_late=too_late))


def _finish(decision: _Decision, seen: ObservedSchedule) -> list[ScheduleAction]:
    schedule, status = seen.schedule, decision.status
    spec = schedule.spec
    starts = spec is not None and not spec.fields.suspend and status.stopped_generation is None
    after = None
    if spec is not None and spec.cron is not None and starts:
        after = spec.cron.next_after(seen.now)
    line = _line(decision, seen, after)
    status = status.model_copy(
        update={
            "observed_generation": schedule.generation,
            "next_schedule_time": rfc3339(after) if after is not None else None,
            "message": line.message,
            "conditions": conditions_of(
                schedule.status.conditions, line, schedule.generation, seen.now
            ),
        }
    )
    if status == schedule.status:
        # Once the ends of runs are in the status.
        expired = beyond_limits(seen, spec) if spec is not None else ()
        return [*decision.actions, *(DeleteRun(run.ref) for run in expired)]
    old = {each.type: each for each in schedule.status.conditions}
    if line.stalled and ("Ready" not in old or old["Ready"].reason != line.reason):
        subject = f"{schedule.generation} {rfc3339(seen.now)}"
        decision.events.append(RunEvent(line.reason, line.message, warning=True, subject=subject))
    return [*decision.actions, PatchSchedule(status), *decision.events]


def _line(decision: _Decision, seen: ObservedSchedule, after: datetime | None) -> ScheduleLine:
    """Return how the schedule stands, in words."""
    schedule, status, spec = seen.schedule, decision.status, seen.schedule.spec
    if spec is None:
        assert schedule.error is not None
        return ScheduleLine(schedule.error.reason, schedule.error.message, stalled=True)
    trouble = next(_troubles(status, seen), None)
    why = trouble or next(_states(decision, spec, after))
    kro = None
    if spec.fields.on_kro_change is not None:
        kro = seen.kro.problem or ErrorInfo(reason=WATCHING, message="")
    return ScheduleLine(
        reason=why.reason,
        message=why.message,
        stalled=trouble is not None,
        suspended=spec.fields.suspend or status.stopped_generation is not None,
        kro=kro,
    )


def _troubles(status: KroBenchmarkScheduleStatus, seen: ObservedSchedule) -> Iterator[ErrorInfo]:
    """Yield why no run starts until somebody does something."""
    if status.stopped_generation is not None:
        yield words.stopped(status.consecutive_failures)
    if seen.refused is not None:
        yield seen.refused


def _states(decision: _Decision, spec: ScheduleSpec, after: datetime | None) -> Iterator[ErrorInfo]:
    """Yield what a schedule without trouble does, the most important first."""
    status, fields = decision.status, spec.fields
    active, change = status.active, status.last_kro_change
    if decision.waits:
        yield words.waits_for(active[0].name)
    if active:
        yield words.active(active[-1].name)
    if fields.suspend:
        yield words.SUSPENDED
    if fields.on_kro_change is not None and change is not None and change.run is None:
        yield words.kro_settles(change.time, fields.on_kro_change.settle)
    if after is not None:
        yield words.next_run(after)
    if fields.on_kro_change is not None:
        yield words.ON_KRO_CHANGE
    yield words.ON_RUN_ONCE
