"""What the controller sees of a run when it decides: data only."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from krobench.api.common import FINALIZER, ErrorInfo
from krobench.api.kinds import RunKind, RunRef, RunSpec, ScheduleRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.results import Cleanup
from krobench.api.status import ObjectRef, RunStatus, Trigger
from krobench.controller.runfigures import RunFigures
from krobench.record.run import RunRecord
from krobench.report.status import StatusFacts

CLEANUP_FAILED = "CleanupFailed"
"""Reason of a run that is being deleted while its cleanup fails; other runs go on."""


class JobKind(StrEnum):
    """The Jobs of a run."""

    LOAD = "load"
    CLEANUP = "cleanup"


class JobState(StrEnum):
    """How a Job is doing; no pod of a finished one is running."""

    ABSENT = "Absent"
    ACTIVE = "Active"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True)
class JobView:
    """What decisions need to know of a Job."""

    state: JobState = JobState.ABSENT
    error: ErrorInfo | None = None
    """The error that a failed Job reported."""
    disrupted: ErrorInfo | None = None
    """Why the cluster takes the Job's pod away, for example an eviction."""
    started: bool = False
    """Whether its pod's containers have started."""
    waiting: ErrorInfo | None = None
    """Why the pod of an active Job does not start, for example ImagePullBackOff."""
    age_seconds: float = 0.0
    attempt: int = 1
    """Of a cleanup Job."""


@dataclass(frozen=True)
class Results:
    """The results ConfigMap of a run."""

    name: str = ""
    conflict: ErrorInfo | None = None
    """Set if the existing ConfigMap belongs to something else."""
    record: RunRecord | None = None
    error: ErrorInfo | None = None
    """Why the existing ConfigMap is unreadable."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended, in short."""

    verdict: str | None
    completion_time: str | None
    kro_version: str | None
    headline: str | None
    """Its main figure."""
    comparison: str | None
    """Verdict of the comparison with its baseline."""
    message: str | None = None
    """Why it has no verdict Passed."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The schedule that created a run, and why."""

    schedule: ScheduleRef
    trigger: Trigger
    time: datetime
    """When the run was due."""
    result: RunResult | None
    """None until the run has finished."""


@dataclass(frozen=True, slots=True)
class Run:
    """The custom resource that asks for a run."""

    ref: RunRef
    version: str
    """Its resourceVersion."""
    generation: int
    created: str
    deleting: bool
    finalizers: tuple[str, ...]
    operator: str
    """Namespace of the operator that executes it; empty if none does yet."""
    abandoned: bool
    """Whether somebody gives up its cleanup, should it fail."""
    spec: RunSpec | None
    """None if it is invalid, or not needed any more."""
    errors: tuple[ErrorInfo, ...]
    """What is wrong with the spec."""
    status: RunStatus
    """Of a finished run, only its phase."""
    figures: RunFigures
    """What metrics show of it."""
    origin: Origin | None = None
    """None if no schedule created it."""

    def __str__(self) -> str:
        return str(self.ref)

    @property
    def kind(self) -> RunKind:
        return self.ref.kind

    @property
    def namespace(self) -> str:
        return self.ref.namespace

    @property
    def name(self) -> str:
        return self.ref.name

    @property
    def uid(self) -> str:
        return self.ref.uid

    @property
    def has_finalizer(self) -> bool:
        return FINALIZER in self.finalizers

    @property
    def started(self) -> bool:
        return self.status.start_time is not None

    @property
    def finished(self) -> bool:
        return self.status.phase is not None and self.status.phase.terminal

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do for it, unless someone deletes it."""
        return self.finished and not self.has_finalizer

    @property
    def keeps_objects(self) -> bool:
        """Whether the objects of a failed run stay; a deleted run keeps none."""
        policy = self.spec.cleanup if self.spec is not None else Cleanup.ALWAYS
        return policy is not Cleanup.ALWAYS and not self.deleting

    @property
    def occupies_cluster(self) -> bool:
        """Whether its load or its cleanup may be running, so that no other run may start."""
        if self.finished or self.cleanup_failed:
            return False
        return self.has_finalizer or (self.started and not self.deleting)

    @property
    def cleanup_failed(self) -> bool:
        """Whether it is being deleted and its cleanup is tried again from time to time."""
        conditions = self.status.conditions
        return self.deleting and bool(conditions) and conditions[0].reason == CLEANUP_FAILED

    @property
    def suspended(self) -> bool:
        """Whether it must not start until someone changes its spec."""
        return self.spec is not None and self.spec.suspend and not self.started

    @property
    def waits(self) -> bool:
        """Whether it wants to start."""
        stays = self.finished or self.deleting or self.suspended or bool(self.errors)
        return not (self.occupies_cluster or stays)


@dataclass(frozen=True)
class Observed:
    """Everything that a decision on one run rests on."""

    run: Run
    load: JobView = field(default_factory=JobView)
    load_pods_running: bool = False
    cleanups: tuple[JobView, ...] = ()
    """The cleanup Jobs that exist, the latest last."""
    results: Results = field(default_factory=Results)
    foreign: bool = False
    """Whether another operator executes it, which does all that is to be done."""
    ahead: tuple[RunRef, ...] = ()
    """Runs of both kinds that go first; the first of them may be running."""
    now: datetime = field(default_factory=lambda: datetime.fromtimestamp(0).astimezone())

    @property
    def facts(self) -> StatusFacts:
        """What the status is rendered from."""
        run, results = self.run, self.results
        return StatusFacts(
            kind=run.kind,
            generation=run.generation,
            old=run.status,
            planned_tests=len(run.spec.tests) if isinstance(run.spec, KroBenchmarkSpec) else None,
            record=results.record,
            results=ObjectRef(kind="ConfigMap", namespace=run.namespace, name=results.name)
            if results.record is not None
            else None,
            now=self.now,
            scheduled=run.origin is not None,
        )
