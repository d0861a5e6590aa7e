"""The run record: what a run measured, in the form in which it is stored.

``RunRecord`` is ``run.json``. Beside it stand ``objects.jsonl`` (one :class:`ObjectRecord` a
line) and ``series.jsonl`` (one :class:`Sample` a line). A number that was not measured is
``null``, and ``unavailable`` says why; it is never zero.
"""

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field

from krobench.model.common import ApiModel, ErrorInfo
from krobench.model.load import Load
from krobench.model.status import Verdict

SCHEMA: Literal["krobench.run/v1"] = "krobench.run/v1"


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


class Validity(ApiModel):
    """Whether what was measured is what was asked for."""

    valid: bool = True
    causes: list[ErrorInfo] = Field(default_factory=list)
    """Why not."""

    @classmethod
    def of(cls, causes: list[ErrorInfo]) -> Self:
        """Return what follows from these causes: valid if there are none."""
        return cls(valid=not causes, causes=causes)


class LatencySummary(ApiModel):
    """Percentiles of a set of durations.

    A percentile is absent where the sample is too small for it; censored observations (objects
    that never got there) are counted and, being longer than every finished one, take the top
    ranks: a percentile that falls among them is absent too.
    """

    n: int
    """Objects that got there."""
    censored: int = 0
    """Objects that were waited for in vain."""
    p50_seconds: float | None = None
    p90_seconds: float | None = None
    p99_seconds: float | None = None
    max_seconds: float | None = None
    mean_seconds: float | None = None


class Latencies(ApiModel):
    """Latency by phase of an object's life, all by one monotonic clock.

    In an open loop, those of instances count from the intended time of the create request.
    """

    instance_ready: LatencySummary | None = None
    """From the create request of an instance until Ready=True was seen."""
    instance_active: LatencySummary | None = None
    """From the create request of an instance until status.state=ACTIVE was seen."""
    rgd_picked_up: LatencySummary | None = None
    """From sending the create request of an RGD until kro's finalizer was seen on it."""
    rgd_accepted: LatencySummary | None = None
    """From sending the create request of an RGD until GraphAccepted=True was seen."""
    rgd_compiled: LatencySummary | None = None
    """From sending the create request of an RGD until its GraphRevision was seen Ready."""
    rgd_established: LatencySummary | None = None
    """From sending the create request of an RGD until its CRD was seen Established."""
    rgd_ready: LatencySummary | None = None
    """From sending the create request of an RGD until Ready=True was seen."""
    instance_gone: LatencySummary | None = None
    """From sending the delete request of an instance until it was gone."""


class CpuUse(ApiModel):
    """CPU time of the kro container during the run phase."""

    kro_seconds: float | None = None
    """Delta of process_cpu_seconds_total of kro."""
    kro_mean_cores: float | None = None
    """``kro_seconds`` over the time between these two samples."""
    kubelet_mean_cores: float | None = None
    """The same by the kubelet, whose own samples are some ten seconds apart."""
    throttled_periods_ratio: float | None = None
    """CFS periods in which the container was throttled, over all of them, by the kubelet."""


class MemoryUse(ApiModel):
    """Memory of the kro container during the run phase."""

    resident_max_bytes: int | None = None
    """Largest process_resident_memory_bytes seen."""
    resident_delta_bytes: int | None = None
    """Last minus first process_resident_memory_bytes."""
    heap_max_bytes: int | None = None
    """Largest go_memstats_heap_alloc_bytes seen."""
    working_set_max_bytes: int | None = None
    """Largest container_memory_working_set_bytes seen, from the kubelet."""


class ApiRequests(ApiModel):
    """Requests made to the API server during the run phase."""

    kro: float | None = None
    """By kro: delta of its rest_client_requests_total."""
    krobench: int | None = None
    """By this load Job, watches and scrapes through the API server included."""
    total: float | None = None
    """By everybody: delta of apiserver_request_total (of the API server that was scraped)."""


class Throughput(ApiModel):
    """Rates over the run phase."""

    instances_per_second: float | None = None
    """Instances that became ready over the time from the first request to the last ready."""


class Counts(ApiModel):
    """What became of the instances."""

    requested: int
    sent: int = 0
    """Create requests that were sent; the others were not, as the iteration ended before."""
    late: int = 0
    """Open loop: create requests that were sent later than maxSendLag after their time."""
    created: int = 0
    ready: int = 0
    failed: int = 0
    """Create requests that were refused."""
    censored: int = 0
    """Created, but not ready when the time was over."""
    retried: int = 0
    """Requests that were sent again after a 429, a 5xx or no answer."""
    throttled: int = 0
    """Answers with 429."""
    server_errors: int = 0
    """Answers with 5xx."""


class LoadGenerator(ApiModel):
    """Whether an open loop kept its schedule.

    For several iterations taken together, the rates are medians and the lags the worst.
    """

    requested_per_second: float | None = None
    """Rate of the schedule from its first to its last time (of those that came before the
    iteration ended); None where these are the same, as in a single burst."""
    achieved_per_second: float | None = None
    """Requests sent over the time of the schedule, or over the time that sending took where
    that is longer by more than maxSendLag."""
    send_lag_p50_seconds: float | None = None
    """Half of the requests were sent no later than this after their intended time."""
    send_lag_p99_seconds: float | None = None
    """The same of 99 %, rounded up to a whole request: of fewer than 100, it is the largest."""
    send_lag_max_seconds: float | None = None


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


class IterationRecord(ApiModel):
    """One repetition of a test."""

    index: int
    """Position in the test, warm-up included, from 0."""
    warmup: bool
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
    generator: LoadGenerator | None = None
    """None in a closed loop, which has no schedule, and where no run phase was reached."""
    latency: Latencies = Field(default_factory=Latencies)
    throughput: Throughput = Field(default_factory=Throughput)
    cpu: CpuUse = Field(default_factory=CpuUse)
    memory: MemoryUse = Field(default_factory=MemoryUse)
    api_requests: ApiRequests = Field(default_factory=ApiRequests)
    metrics: dict[str, float | None] = Field(default_factory=dict)
    """Further metrics, open-ended; names carry their unit."""
    unavailable: dict[str, str] = Field(default_factory=dict)
    """Why a number is null, by the name of the metric or source."""
    teardown: Teardown | None = None


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
    """Instances that failed or were censored, and iterations that failed for other causes."""
    metrics: dict[str, float | None] = Field(default_factory=dict)


class ThresholdResult(ApiModel):
    """What became of a threshold."""

    expression: str
    passed: bool | None
    """None where it could not be decided, as for a number that is not available."""
    values: dict[str, float | None] = Field(default_factory=dict)
    """The measured values of the names used in the expression."""
    message: str | None = None


class TestRecord(ApiModel):
    """One test of the suite."""

    __test__ = False  # pytest would collect a class of this name

    name: str
    workload: str
    """Name of the scenario, or ``rgd`` for a user's own."""
    state: TestState = TestState.PENDING
    planned_iterations: int
    """Measured iterations asked for."""
    planned_warmup: int
    instances: int
    rgds: int
    load: Load = Field(default_factory=Load)
    concurrency: int | None
    """None in an open loop."""
    timeout_seconds: float
    start_time: str | None = None
    end_time: str | None = None
    duration_seconds: float | None = None
    success: bool | None = None
    error: ErrorInfo | None = None
    validity: Validity = Field(default_factory=Validity)
    """What its measured iterations say; warm-up does not count."""
    iterations: list[IterationRecord] = Field(default_factory=list)
    summary: TestSummary | None = None
    thresholds: list[ThresholdResult] = Field(default_factory=list)


class KroFingerprint(ApiModel):
    """The kro that was measured."""

    namespace: str
    pod: str
    node: str | None = None
    image: str | None = None
    version: str | None = None
    args: list[str] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict)
    requests: dict[str, str] = Field(default_factory=dict)
    limits: dict[str, str] = Field(default_factory=dict)
    replicas: int = 1
    restarts: int = 0


class NodeFingerprint(ApiModel):
    """A node of the cluster."""

    name: str
    cpu: str | None = None
    memory: str | None = None
    kernel: str | None = None
    kubelet: str | None = None


class Environment(ApiModel):
    """What must be alike before two runs may be compared."""

    krobench: str
    kubernetes: str | None = None
    kro: KroFingerprint | None = None
    nodes: list[NodeFingerprint] = Field(default_factory=list)


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
    state: RunState = RunState.RUNNING
    start_time: str
    end_time: str | None = None
    spec: dict[str, Any]
    """The spec as run."""
    environment: Environment
    progress: Progress = Field(default_factory=Progress)
    tests: list[TestRecord] = Field(default_factory=list)
    verdict: Verdict | None = None
    validity: Validity | None = None
    """None until the run has completed."""
    orphans: Orphans | None = None
    """None where objects were kept, or the run did not get that far."""
    error: ErrorInfo | None = None
    warnings: list[str] = Field(default_factory=list)
    parts: dict[str, list[str]] = Field(default_factory=dict)
    """Where the raw lines are: file name to the ConfigMaps that hold its pieces, in order."""


class ObjectRecord(ApiModel):
    """A line of ``objects.jsonl``: one object and operation.

    Times are seconds on the load Job's monotonic clock since the start of the run; ``null``
    where that point was never reached.
    """

    test: str
    iteration: int
    warmup: bool
    operation: Literal["create-rgd", "create-instance", "delete-instance"]
    kind: str
    namespace: str | None = None
    name: str
    intended_seconds: float | None = None
    """Open loop: when the request was to be sent."""
    sent_seconds: float
    acknowledged_seconds: float | None = None
    picked_up_seconds: float | None = None
    """RGD only: kro's finalizer was seen."""
    accepted_seconds: float | None = None
    """RGD only: GraphAccepted=True was seen."""
    compiled_seconds: float | None = None
    """RGD only: Ready=True of its GraphRevision was seen."""
    established_seconds: float | None = None
    """RGD only: Established=True of its CRD was seen."""
    active_seconds: float | None = None
    """Instance: status.state=ACTIVE was seen. RGD: status.state=Active."""
    ready_seconds: float | None = None
    """Ready=True with the current observedGeneration was seen."""
    gone_seconds: float | None = None
    """Deletion only: the object was gone."""
    retries: int = 0
    throttled: int = 0
    """Answers with 429."""
    server_errors: int = 0
    """Answers with 5xx."""
    error: str | None = None

    @property
    def start_seconds(self) -> float:
        """The moment from which latencies count.

        In an open loop that is the intended time: a request that was held up by those before
        it has waited since then, whoever kept it waiting.
        """
        return self.sent_seconds if self.intended_seconds is None else self.intended_seconds


class Sample(ApiModel):
    """A line of ``series.jsonl``: one value of one metric at one moment."""

    seconds: float
    """When it was scraped, on the load Job's monotonic clock since the start of the run."""
    source: Literal["kro", "apiserver", "kubelet"]
    metric: str
    value: float
    at: float | None = None
    """The source's own timestamp (seconds since the epoch), where it gives one."""
