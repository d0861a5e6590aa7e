"""What the controller knows when it decides: a snapshot of everything about one run."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from krobench.api.common import ErrorInfo
from krobench.api.kinds import RunKind, RunRef, RunSpec
from krobench.api.specs.benchmark import Cleanup, KroBenchmarkSpec
from krobench.api.status import ObjectRef, RunStatus
from krobench.record.run import RunRecord
from krobench.report.status import StatusFacts

CLEANUP_ATTEMPTS = 2


class JobState(StrEnum):
    """Where a Job stands; a finished one has no pod that still runs."""

    ABSENT = "Absent"
    ACTIVE = "Active"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True)
class JobView:
    """A Job, as far as the controller cares."""

    state: JobState = JobState.ABSENT
    error: ErrorInfo | None = None
    """What a failed Job left behind as its last word."""
    waiting: ErrorInfo | None = None
    """Why the pod of an active Job does not start, such as ImagePullBackOff."""
    age_seconds: float = 0.0


@dataclass(frozen=True)
class Results:
    """The results ConfigMap."""

    name: str = ""
    conflict: ErrorInfo | None = None
    """Whom an existing ConfigMap belongs to, where that is not this run."""
    record: RunRecord | None = None
    error: ErrorInfo | None = None
    """Why an existing ConfigMap could not be read."""


@dataclass(frozen=True)
class Run:
    """The custom resource that asks for a run."""

    key: RunRef
    generation: int
    created: str
    deleting: bool
    has_finalizer: bool
    spec: RunSpec | None
    """None where it is invalid."""
    errors: tuple[ErrorInfo, ...]
    """What is wrong with the spec."""
    status: RunStatus
    """That of its kind."""

    @property
    def kind(self) -> RunKind:
        """Which kind of resource it is."""
        return self.key.kind

    @property
    def namespace(self) -> str:
        """The namespace of the resource and of its results."""
        return self.key.namespace

    @property
    def uid(self) -> str:
        """The UID of the resource."""
        return self.key.uid

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.key.name

    @property
    def started(self) -> bool:
        """Whether the status says that the run has begun."""
        return self.status.start_time is not None

    @property
    def finished(self) -> bool:
        """Whether the status says that the run has ended."""
        return self.status.phase is not None and self.status.phase.terminal

    @property
    def keeps_objects(self) -> bool:
        """Whether what a run that failed has made is to be kept; not when it is deleted."""
        policy = self.spec.cleanup if self.spec is not None else Cleanup.ALWAYS
        return policy is not Cleanup.ALWAYS and not self.deleting

    @property
    def occupies_cluster(self) -> bool:
        """Whether its load or its clean-up may be going on, so that no other may begin."""
        return self.has_finalizer or (self.started and not self.finished and not self.deleting)


@dataclass(frozen=True)
class Observed:
    """Everything that a decision on one run rests on."""

    run: Run
    load: JobView = field(default_factory=JobView)
    load_pods_running: bool = False
    cleanups: tuple[JobView, ...] = field(
        default_factory=lambda: tuple(JobView() for _ in range(CLEANUP_ATTEMPTS))
    )
    """One for each attempt."""
    results: Results = field(default_factory=Results)
    ahead: tuple[RunRef, ...] = ()
    """Runs of any kind that go first; the first of them is the one under way."""
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
        )
