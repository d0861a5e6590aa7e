"""Schedules without a cluster: what is decided is carried out on a few runs in memory."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from unit.controller.world import SPEC

from krobench.api.common import ErrorInfo, rfc3339
from krobench.api.kinds import RunKind, ScheduleRef
from krobench.api.status import (
    Headline,
    KroBenchmarkScheduleStatus,
    KroBenchmarkStatus,
    KroState,
    Phase,
    Verdict,
)
from krobench.controller.limits import Limits
from krobench.controller.runs import TIME_ANNOTATION, TRIGGER_ANNOTATION, parse_run
from krobench.controller.schedules.cache import parse_spec
from krobench.controller.schedules.decide import (
    CreateRun,
    DeleteRun,
    PatchSchedule,
    ScheduleAction,
    decide,
)
from krobench.controller.schedules.state import KroSeen, ObservedSchedule, Schedule
from krobench.controller.state import Run
from krobench.report.events import RunEvent
from krobench.workload.testplan import DEFAULT_MAX_OBJECTS

START = datetime(2026, 11, 29, 12, 0, 30, tzinfo=UTC)
REF = ScheduleRef("default", "nightly", "5c4ed01e-0000-0000-0000-000000000000")
TEMPLATE: dict[str, Any] = {"benchmarkTemplate": {"spec": SPEC}}
EACH_MINUTE: dict[str, Any] = {"schedule": "* * * * *", **TEMPLATE}
KRO = KroState(version="0.9.4", image="kro:0.9.4", flags="a", environment="b", resources="c")


class CrashError(Exception):
    """The operator is killed."""


@dataclass
class ScheduleWorld:
    """A schedule, its runs, a clock, and what was done."""

    raw: dict[str, Any] = field(default_factory=lambda: dict(EACH_MINUTE))
    now: datetime = START
    kro: KroState | None = None
    refused: ErrorInfo | None = None
    status: KroBenchmarkScheduleStatus = field(default_factory=KroBenchmarkScheduleStatus)
    runs: dict[str, Run] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    """Names of all runs that were ever created."""
    events: dict[tuple[str, str], str] = field(default_factory=dict)
    """Messages by reason and subject."""
    generation: int = 1
    crash_after: int | None = None
    """Actions that are still carried out."""

    def change(self, **spec: Any) -> None:
        self.raw = {**self.raw, **spec}
        self.generation += 1

    def look(self) -> list[ScheduleAction]:
        """Decide and act until nothing is left to do now."""
        done: list[ScheduleAction] = []
        for _ in range(10):
            actions = decide(self.seen())
            if not actions:
                return done
            for action in actions:
                if self.crash_after is not None:
                    if self.crash_after == 0:
                        raise CrashError
                    self.crash_after -= 1
                self._act(action)
                done.append(action)
        raise AssertionError("there is always something left to do")

    def seen(self) -> ObservedSchedule:
        spec, error = parse_spec(self.raw, DEFAULT_MAX_OBJECTS, Limits())
        schedule = Schedule(REF, "1", self.generation, START, False, spec, error, self.status)
        return ObservedSchedule(
            schedule, self.now, tuple(self.runs.values()), KroSeen(self.kro), self.refused
        )

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def _act(self, action: ScheduleAction) -> None:
        match action:
            case CreateRun():
                assert action.name not in self.created, "a run is created once"
                self.created.append(action.name)
                annotations = {
                    TRIGGER_ANNOTATION: action.trigger.value,
                    TIME_ANNOTATION: rfc3339(action.time),
                }
                self.runs[action.name] = self._run(action.name, annotations, {})
            case DeleteRun():
                del self.runs[action.run.name]
            case PatchSchedule():
                self.status = KroBenchmarkScheduleStatus.model_validate(
                    action.status.model_dump(by_alias=True, mode="json", exclude_none=True)
                )
            case RunEvent():
                self.events[action.reason, action.subject] = action.message

    def _run(self, name: str, annotations: dict[str, str], status: dict[str, Any]) -> Run:
        metadata = {
            "name": name,
            "namespace": REF.namespace,
            "uid": f"uid-{name}",
            "creationTimestamp": rfc3339(self.now),
            "annotations": annotations,
            "ownerReferences": [REF.owner_reference],
        }
        item = {"metadata": metadata, "spec": SPEC, "status": status}
        return parse_run(RunKind.BENCHMARK, item)

    def finish(self, verdict: Verdict = Verdict.PASSED, message: str | None = None) -> str:
        """End the active run."""
        [run] = [run for run in self.runs.values() if not run.finished]
        status = KroBenchmarkStatus(
            phase=Phase.FAILED if verdict is Verdict.ERROR else Phase.COMPLETED,
            verdict=verdict,
            message=message,
            completion_time=rfc3339(self.now),
            kro_version="0.9.4",
            headline=Headline(p99="412 ms", instance_ready_p99_seconds=0.412),
        )
        assert run.origin is not None
        annotations = {
            TRIGGER_ANNOTATION: run.origin.trigger.value,
            TIME_ANNOTATION: rfc3339(run.origin.time),
        }
        plain = status.model_dump(by_alias=True, mode="json", exclude_none=True)
        ended = self._run(run.name, annotations, plain)
        self.runs[run.name] = replace(ended, created=run.created)
        return run.name

    def delete_active(self) -> None:
        self.runs = {name: run for name, run in self.runs.items() if run.finished}

    @property
    def condition(self) -> dict[str, tuple[str, str]]:
        """Status and reason by type."""
        return {each.type: (each.status, each.reason) for each in self.status.conditions}

    @property
    def reasons(self) -> list[str]:
        """The reasons of all Events, in order."""
        return [reason for reason, _ in self.events]
