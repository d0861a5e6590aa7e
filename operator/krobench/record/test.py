"""The record of one test: its iterations, their summary, and what follows from it."""

from enum import StrEnum

from pydantic import Field

from krobench.api.common import ApiModel, ErrorInfo
from krobench.api.specs.load import Load, Operation
from krobench.figures.cel import CelResults
from krobench.figures.environment import KroFingerprint
from krobench.figures.measures import Figures, KroRestart, Latencies, LoadGenerator, PartLists
from krobench.figures.precision import Headline, SteadyState, Stop
from krobench.figures.profile import TestProfile
from krobench.findings.bottleneck import Attribution
from krobench.findings.validity import AnyCause, Validity
from krobench.record.iteration import IterationRecord


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
    missing: dict[str, str | None] = Field(default_factory=dict)
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
    state: TestState = TestState.PENDING
    planned_iterations: int
    """Measured iterations asked for; with a precision, the most of them until the test has
    stopped, and from then on those that it took."""
    planned_warmup: int
    instances: int
    rgds: int
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
