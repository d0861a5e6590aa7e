"""An in-memory cluster, just real enough to carry the controller's actions out."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from unit.records import some_run, some_test

from krobench.api.common import FINALIZER, ErrorInfo
from krobench.api.kinds import RunKind, RunRef
from krobench.api.specs.scaletest import Axis
from krobench.api.status import (
    KroBenchmarkStatus,
    KroScaleTestStatus,
    ObjectRef,
    RunStatus,
    Verdict,
)
from krobench.controller.reconcile import (
    Action,
    AddFinalizer,
    CreateJob,
    DeleteJob,
    PatchStatus,
    RemoveFinalizer,
    reconcile,
)
from krobench.controller.runs import parse_run
from krobench.controller.state import JobKind, JobState, JobView, Observed, Results, Run
from krobench.findings.scaling import (
    Limit,
    LimitState,
    NextStep,
    NextToTry,
    ScaleRecord,
    SizeIteration,
    SizeRecord,
    SizeVerdict,
    SloMissed,
)
from krobench.record.run import Progress, RunRecord, RunState
from krobench.record.test import TestState
from krobench.report.events import RunEvent

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOB = ObjectRef(kind="Job", namespace="krobench-system", name="bench-load")

SPEC: dict[str, Any] = {
    "tests": [{"name": "a", "workload": {"scenario": "single", "instances": 3}}],
}
SCALE_SPEC: dict[str, Any] = {
    "axis": "instances",
    "sizes": {"values": [10, 20, 40]},
    "slo": ["latency.instanceReady.max < 5.0"],
    "workload": {"scenario": "single"},
}
SPECS = {RunKind.BENCHMARK: SPEC, RunKind.SCALE_TEST: SCALE_SPEC}


def record(state: RunState = RunState.RUNNING, **changes: Any) -> RunRecord:
    done = state is RunState.COMPLETED
    test = some_test(
        state=TestState.SUCCEEDED if done else TestState.RUNNING,
        success=True if done else None,
        planned_iterations=3,
        planned_warmup=1,
        instances=3,
        start_time="2026-01-01T00:00:01Z",
    )
    run = some_run(
        test,
        state=state,
        spec=SPEC,
        progress=Progress(iterations_done=2, iterations_planned=4, activity="a: iteration 3 of 4"),
        verdict=Verdict.PASSED if done else None,
    )
    return run.model_copy(update=changes)


def scale_record(state: RunState = RunState.RUNNING, **changes: Any) -> RunRecord:
    """Return a run that has met the SLOs at 10, and not at 20."""
    done = state is RunState.COMPLETED
    whole = record(RunState.COMPLETED)
    sizes = {10.0: SizeVerdict.MET, 20.0: SizeVerdict.BREACHED if done else None}
    steps = [
        SizeRecord(size=size, test=f"{size:g}", verdict=verdict, iterations=_trials(verdict))
        for size, verdict in sizes.items()
    ]
    tests = [
        whole.tests[0].model_copy(
            update={
                "name": step.test,
                "state": TestState.SUCCEEDED if step.verdict else TestState.RUNNING,
            }
        )
        for step in steps
    ]
    limit = Limit(
        state=LimitState.FOUND,
        size=14,
        low=12,
        high=18,
        last_met=10,
        first_breach=20,
        text="kro keeps the SLOs up to 14 instances.",
    )
    scale = ScaleRecord(
        axis=Axis.INSTANCES,
        planned=[10, 20, 40],
        sizes=steps,
        limit=limit if done else None,
        next_to_try=NextToTry(step=NextStep.RUN_AGAIN) if done else None,
    )
    run = record(state).model_copy(
        update={
            "kind": "KroScaleTest",
            "spec": SCALE_SPEC,
            "tests": tests,
            "scale": scale,
            "progress": Progress(iterations_done=2, iterations_planned=4, activity="20: running"),
        }
    )
    return run.model_copy(update=changes)


def _trials(verdict: SizeVerdict | None) -> list[SizeIteration]:
    if verdict is None:
        return []
    if verdict is SizeVerdict.MET:
        return [SizeIteration(iteration=0, met=True)]
    breached = [
        SloMissed(
            slo="latency.instanceReady.p99 < 5.0", measured={"latency.instanceReady.p99": 7.1}
        )
    ]
    return [SizeIteration(iteration=0, met=False, breached=breached)]


RECORDS = {RunKind.BENCHMARK: record, RunKind.SCALE_TEST: scale_record}


@cache
def _parsed(kind: RunKind, raw: str) -> Run:
    return parse_run(kind, json.loads(raw))


@dataclass
class World:
    """One custom resource, its Jobs and its results."""

    kind: RunKind = RunKind.BENCHMARK
    spec: dict[str, Any] = field(default_factory=dict)
    """That of ``SPECS`` if it is empty."""
    status: RunStatus = field(default_factory=RunStatus)
    finalizers: list[str] = field(default_factory=list)
    deleting: bool = False
    exists: bool = True
    load: JobView = field(default_factory=JobView)
    pods_running: bool = False
    cleanups: list[JobView] = field(default_factory=list)
    """Those that exist, the latest last."""
    annotations: dict[str, str] = field(default_factory=dict)
    results: RunRecord | None = None
    conflict: ErrorInfo | None = None
    ahead: tuple[RunRef, ...] = ()
    events: dict[tuple[str, str], RunEvent] = field(default_factory=dict)
    loads_created: int = 0
    now: datetime = NOW

    def observe(self) -> Observed:
        metadata: dict[str, Any] = {
            "namespace": "default",
            "name": "bench",
            "uid": "uid-1",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "finalizers": self.finalizers,
            "annotations": self.annotations,
        }
        if self.deleting:
            metadata["deletionTimestamp"] = "2026-01-01T00:01:00Z"
        status = self.status.model_dump(by_alias=True, mode="json", exclude_none=True)
        raw = {"metadata": metadata, "spec": self.spec or SPECS[self.kind], "status": status}
        return Observed(
            run=_parsed(self.kind, json.dumps(raw)),
            load=self.load,
            load_pods_running=self.pods_running,
            cleanups=tuple(self.cleanups),
            results=Results("bench-results", conflict=self.conflict, record=self.results),
            ahead=self.ahead,
            now=self.now,
        )

    def decide(self) -> list[Action]:
        self.now += timedelta(seconds=1)
        return reconcile(self.observe(), JOB)

    def reconcile(self, crash_after: int | None = None) -> int:
        """Reconcile once; the operator may crash after some of the actions."""
        actions = self.decide()
        for action in actions[:crash_after]:
            self.apply(action)
        return len(actions)

    def apply(self, action: Action) -> None:
        match action:
            case AddFinalizer():
                self.finalizers = [FINALIZER]
            case RemoveFinalizer():
                self.finalizers = []
            case CreateJob(kind=JobKind.LOAD):
                if self.load.state is JobState.ABSENT:
                    self.loads_created += 1
                    self.load = JobView(JobState.ACTIVE)
                    self.pods_running = True
            case CreateJob(attempt=attempt):
                if attempt not in [job.attempt for job in self.cleanups]:
                    self.cleanups.append(JobView(JobState.ACTIVE, attempt=attempt))
            case DeleteJob():
                self.load = JobView()
            case PatchStatus():
                self.status = action.status
            case RunEvent():
                self.events.setdefault((action.reason, action.subject), action)
        self._collect()

    def delete(self) -> None:
        """Do what ``kubectl delete`` does."""
        self.deleting = True
        self._collect()

    def _collect(self) -> None:
        if self.deleting and not self.finalizers:
            self.exists = False

    def record(self, state: RunState = RunState.RUNNING, **changes: Any) -> RunRecord:
        """Return what the load Job stores."""
        return RECORDS[self.kind](state, **changes)

    def finish_load(self, **changes: Any) -> None:
        self.results = self.record(RunState.COMPLETED, **changes)
        self.load, self.pods_running = JobView(JobState.SUCCEEDED), False

    def fail_load(self, reason: str = "LoadJobFailed", begun: bool = True) -> None:
        error = ErrorInfo(reason=reason, message="it broke")
        self.load, self.pods_running = JobView(JobState.FAILED, error), False
        self.results = self.record() if begun else None

    def end_cleanups(self, state: JobState) -> None:
        self.cleanups = [
            replace(job, state=state) if job.state is JobState.ACTIVE else job
            for job in self.cleanups
        ]

    @property
    def cleanup(self) -> JobState:
        """The state of the latest cleanup Job."""
        return self.cleanups[-1].state if self.cleanups else JobState.ABSENT

    def let_pass(self, seconds: float) -> None:
        """Let time pass for the cleanup Jobs."""
        self.cleanups = [
            replace(job, age_seconds=job.age_seconds + seconds) for job in self.cleanups
        ]

    def settle(self) -> None:
        """Reconcile until nothing is left to be done."""
        for _ in range(20):
            if not self.exists or self.reconcile() == 0:
                return
        raise AssertionError(f"does not settle: {self.decide()}")

    @property
    def benchmark(self) -> KroBenchmarkStatus:
        assert isinstance(self.status, KroBenchmarkStatus)
        return self.status

    @property
    def scale_test(self) -> KroScaleTestStatus:
        assert isinstance(self.status, KroScaleTestStatus)
        return self.status

    @property
    def reasons(self) -> set[str]:
        return {reason for reason, _ in self.events}

    def condition(self, kind: str) -> str:
        return next(c.status for c in self.status.conditions if c.type == kind)


def started() -> World:
    """Return a world with a KroBenchmark whose load Job runs."""
    world = World()
    world.settle()
    return world
