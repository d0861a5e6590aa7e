"""The status of a run, as ``kubectl get`` and ``kubectl wait`` show it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from krobench.api.annotations import Keyed
from krobench.api.common import ApiModel, Message


class Verdict(StrEnum):
    """Whether kro met the thresholds. A run that was aborted is an ``Error``.

    An invalid run has neither passed nor failed: its numbers may not reflect kro under this load.
    """

    PASSED = "Passed"
    FAILED = "Failed"
    INVALID = "Invalid"
    ERROR = "Error"


ShortText = Annotated[str, StringConstraints(max_length=64)]
Name = Annotated[str, StringConstraints(max_length=253)]
Timestamp = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]


class Phase(StrEnum):
    """Phase of a run; the last two are terminal."""

    PENDING = "Pending"
    SUSPENDED = "Suspended"
    QUEUED = "Queued"
    RUNNING = "Running"
    CLEANING_UP = "CleaningUp"
    COMPLETED = "Completed"
    FAILED = "Failed"

    @property
    def terminal(self) -> bool:
        """Whether the run has ended."""
        return self in (Phase.COMPLETED, Phase.FAILED)


class ConditionType(StrEnum):
    """Conditions: three for kstatus, three for ``kubectl wait``, the run's validity, Stored if
    there is a store for results, and Suspended if the run is or was. A suspended run has no Ready:
    it waits for its user, not for krobench. A schedule has those for kstatus, Suspended, and
    KroWatched if it starts runs when kro changes."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    COMPLETE = "Complete"
    FAILED = "Failed"
    FINISHED = "Finished"
    VALID = "Valid"
    STORED = "Stored"
    SUSPENDED = "Suspended"
    KRO_WATCHED = "KroWatched"


class Condition(ApiModel):
    """``metav1.Condition``."""

    type: ShortText
    status: Annotated[str, Field(json_schema_extra={"enum": ["True", "False", "Unknown"]})]
    observed_generation: Annotated[int, Field(ge=0)]
    last_transition_time: Timestamp
    reason: ShortText
    message: Message


class Headline(ApiModel):
    """The main figures of the run."""

    p99: ShortText
    """Largest p99 of the tests' instance-ready latencies, for display, or 'not available'."""
    instance_ready_p99_seconds: float | None = None
    """The same as a number; absent if no test has enough samples for a p99."""
    instance_ready_p50_seconds: float | None = None
    """Largest median of the tests' instance-ready latencies."""
    instances_ready: Annotated[int, Field(ge=0)] = 0
    """Number of instances that became ready in measured iterations."""
    instances_failed: Annotated[int, Field(ge=0)] = 0
    """Number of instances that did not become ready in measured iterations."""


class TestStatus(ApiModel):
    """Status of a test."""

    __test__ = False  # pytest would collect a class of this name

    name: ShortText
    phase: ShortText
    """Pending, Running, Succeeded, Failed or Skipped."""
    iterations: ShortText
    """Measured iterations done, of those requested, such as 2/3."""
    precision: ShortText | None = None
    """Half the width of the 95% interval of the mean of the iterations' median times until ready,
    relative to the mean."""
    verdict: ShortText | None = None
    instances: Annotated[int, Field(ge=0)] | None = None
    instance_ready_p50_seconds: float | None = None
    instance_ready_p99_seconds: float | None = None
    rgd_ready_p50_seconds: float | None = None
    instances_per_second: float | None = None
    kro_cpu_seconds: float | None = None
    kro_memory_max_bytes: Annotated[int, Field(json_schema_extra={"format": "int64"})] | None = None
    kro_api_requests: float | None = None
    errors: Annotated[int, Field(ge=0)] | None = None
    """Operations that failed or were not done in time, and iterations that failed."""
    bottleneck: ShortText | None = None
    """Kind of the main bottleneck."""
    bottleneck_score: float | None = None
    """About the share of the time that the main bottleneck explains, from 0 to 1."""
    cel: Message | None = None
    """For a test of CEL expressions: a summary of their cost."""
    message: Message | None = None


class ObjectRef(ApiModel):
    """A reference to an object."""

    kind: ShortText
    namespace: Name
    name: Name


class MetricStatus(ApiModel):
    """A primary metric of a test, compared with the baseline or with the first variant."""

    test: ShortText
    metric: Name
    ratio: float
    """New over old."""
    ratio_low: float | None = None
    """Lower end of the ratio's 95% interval; absent if there are too few values for one."""
    ratio_high: float | None = None
    verdict: ShortText | None = None
    """Better, Worse, NoSlowdown, Same or Inconclusive."""


class VariantStatus(ApiModel):
    """Status of a variant, compared with the first one."""

    name: ShortText
    verdict: ShortText
    """Better, Worse, Mixed, NoSlowdown, Same, Inconclusive or NotCompared; while the run goes on,
    of its latest look."""
    message: Message
    metrics: Annotated[list[MetricStatus], Field(max_length=64)] = Field(default_factory=list)
    """The primary metrics that have a ratio, those that are worse first."""


class ComparisonStatus(ApiModel):
    """Result of the comparison with spec.baseline."""

    verdict: ShortText
    """Better, Worse, Same, Inconclusive, or NotCompared if the runs cannot be compared."""
    message: Message
    metrics: Annotated[list[MetricStatus], Field(max_length=64)] = Field(default_factory=list)
    """The primary metrics that have a ratio, those that are worse first."""


class LiveStatus(ApiModel):
    """What the running iteration shows so far: no result, and gone when the run ends."""

    remaining_seconds: float | None = None
    """About how long the run still takes, from what it has measured; absent if unknown."""
    remaining_at_most_seconds: float | None = None
    """Instead of remainingSeconds, if what is measured decides when the run ends: about how long it
    still takes at most. A scale test may miss its SLOs at any size, and spec.decide may end a
    comparison at each look."""
    instances_ready: Annotated[int, Field(ge=0)] = 0
    instances: Annotated[int, Field(ge=0)] = 0
    """How many must become ready in this iteration."""
    instance_ready_p50_seconds: float | None = None
    """Median of those that are ready."""
    instances_per_second: float | None = None
    """Instances that are ready over the time of the load so far."""
    kro_cpu_cores: float | None = None
    """CPU use of kro in the last seconds."""
    kro_memory_bytes: Annotated[int, Field(json_schema_extra={"format": "int64"})] | None = None
    """Resident memory of kro at the last sample."""


class RunStatus(ApiModel):
    """Status of a run of either kind."""

    phase: Annotated[Phase | None, Field(description="Phase of the run.")] = None
    observed_generation: Annotated[int, Field(ge=-1)] | None = None
    """Generation of the spec that this status is about; -1 until the operator has seen it."""
    start_time: Timestamp | None = None
    completion_time: Timestamp | None = None
    progress: ShortText | None = None
    """Iterations done, including warm-up, of those planned, such as 5/8."""
    live: LiveStatus | None = None
    verdict: Annotated[Verdict | None, Field(description="Whether kro met the thresholds.")] = None
    message: Message | None = None
    orphans: Annotated[int, Field(ge=0)] | None = None
    """Number of objects of the run that remained after its cleanup; absent if not counted."""
    warnings: Annotated[list[Message], Field(max_length=32)] = Field(default_factory=list)
    conditions: Annotated[
        list[Condition],
        Field(max_length=16),
        Keyed("type"),
    ] = Field(default_factory=list)
    kro_version: ShortText | None = None
    """Version of the kro that was measured."""
    results_ref: ObjectRef | None = None
    job_ref: ObjectRef | None = None


class KroBenchmarkStatus(RunStatus):
    """Status of a KroBenchmark."""

    tests_succeeded: ShortText | None = None
    """Tests that succeeded, of all tests, such as 2/2."""
    headline: Headline | None = None
    comparison: ComparisonStatus | None = None
    """Result of the comparison with spec.baseline."""
    tests: Annotated[
        list[TestStatus],
        Field(max_length=32),
        Keyed(),
    ] = Field(default_factory=list)
    variants: Annotated[
        list[VariantStatus],
        Field(max_length=8),
        Keyed(),
    ] = Field(default_factory=list)
    """Status of each variant except the first."""


class SizeStatus(ApiModel):
    """Status of a size that was run."""

    size: float
    verdict: ShortText
    """Running, Met, Breached, Invalid or Failed."""
    iterations: ShortText
    """Iterations that met all SLOs, of those done, such as 2/3."""
    instance_ready_p50_seconds: float | None = None
    instance_ready_p99_seconds: float | None = None
    instances_per_second: float | None = None
    kro_cpu_cores: float | None = None
    """Mean CPU use of kro over the run phase, in cores."""
    kro_memory_max_bytes: Annotated[int, Field(json_schema_extra={"format": "int64"})] | None = None
    api_requests_per_second: float | None = None
    """Mean rate of kro's requests to the API server over the run phase."""
    errors: Annotated[int, Field(ge=0)] | None = None
    """Operations that failed or were not done in time, and iterations that failed."""
    bottleneck: ShortText | None = None
    """Kind of the main bottleneck."""
    bottleneck_score: float | None = None
    """About the share of the time that the main bottleneck explains, from 0 to 1."""
    message: Message | None = None
    """Which SLO was breached and by how much, or why the size could not be measured."""


class LimitStatus(ApiModel):
    """The largest size at which kro meets the SLOs."""

    text: ShortText
    """For display, such as '480 instances (452 to 509)', '> 5000 instances' or 'not available'."""
    state: ShortText
    """Found, NotReached, BelowFirst or Undecided."""
    size: float | None = None
    low: float | None = None
    """Lower end of its interval."""
    high: float | None = None


class KroScaleTestStatus(RunStatus):
    """Status of a KroScaleTest."""

    size: ShortText | None = None
    """Sizes done, of those known so far, and the size that is running, such as '3/7 (200)'."""
    limit: LimitStatus | None = None
    comparison: ComparisonStatus | None = None
    """Result of the comparison with spec.baseline, by the limit."""
    bottleneck: ShortText | None = None
    """Kind of the main bottleneck at the smallest size that breached the SLOs or, if none did, at
    the largest size."""
    next_to_try: Message | None = None
    """What to try next to raise the limit, or to measure it better."""
    sizes: Annotated[
        list[SizeStatus],
        Field(max_length=32),
        Keyed("size"),
    ] = Field(default_factory=list)
    recommendations: Annotated[list[Message], Field(max_length=16)] = Field(default_factory=list)
    """What to change, most important first."""


class Trigger(StrEnum):
    """What starts a run of a schedule."""

    SCHEDULE = "Schedule"
    KRO_CHANGE = "KroChange"
    RUN_ONCE = "RunOnce"


class KroState(ApiModel):
    """The settings of kro's Deployment that start a run if they change."""

    version: ShortText | None = None
    image: Message | None = None
    replicas: Annotated[int, Field(ge=0)] = 1
    flags: ShortText = ""
    """Digest of the command and its arguments."""
    environment: ShortText = ""
    """Digest of the environment variables."""
    resources: ShortText = ""
    """Digest of the requests and limits."""


class KroChangeStatus(ApiModel):
    """A change of kro."""

    time: Timestamp
    """When it was seen to be rolled out."""
    changed: Annotated[list[ShortText], Field(max_length=8)] = Field(default_factory=list)
    """What changed: image, replicas, flags, environment or resources."""
    version: ShortText | None = None
    """Version of kro since then."""
    run: Name | None = None
    """Name of the run that it started; absent until then."""


class RunOnceStatus(ApiModel):
    """A request for one more run."""

    value: ShortText
    """The text in spec.runOnce."""
    time: Timestamp
    """When it was seen."""
    run: Name | None = None
    """Name of the run that it started; absent until then."""


class ScheduledRun(ApiModel):
    """A run that the schedule has created."""

    name: Name
    trigger: Annotated[Trigger, Field(description="What started it.")]
    time: Timestamp
    """When it was due."""
    completion_time: Timestamp | None = None
    verdict: ShortText | None = None
    """Passed, Failed, Invalid, Error, or Deleted if it was deleted before it finished."""
    kro_version: ShortText | None = None
    """Version of the kro that was measured."""
    headline: ShortText | None = None
    """Its main figure."""
    comparison: ShortText | None = None
    """Verdict of the comparison with spec.baseline of the template."""
    message: Message | None = None
    """Why it has another verdict than Passed, by the fields of the template."""


class KroBenchmarkScheduleStatus(ApiModel):
    """Status of a KroBenchmarkSchedule."""

    observed_generation: Annotated[int, Field(ge=-1)] | None = None
    """Generation of the spec that this status is about; -1 until the operator has seen it."""
    active: Annotated[list[ObjectRef], Field(max_length=16)] = Field(default_factory=list)
    """Runs that have not finished."""
    last_schedule_time: Timestamp | None = None
    """When the latest run was due."""
    next_schedule_time: Timestamp | None = None
    """When the schedule starts the next run."""
    last_successful_time: Timestamp | None = None
    """When the latest run with verdict Passed finished."""
    verdict: ShortText | None = None
    """Verdict of the latest finished run."""
    kro_version: ShortText | None = None
    """Version of kro in the latest finished run."""
    consecutive_failures: Annotated[int, Field(ge=0)] = 0
    """Number of runs in a row, up to the latest, without the verdict Passed."""
    stopped_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec at which spec.stopAfterFailures stopped the schedule."""
    observed_schedule: Message | None = None
    """The schedule and time zone that handledUntil belongs to."""
    handled_until: Timestamp | None = None
    """Scheduled times up to this one were handled: they started a run, or were missed."""
    kro: KroState | None = None
    """kro as it was last seen rolled out, if spec.onKroChange is set."""
    last_kro_change: KroChangeStatus | None = None
    """The latest change of kro."""
    last_run_once: RunOnceStatus | None = None
    """The latest request by spec.runOnce."""
    runs: Annotated[list[ScheduledRun], Field(max_length=10), Keyed()] = Field(default_factory=list)
    """The latest ten runs, the newest first. They stay when the runs are deleted."""
    message: Message | None = None
    conditions: Annotated[list[Condition], Field(max_length=16), Keyed("type")] = Field(
        default_factory=list
    )
