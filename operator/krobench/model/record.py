"""The run record: what a run measured, in the form in which it is stored.

``RunRecord`` is ``run.json``. Beside it stand ``objects.jsonl`` (one :class:`ObjectRecord` a
line) and ``series.jsonl`` (one :class:`Sample` a line). A number that was not measured is
``null``, and ``unavailable`` says why; it is never zero.
"""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from krobench.model.bottleneck import Attribution
from krobench.model.celresults import CelResults
from krobench.model.common import TIMEOUT, ApiModel, ErrorInfo
from krobench.model.comparison import Comparison
from krobench.model.environment import Environment, KroFingerprint
from krobench.model.load import Load
from krobench.model.measures import (
    ApiRequests,
    Counts,
    CpuUse,
    Latencies,
    LoadGenerator,
    MemoryUse,
    OperationCounts,
    Throughput,
)
from krobench.model.minus import CostDifference
from krobench.model.precision import Headline, Stop
from krobench.model.profile import TestProfile
from krobench.model.recommendation import Recommendation
from krobench.model.scaling import ScaleRecord
from krobench.model.slope import Slope
from krobench.model.status import Verdict
from krobench.model.steadystate import SteadyState
from krobench.model.step import Operation
from krobench.model.usage import UsageRecord
from krobench.model.validity import Validity

SCHEMA: Literal["krobench.run/v1"] = "krobench.run/v1"
FULL_RUN_KEY = "run-full.json.gz"
"""Among ``parts``: all of a run whose ``run.json`` had no room for its iterations."""


class RunState(StrEnum):
    """Where the load Job stands; ``Running`` in a finished Job means that it was killed."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    ABORTED = "Aborted"


class TestState(StrEnum):
    """Where a test stands."""

    __test__ = False  # pytest would collect a class of this name

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"


class Teardown(ApiModel):
    """What became of the clean-up, which never hides a result."""

    done: bool
    """False when the policy keeps the objects or the clean-up failed."""
    duration_seconds: float = 0.0
    error: ErrorInfo | None = None
    remaining: list[str] = Field(default_factory=list)
    """Objects that are still there, as kind/namespace/name; at most 20."""


class Orphans(ApiModel):
    """What was left of a run after its clean-up; none are expected."""

    count: int | None = None
    """None where it could not be counted."""
    objects: list[str] = Field(default_factory=list)
    """As kind/namespace/name; at most 20."""
    unavailable: str | None = None
    """Why it could not be counted."""


class StepRecord(ApiModel):
    """One step of an iteration."""

    index: int
    """Position in the test's steps, from 0."""
    operation: Operation
    duration_seconds: float
    counts: OperationCounts
    latency: Latencies
    """Of this step's operations alone."""
    generator: LoadGenerator | None = None
    operations_per_second: float | None = None
    """Operations done over the time from the first request to the last effect."""
    kro_cpu_seconds: float | None = None
    kro_api_requests: float | None = None


class IterationRecord(ApiModel):
    """One repetition of a test."""

    index: int
    """Position in the test, warm-up included, from 0."""
    warmup: bool
    """Whether it is not summarised: to warm up, or as kro was profiled."""
    profiled: bool = False
    """Whether kro was profiled in it."""
    visit: int = 0
    """With variants: how often kro had been restarted for this one before, from 0."""
    start_time: str
    end_time: str
    duration_seconds: float
    """Set-up and run, without tear-down."""
    run_seconds: float | None = None
    """The run phase alone: from the first instance's request to the last one's end."""
    success: bool
    error: ErrorInfo | None = None
    validity: Validity = Field(default_factory=Validity)
    counts: Counts
    steady_state: SteadyState | None = None
    """Of the latencies in the order of their requests; None where the load is not meant to be
    steady."""
    generator: LoadGenerator | None = None
    """None in a closed loop, which has no schedule, and where no run phase was reached."""
    latency: Latencies = Field(default_factory=Latencies)
    throughput: Throughput = Field(default_factory=Throughput)
    cpu: CpuUse = Field(default_factory=CpuUse)
    memory: MemoryUse = Field(default_factory=MemoryUse)
    api_requests: ApiRequests = Field(default_factory=ApiRequests)
    metrics: dict[str, float | None] = Field(default_factory=dict)
    """Further metrics, open-ended; names carry their unit."""
    usage: UsageRecord = Field(default_factory=UsageRecord)
    steps: list[StepRecord] = Field(default_factory=list)
    """Where the test has several steps; the other numbers are then of all of them together."""
    unavailable: dict[str, str] = Field(default_factory=dict)
    """Why a number is null, by the name of the metric or source."""
    teardown: Teardown | None = None

    @property
    def timed_out(self) -> bool:
        """Whether it failed only in that not everything was ready in time."""
        return self.error is not None and self.error.reason == TIMEOUT


class StepSummary(ApiModel):
    """A step over all measured iterations: latencies pooled, other numbers medians."""

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
    throughput: Throughput
    cpu: CpuUse
    memory: MemoryUse
    api_requests: ApiRequests
    duration_seconds: float | None
    errors_total: int
    """Operations that failed or were censored, and iterations that failed for other causes."""
    metrics: dict[str, float | None] = Field(default_factory=dict)
    usage: UsageRecord = Field(default_factory=UsageRecord)
    steps: list[StepSummary] = Field(default_factory=list)
    """Where the test has several steps."""


class Margin(ApiModel):
    """A comparison within a threshold that was false."""

    names: list[str]
    """The metrics on its measured side."""
    operator: str
    """What should have held between value and bound: <, <=, >, >= or ==."""
    value: float
    bound: float


class ThresholdResult(ApiModel):
    """What became of a threshold."""

    expression: str
    passed: bool | None
    """None where it could not be decided, as for a number that is not available."""
    values: dict[str, float | None] = Field(default_factory=dict)
    """The measured values of the names used in the expression."""
    margins: list[Margin] = Field(default_factory=list)
    """How far it was missed by, where it was."""
    message: str | None = None


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
    steps: list[Operation] = Field(default_factory=list)
    """What its steps do, where it has several."""
    load: Load = Field(default_factory=Load)
    concurrency: int | None
    """None in an open loop."""
    timeout_seconds: float
    start_time: str | None = None
    end_time: str | None = None
    duration_seconds: float | None = None
    """Its own turns, without those of other tests between them."""
    success: bool | None = None
    error: ErrorInfo | None = None
    validity: Validity = Field(default_factory=Validity)
    """What its measured iterations say, warm-up not counted, and the causes below; without what
    spec.validity.ignore accepts."""
    causes: list[ErrorInfo] = Field(default_factory=list)
    """What speaks against the test as a whole."""
    iterations: list[IterationRecord] = Field(default_factory=list)
    summary: TestSummary | None = None
    headline: Headline | None = None
    steady_state: SteadyState | None = None
    """Of the iterations' medians."""
    stop: Stop | None = None
    """Why it was not repeated further, where it asks for a precision."""
    thresholds: list[ThresholdResult] = Field(default_factory=list)
    profile: TestProfile | None = None
    """None where none was asked for, or the test did not get that far."""
    cel: CelResults | None = None
    """Of a test of expressions, which has this instead of iterations and a summary."""
    attribution: Attribution | None = None
    """What held kro back; None where the test did not get that far."""

    @property
    def spec_name(self) -> str:
        """Name of the test in the spec: that of all its variants."""
        return self.name.removesuffix(f".{self.variant}")


class Progress(ApiModel):
    """How far the Job is, for the status of a run under way."""

    iterations_done: int = 0
    iterations_planned: int = 0
    activity: str = ""
    """What is going on, such as 'web-app: iteration 2 of 4: 37 of 50 instances ready'."""


class RunRecord(ApiModel):
    """``run.json``."""

    schema_: Literal["krobench.run/v1"] = Field(default=SCHEMA, alias="schema")
    id: str
    """UID of the custom resource."""
    name: str
    namespace: str
    generation: int
    kind: Literal["KroBenchmark", "KroScaleTest"] = "KroBenchmark"
    """Of the custom resource. The tests of a ``KroScaleTest`` are its steps."""
    state: RunState = RunState.RUNNING
    start_time: str
    end_time: str | None = None
    spec: dict[str, Any]
    """The spec as run."""
    environment: Environment
    variant: str | None = None
    """The last variant that kro was changed to, or was about to be; None without variants."""
    variant_comparisons: list[Comparison] = Field(default_factory=list)
    """Each variant but the first compared with the first, once the run has completed."""
    progress: Progress = Field(default_factory=Progress)
    tests: list[TestRecord] = Field(default_factory=list)
    verdict: Verdict | None = None
    validity: Validity | None = None
    """None until the run has completed."""
    causes: list[ErrorInfo] = Field(default_factory=list)
    """What speaks against the run as a whole."""
    comparison: Comparison | None = None
    """With what spec.baseline names; None where it names nothing, or the run was given up."""
    slopes: list[Slope] = Field(default_factory=list)
    """Of tests that differ in nothing but their size."""
    differences: list[CostDifference] = Field(default_factory=list)
    """Of tests that name another as their ``minus``."""
    scale: ScaleRecord | None = None
    """Of a ``KroScaleTest``."""
    recommendations: list[Recommendation] = Field(default_factory=list)
    """What to change, first things first."""
    orphans: Orphans | None = None
    """None where objects were kept, or the run did not get that far."""
    error: ErrorInfo | None = None
    warnings: list[str] = Field(default_factory=list)
    parts: dict[str, list[str]] = Field(default_factory=dict)
    """Where the raw lines are: file name to the ConfigMaps that hold its pieces, in order."""

    @property
    def shortened(self) -> bool:
        """Whether this is without the iterations, which stand elsewhere."""
        return FULL_RUN_KEY in self.parts and not any(test.iterations for test in self.tests)
