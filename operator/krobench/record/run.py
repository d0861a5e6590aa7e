"""The run record: what a run measured, in the form in which it is stored.

``RunRecord`` is ``run.json``. Next to it are ``objects.jsonl`` (one :class:`ObjectRecord` a
line) and ``series.jsonl`` (one :class:`Sample` a line). A number that was not measured is
absent, and ``unavailable`` says why; it is never zero.
"""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from krobench.api.common import ApiModel, ErrorInfo
from krobench.api.status import LiveStatus, Verdict
from krobench.api.storage import StoredAt
from krobench.figures.environment import Environment
from krobench.figures.reasons.load import AnyOrphansReason
from krobench.findings.comparison import Comparison
from krobench.findings.growth import CostDifference, Slope
from krobench.findings.recommendation import Recommendation
from krobench.findings.scale_comparison import ScaleComparison
from krobench.findings.scaling import ScaleRecord, SizeVerdict
from krobench.findings.validity import AnyCause, Validity
from krobench.record.test import TestRecord, TestState

SCHEMA: Literal["krobench.run/v2"] = "krobench.run/v2"
INTERRUPTED = "Interrupted"
"""Error reason of a run whose load Job was stopped."""
FULL_RUN_KEY = "run-full.json.gz"
"""Among ``parts``: all of a run whose ``run.json`` had no room for its iterations."""


class RunState(StrEnum):
    """State of the load Job; ``Running`` in a finished Job means that it was killed."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    ABORTED = "Aborted"


class Orphans(ApiModel):
    """What was left of a run after its cleanup; none are expected."""

    count: int | None = None
    """None if it could not be counted."""
    objects: list[str] = Field(default_factory=list)
    """As kind/namespace/name; at most 20."""
    commands: list[str] = Field(default_factory=list)
    """What deletes each of these objects."""
    unlisted: list[str] = Field(default_factory=list)
    """Kinds that the run's RGDs create, but that may not be listed: not among those counted."""
    unavailable: AnyOrphansReason | None = None
    """Why it could not be counted."""


class SampledLines(ApiModel):
    """A file of raw lines that holds a random sample: all of them exceed the limit of a run."""

    file: str
    stored: int
    measured: int


class TimeSpent(ApiModel):
    """Where the time of a run went. The rest of it is waiting, restarts of kro, and storing."""

    total_seconds: float
    """From the start of the load Job until it stored its last results."""
    measured_seconds: float
    """Run phases and soaks that were measured; with several RGDs, their creation; of a test of
    expressions, all but its cleanup."""
    warmup_seconds: float
    """Run phases and soaks of warm-up."""
    set_up_seconds: float
    cleanup_seconds: float
    measured_share: float
    """``measured_seconds`` over ``total_seconds``."""


class Progress(ApiModel):
    """How far the Job is, for the status of a run in progress."""

    iterations_done: int = 0
    iterations_planned: int = 0
    activity: str = ""
    """What is going on, such as 'web-app: iteration 2 of 4: 37 of 50 instances ready'."""
    live: LiveStatus | None = None


class RunRecord(ApiModel):
    """``run.json``."""

    schema_: Literal["krobench.run/v2"] = Field(default=SCHEMA, alias="schema")
    id: str
    """UID of the custom resource."""
    name: str
    namespace: str
    generation: int
    kind: Literal["KroBenchmark", "KroScaleTest"] = "KroBenchmark"
    """Of the custom resource. The tests of a ``KroScaleTest`` are its sizes."""
    state: RunState = RunState.RUNNING
    start_time: str
    end_time: str | None = None
    spec: dict[str, Any]
    """The spec as run."""
    environment: Environment
    schedule: str | None = None
    """Name of the schedule that created it; None if a user did."""
    variant: str | None = None
    """The last variant that kro was changed to, or was about to be; None without variants."""
    variant_comparisons: list[Comparison] = Field(default_factory=list)
    """Each variant but the first compared with the first, once the run has completed."""
    progress: Progress = Field(default_factory=Progress)
    tests: list[TestRecord] = Field(default_factory=list)
    verdict: Verdict | None = None
    validity: Validity | None = None
    """None until the run has completed."""
    causes: list[AnyCause] = Field(default_factory=list)
    """What makes the run as a whole invalid."""
    comparison: Comparison | None = None
    """With what spec.baseline names; None if it names nothing, or the run was given up."""
    scale_comparison: ScaleComparison | None = None
    """The same of a scale test."""
    slopes: list[Slope] = Field(default_factory=list)
    """Of tests that differ only in their size."""
    differences: list[CostDifference] = Field(default_factory=list)
    """Of tests that name another as their ``minus``."""
    scale: ScaleRecord | None = None
    """Of a ``KroScaleTest``."""
    recommendations: list[Recommendation] = Field(default_factory=list)
    """What to change, the most important first."""
    time_spent: TimeSpent | None = None
    """None until the run has ended, and if its load Job died."""
    orphans: Orphans | None = None
    """None if objects were kept, or the run did not get that far."""
    error: ErrorInfo | None = None
    warnings: list[str] = Field(default_factory=list)
    sampled: list[SampledLines] = Field(default_factory=list)
    """Files of raw lines that are not stored whole. Figures are calculated from all lines."""
    parts: dict[str, list[str]] = Field(default_factory=dict)
    """Where the raw lines are: file name to the ConfigMaps that hold its pieces, in order."""
    store: StoredAt | None = None
    """Where the raw lines are, if they are not in ConfigMaps."""
    store_error: ErrorInfo | None = None
    """Why they are in ConfigMaps, although there is a store."""

    @property
    def shortened(self) -> bool:
        """Whether its iterations are left out, because they are stored elsewhere."""
        elsewhere = self.store is not None and not self.store.whole
        return (FULL_RUN_KEY in self.parts or elsewhere) and not any(
            test.iterations for test in self.tests
        )

    def has_file(self, name: str) -> bool:
        """Whether a file of this name is stored."""
        return name in self.parts or (self.store is not None and name in self.store.files)


def give_up(run: RunRecord, why: ErrorInfo, end_time: str) -> None:
    """Mark a run's record as given up, and each of its tests and sizes.

    ``end_time`` is RFC 3339.
    """
    run.state = RunState.ABORTED
    run.end_time = end_time
    run.error = why
    run.verdict = Verdict.ERROR
    for test in run.tests:
        if test.state is TestState.RUNNING:
            test.state, test.success, test.error = TestState.FAILED, False, why
        elif test.state is TestState.PENDING:
            test.state = TestState.SKIPPED
    for size in run.scale.sizes if run.scale is not None else ():
        if size.verdict is None:
            size.verdict = SizeVerdict.FAILED


def as_given_up(run: RunRecord, why: ErrorInfo, end_time: str) -> RunRecord:
    """Return the record of a run whose load has died, before it could mark itself as given up."""
    if run.state is not RunState.RUNNING:
        return run
    ended = run.model_copy(deep=True)
    give_up(ended, why, end_time)
    return ended
