"""The status of a ``KroBenchmark``, as ``kubectl get`` and ``kubectl wait`` read it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from krobench.api.common import ApiModel, Message, map_keyed_by


class Verdict(StrEnum):
    """Whether kro met the thresholds; an aborted run has no verdict but ``Error``.

    Numbers of an invalid run are not those of the load that was asked for, so it has neither
    passed nor failed.
    """

    PASSED = "Passed"
    FAILED = "Failed"
    INVALID = "Invalid"
    ERROR = "Error"


ShortText = Annotated[str, StringConstraints(max_length=64)]
Name = Annotated[str, StringConstraints(max_length=253)]
Timestamp = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]


class Phase(StrEnum):
    """Where a run stands; the last two are terminal."""

    PENDING = "Pending"
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
    """Conditions in the sense of kstatus, three for ``kubectl wait``, and whether to believe it."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    COMPLETE = "Complete"
    FAILED = "Failed"
    FINISHED = "Finished"
    VALID = "Valid"


class Condition(ApiModel):
    """``metav1.Condition``."""

    type: ShortText
    status: Annotated[str, Field(json_schema_extra={"enum": ["True", "False", "Unknown"]})]
    observed_generation: Annotated[int, Field(ge=0)]
    last_transition_time: Timestamp
    reason: ShortText
    message: Message


class Headline(ApiModel):
    """The numbers that stand for the whole run."""

    p99: ShortText
    """Largest p99 of the tests' instance-ready latencies, for display; or 'not available'."""
    instance_ready_p99_seconds: float | None = None
    """The same as a number; absent when no test has samples enough for a p99."""
    instance_ready_p50_seconds: float | None = None
    """Largest median of the tests' instance-ready latencies."""
    instances_ready: Annotated[int, Field(ge=0)] = 0
    """Instances that became ready in measured iterations."""
    instances_failed: Annotated[int, Field(ge=0)] = 0
    """Instances that did not, in measured iterations."""


class TestStatus(ApiModel):
    """One line a test."""

    __test__ = False  # pytest would collect a class of this name

    name: ShortText
    phase: ShortText
    """Pending, Running, Succeeded, Failed or Skipped."""
    iterations: ShortText
    """Measured iterations done, of those asked for, such as 2/3."""
    precision: ShortText | None = None
    """Half the 95% interval of the median time until ready, over the iterations' own."""
    verdict: ShortText | None = None
    instances: Annotated[int, Field(ge=0)] | None = None
    instance_ready_p50_seconds: float | None = None
    instance_ready_p99_seconds: float | None = None
    rgd_ready_p50_seconds: float | None = None
    instances_per_second: float | None = None
    kro_cpu_seconds: float | None = None
    kro_memory_max_bytes: Annotated[int, Field(json_schema_extra={"format": "int64"})] | None = None
    kro_api_requests: float | None = None
    cel: Message | None = None
    """Of a test of expressions: what they cost, in a line."""
    message: Message | None = None


class VariantStatus(ApiModel):
    """One line a variant but the first, which the others are compared with."""

    name: ShortText
    verdict: ShortText
    """Better, Worse, Same or Inconclusive; or NotCompared."""
    message: Message


class ObjectRef(ApiModel):
    """A reference to an object."""

    kind: ShortText
    namespace: Name
    name: Name


class ComparisonStatus(ApiModel):
    """What became of the comparison with spec.baseline."""

    verdict: ShortText
    """Better, Worse, Same or Inconclusive; NotCompared where it was refused."""
    message: Message


class RunStatus(ApiModel):
    """What is known of a run, whatever it measures."""

    phase: Annotated[Phase | None, Field(description="Where the run stands.")] = None
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    start_time: Timestamp | None = None
    completion_time: Timestamp | None = None
    progress: ShortText | None = None
    """Iterations done, warm-up included, of those to be done, such as 5/8."""
    verdict: Annotated[Verdict | None, Field(description="Whether thresholds were met.")] = None
    message: Message | None = None
    orphans: Annotated[int, Field(ge=0)] | None = None
    """Objects of the run that were left after its clean-up; absent where they were not counted."""
    warnings: Annotated[list[Message], Field(max_length=32)] = Field(default_factory=list)
    conditions: Annotated[
        list[Condition],
        Field(
            max_length=16,
            json_schema_extra=map_keyed_by("type"),
        ),
    ] = Field(default_factory=list)
    results_ref: ObjectRef | None = None
    job_ref: ObjectRef | None = None


class KroBenchmarkStatus(RunStatus):
    """What is known of a run of a ``KroBenchmark``."""

    tests_succeeded: ShortText | None = None
    """Tests that succeeded, of all, such as 2/2."""
    headline: Headline | None = None
    comparison: ComparisonStatus | None = None
    """With what spec.baseline names."""
    tests: Annotated[
        list[TestStatus],
        Field(
            max_length=32,
            json_schema_extra=map_keyed_by("name"),
        ),
    ] = Field(default_factory=list)
    variants: Annotated[
        list[VariantStatus],
        Field(
            max_length=8,
            json_schema_extra=map_keyed_by("name"),
        ),
    ] = Field(default_factory=list)
    """What became of each variant but the first."""


class SizeStatus(ApiModel):
    """One line a size that was tried, in the order of the sizes."""

    size: float
    verdict: ShortText
    """Running, Met, Breached, Invalid or Failed."""
    iterations: ShortText
    """Iterations that met all SLOs, of those done, such as 2/3."""
    instance_ready_p50_seconds: float | None = None
    instance_ready_p99_seconds: float | None = None
    instances_per_second: float | None = None
    kro_cpu_cores: float | None = None
    """Mean over the run phase."""
    kro_memory_max_bytes: Annotated[int, Field(json_schema_extra={"format": "int64"})] | None = None
    api_requests_per_second: float | None = None
    """Of kro, over the run phase."""
    bottleneck: ShortText | None = None
    """Kind of the first bottleneck."""
    message: Message | None = None
    """Which SLO was breached and by how much, or why the step could not be measured."""


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
    """What is known of a run of a ``KroScaleTest``."""

    size: ShortText | None = None
    """Sizes done, of those known so far, and the size that is running, such as '3/7 (200)'."""
    limit: LimitStatus | None = None
    bottleneck: ShortText | None = None
    """Kind of the first bottleneck of the step at which the SLOs were breached, or of the
    largest."""
    next_to_try: Message | None = None
    """What would help most, or tell more."""
    sizes: Annotated[
        list[SizeStatus],
        Field(max_length=32, json_schema_extra=map_keyed_by("size")),
    ] = Field(default_factory=list)
    recommendations: Annotated[list[Message], Field(max_length=16)] = Field(default_factory=list)
    """What to change, first things first, each in a sentence."""
