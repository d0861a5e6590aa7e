"""The record of one test: its iterations, their summary, and what follows from them."""

from enum import StrEnum

from pydantic import Field

from krobench.api.common import TIMEOUT, ApiModel, ErrorInfo
from krobench.api.specs.load import Load, Operation
from krobench.figures.catalogue import RUN_SECONDS
from krobench.figures.cel import CelResults
from krobench.figures.environment import KroFingerprint
from krobench.figures.precision import Headline, SteadyState, Stop
from krobench.figures.profile import TestProfile
from krobench.figures.reasons.figures import AnyReason
from krobench.figures.summaries import (
    Counts,
    Figures,
    KroRestart,
    Latencies,
    LoadGenerator,
    OperationCounts,
    PartLists,
)
from krobench.findings.bottleneck import Attribution
from krobench.findings.steady import AnyUnsteady
from krobench.findings.validity import AnyCause, Validity


class Teardown(ApiModel):
    """The result of a cleanup; it never hides a result of the test."""

    done: bool
    """False when the policy keeps the objects or the cleanup failed."""
    duration_seconds: float = 0.0
    error: ErrorInfo | None = None
    remaining: list[str] = Field(default_factory=list)
    """Objects that are still there, as kind/namespace/name; at most 20."""

    def followed_by(self, other: "Teardown") -> "Teardown":
        """Return both as one."""
        return Teardown(
            done=self.done and other.done,
            duration_seconds=round(self.duration_seconds + other.duration_seconds, 3),
            error=self.error or other.error,
            remaining=list(dict.fromkeys([*self.remaining, *other.remaining])),
        )


class BackgroundRecord(ApiModel):
    """Requests that were sent beside the load, in the run phase."""

    reads: int = 0
    """Those that were answered."""
    writes: int = 0
    """Those that were answered."""
    failed: int = 0
    skipped: int = 0
    """Requests that were not sent, as too many were unanswered."""
    seconds: float = 0.0


class CloudRecord(ApiModel):
    """What the simulator of the scenario cloud did in an iteration, until its run phase or its
    soak ended."""

    delay_seconds: float
    """What the resources add to the time until ready of each instance: they wait for each other."""
    writes: int = 0
    """Writes of a status that were answered."""
    failed: int = 0
    """Those that were refused, or not answered."""
    lag_p99_seconds: float | None = None
    """99 % of the writes were sent no later than this after they were due, rounded up to a whole
    write: of fewer than 100, it is the largest."""
    lag_max_seconds: float | None = None
    error: str | None = None
    """Of the last request that failed."""


class PhaseRecord(ApiModel):
    """One phase of an iteration."""

    index: int
    """Position among the test's phases, from 0."""
    operation: Operation
    image: str | None = None
    """To which an upgrade changed kro."""
    duration_seconds: float
    counts: OperationCounts
    latency: Latencies
    """Of this phase's operations alone."""
    generator: LoadGenerator | None = None
    operations_per_second: float | None = None
    """Operations done over the time from the first request to the last effect."""
    kro_cpu_seconds: float | None = None
    kro_api_requests: float | None = None


class Soak(ApiModel):
    """How long all that was ready was kept after the run phase, and kro sampled."""

    seconds: float
    steady: bool | None = None
    """With soakUntil Steady: whether kro was steady at its end; None if that is not known."""
    memory_bytes_per_second: float | None = None
    """With soakUntil Steady: how fast kro's resident memory still grew at its end, or fell."""
    unsteady: list[AnyUnsteady] = Field(default_factory=list)
    """Why kro was not steady, or why that is unknown."""


class IterationRecord(ApiModel):
    """One iteration of a test."""

    index: int
    """Position in the test, warm-up included, from 0."""
    warmup: bool
    """Whether it is not summarised: it warms up, or kro was profiled."""
    profiled: bool = False
    """Whether kro was profiled in it."""
    visit: int = 0
    """With variants: how often kro had been restarted for this one before, from 0."""
    start_time: str
    end_time: str
    duration_seconds: float
    """Set-up and run, without cleanup."""
    soak: Soak | None = None
    """What came after the run phase; None if nothing was asked for, or the run phase failed."""
    success: bool
    error: ErrorInfo | None = None
    validity: Validity = Field(default_factory=Validity)
    counts: Counts
    steady_state: SteadyState | None = None
    """Of the latencies in the order of their requests; None if the load is not meant to be
    steady."""
    generator: LoadGenerator | None = None
    """None in a closed loop, which has no schedule, and if no run phase was reached."""
    background: BackgroundRecord | None = None
    """None if none was asked for, and if no run phase was reached."""
    cloud: CloudRecord | None = None
    """None with another workload than the scenario cloud."""
    latency: Latencies = Field(default_factory=Latencies)
    figures: Figures = Field(default_factory=Figures)
    """By their names in the catalogue. Costs per instance of several phases are those of the first,
    which creates instances and does nothing else."""
    parts: PartLists = Field(default_factory=PartLists)
    """What sums consist of."""
    kro_restarts: list[KroRestart] = Field(default_factory=list)
    """In set-up and run."""
    phases: list[PhaseRecord] = Field(default_factory=list)
    """If the test has several phases; the other numbers are then of all of them together."""
    unavailable: dict[str, AnyReason] = Field(default_factory=dict)
    """Why a figure is missing, by its name or that of its source."""
    teardown: Teardown | None = None

    @property
    def run_seconds(self) -> float | None:
        """Length of the run phase; None if it was not reached."""
        return self.figures[RUN_SECONDS]

    @property
    def whole_seconds(self) -> float:
        """Duration with soak and cleanup."""
        soak = self.soak.seconds if self.soak is not None else 0.0
        cleanup = self.teardown.duration_seconds if self.teardown is not None else 0.0
        return self.duration_seconds + soak + cleanup

    @property
    def timed_out(self) -> bool:
        """Whether its only error is that not everything was ready in time."""
        return self.error is not None and self.error.reason == TIMEOUT


class TestState(StrEnum):
    __test__ = False  # pytest would collect a class of this name

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"


class PhaseSummary(ApiModel):
    """A phase over all measured iterations: latencies pooled, other numbers medians."""

    index: int
    operation: Operation
    image: str | None = None
    """To which an upgrade changed kro."""
    done: int
    """Operations that had their effect, over all iterations."""
    errors: int
    """Those that failed or were censored."""
    latency: Latencies
    operations_per_second: float | None = None
    kro_cpu_seconds_per_operation: float | None = None
    kro_api_requests_per_operation: float | None = None


class TestSummary(ApiModel):
    """The measured iterations of a test, taken together.

    Latencies pool the instances of all measured iterations; the other numbers are medians of
    the iterations' own.
    """

    __test__ = False  # pytest would collect a class of this name

    iterations: int
    generator: LoadGenerator | None = None
    latency: Latencies
    figures: Figures = Field(default_factory=Figures)
    """By their names in the catalogue."""
    parts: PartLists = Field(default_factory=PartLists)
    """Those of the last iteration, so that they add up."""
    kro_restarts: list[KroRestart] = Field(default_factory=list)
    """Of all iterations."""
    duration_seconds: float | None
    errors_total: int
    """Operations that failed or were censored, and iterations that failed for other causes."""
    phases: list[PhaseSummary] = Field(default_factory=list)
    """If the test has several phases."""


class Margin(ApiModel):
    """A comparison within a threshold that was false."""

    names: list[str]
    """The metrics on its measured side."""
    operator: str
    """What should have held between value and bound: <, <=, >, >= or ==."""
    value: float
    bound: float


class ThresholdResult(ApiModel):
    """Whether a threshold is met."""

    expression: str
    passed: bool | None
    """None if it could not be decided, for example because a number is not available."""
    values: dict[str, float | None] = Field(default_factory=dict)
    """The measured values of the names used in the expression."""
    margins: list[Margin] = Field(default_factory=list)
    """By how much it was missed, if it was."""
    missing: dict[str, AnyReason | None] = Field(default_factory=dict)
    """The metrics that are not available, and why; null if that is unknown."""
    error: str | None = None
    """Why CEL could not evaluate it."""
    text: str | None = None
    """Why it is undecided, as an older krobench stored it."""


class TestRecord(ApiModel):
    """One test of the suite."""

    __test__ = False  # pytest would collect a class of this name

    name: str
    """Name in the spec; of a variant, with a dot and the variant's name after it."""
    variant: str | None = None
    """The variant of kro that it was measured on; None: kro as it was."""
    kro: KroFingerprint | None = None
    """The kro that the variant was measured on last; None without variants."""
    workload: str
    """Name of the scenario, or ``rgd`` for a user's own."""
    ready_by: str | None = None
    """What showed that an instance of a user's own RGD was ready, such as ``condition Ready``."""
    state: TestState = TestState.PENDING
    planned_iterations: int
    """Measured iterations asked for; with a precision, the most of them until the test has
    stopped, and from then on those that it took."""
    planned_warmup: int
    instances: int
    rgds: int
    ballast_crds: int = 0
    """CRDs beside its load."""
    phases: list[Operation] = Field(default_factory=list)
    """What its phases do, if it has several."""
    load: Load = Field(default_factory=Load)
    concurrency: int | None
    """None in an open loop."""
    timeout_seconds: float
    start_time: str | None = None
    end_time: str | None = None
    duration_seconds: float | None = None
    """Its own iterations, without those of other tests between them."""
    success: bool | None = None
    error: ErrorInfo | None = None
    validity: Validity = Field(default_factory=Validity)
    """What its measured iterations say, warm-up not counted, and the causes below; without what
    spec.validity.ignore accepts."""
    causes: list[AnyCause] = Field(default_factory=list)
    """What makes the test as a whole invalid."""
    iterations: list[IterationRecord] = Field(default_factory=list)
    summary: TestSummary | None = None
    headline: Headline | None = None
    steady_state: SteadyState | None = None
    """Of the iterations' medians."""
    stop: Stop | None = None
    """Why it was not repeated further, if it asks for a precision."""
    thresholds: list[ThresholdResult] = Field(default_factory=list)
    profile: TestProfile | None = None
    """None if none was asked for, or the test did not get that far."""
    cel: CelResults | None = None
    """Of a test of expressions, which has this instead of iterations and a summary."""
    attribution: Attribution | None = None
    """What held kro back; None if the test did not get that far."""

    @property
    def spec_name(self) -> str:
        """Name of the test in the spec: that of all its variants."""
        return self.name.removesuffix(f".{self.variant}")
