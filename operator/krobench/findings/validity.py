"""Whether what was measured may be believed, and what makes it doubtful.

A cause is a :class:`InvalidCause`. Its ``reason`` is one of the reasons that users see and may
ignore; its ``code`` distinguishes the ways in which the same reason comes about.
"""

from typing import Annotated, Literal, Self

from pydantic import Field

from krobench.api.common import ApiModel
from krobench.api.specs.validity import Cause
from krobench.figures.precision import Outrun
from krobench.figures.reasons.figures import AnyReason
from krobench.findings.finding import Finding, Quoted


class InvalidCause(Finding):
    """Something that makes a run's numbers doubtful, and where in the run it was found.

    Moments are seconds since the run began.
    """

    reason: Cause
    test: str | None = None
    iteration: int | None = None
    """Counted from 1."""
    phase: int | None = None
    """Counted from 1; None if the test's load has only one."""


class SendLagTooLong(InvalidCause):
    """The generator sent requests later than the load allows."""

    code: Literal["SendLagTooLong"] = "SendLagTooLong"
    reason: Cause = Cause.GENERATOR_LATE
    p99_seconds: float
    allowed_seconds: float


class RequestsNotSent(InvalidCause):
    """The generator did not send all requests that were due."""

    code: Literal["RequestsNotSent"] = "RequestsNotSent"
    reason: Cause = Cause.GENERATOR_LATE
    sent: int
    due: int


class RateNotReached(InvalidCause):
    """The generator sent at a lower rate than the load asks for."""

    code: Literal["RateNotReached"] = "RateNotReached"
    reason: Cause = Cause.GENERATOR_LATE
    achieved_per_second: float
    requested_per_second: float
    least_ratio: float
    """The least share of the requested rate that is accepted."""


class ResourcesReadyLate(InvalidCause):
    """The simulator made cloud resources ready later than it should have."""

    code: Literal["ResourcesReadyLate"] = "ResourcesReadyLate"
    reason: Cause = Cause.GENERATOR_LATE
    p99_seconds: float
    allowed_seconds: float


class ResourcesNotReady(InvalidCause):
    """The simulator could not make cloud resources ready."""

    code: Literal["ResourcesNotReady"] = "ResourcesNotReady"
    reason: Cause = Cause.GENERATOR_LATE
    failed: int
    error: str
    """Of the last request that failed."""


class ShardLost(InvalidCause):
    """A pod of a sharded load ended before it delivered its results."""

    code: Literal["ShardLost"] = "ShardLost"
    reason: Cause = Cause.SHARD_LOST
    shard: int
    shards: int
    error: str
    """How it was lost, as the coordinator observed it."""


class ContainerRestarted(InvalidCause):
    """kro's container ended and was started again; the reason says whether it was OOM-killed."""

    code: Literal["ContainerRestarted"] = "ContainerRestarted"
    reason: Cause = Cause.KRO_RESTARTED
    pod: str
    last_end: str | None
    """As Kubernetes reports it, such as 'Error, exit code 2'."""
    at_seconds: float
    """When the restart was first seen."""
    restarts_before: int
    restarts_after: int
    memory_limit: str | None
    """A Kubernetes quantity; None without a limit."""


class PodReplaced(InvalidCause):
    """A pod of kro was deleted."""

    code: Literal["PodReplaced"] = "PodReplaced"
    reason: Cause = Cause.KRO_RESTARTED
    pod: str
    at_seconds: float
    successors: list[str]
    """Pods that are there instead; empty if there was none yet."""


class LeaderChanged(InvalidCause):
    """Another process of kro became the leader."""

    code: Literal["LeaderChanged"] = "LeaderChanged"
    reason: Cause = Cause.KRO_LEADER_CHANGED
    before: str | None
    after: str | None
    at_seconds: float


class SettingChange(ApiModel):
    """How a setting of kro changed."""

    name: str
    """A field of ``KroFingerprint``."""
    before: list[str]
    """The value; of a list or a mapping, the entries that are no longer there."""
    after: list[str]


class KroReconfigured(InvalidCause):
    """kro's configuration is different from the one that the run began with."""

    code: Literal["KroReconfigured"] = "KroReconfigured"
    reason: Cause = Cause.KRO_RECONFIGURED
    at_seconds: float
    changes: list[SettingChange]


class CounterFell(InvalidCause):
    """A counter of kro fell, as it does only if the process was restarted."""

    code: Literal["CounterFell"] = "CounterFell"
    reason: Cause = Cause.COUNTERS_WENT_BACKWARDS
    metric: str
    before: float
    after: float
    before_seconds: float
    after_seconds: float
    more: int
    """How many other counters fell."""


class APIServerRestarted(InvalidCause):
    """The API server was restarted, and all of its counters with it."""

    code: Literal["APIServerRestarted"] = "APIServerRestarted"
    reason: Cause = Cause.COUNTERS_WENT_BACKWARDS
    at_seconds: float


class SamplesMissing(InvalidCause):
    """A source delivered too few of the samples that were due."""

    code: Literal["SamplesMissing"] = "SamplesMissing"
    reason: Cause = Cause.SAMPLES_MISSING
    source: str
    taken: int
    due: int
    seconds: float
    least_ratio: float


class APIServerBusy(InvalidCause):
    """Other clients sent many requests to the API server."""

    code: Literal["APIServerBusy"] = "APIServerBusy"
    reason: Cause = Cause.API_SERVER_BUSY
    foreign_per_second: float
    own_per_second: float
    """Of kro and krobench together."""
    allowed_per_second: float


class NodeBusy(InvalidCause):
    """Other pods used much of the CPU of kro's node."""

    code: Literal["NodeBusy"] = "NodeBusy"
    reason: Cause = Cause.NODE_BUSY
    node: str
    used_cores: float
    cores: float
    allowed_ratio: float


class ClockJumped(InvalidCause):
    """The wall clock was set, or the machine was suspended."""

    code: Literal["ClockJumped"] = "ClockJumped"
    reason: Cause = Cause.CLOCK_JUMPED
    jump_seconds: float
    """Against the monotonic clock."""
    before_seconds: float
    after_seconds: float


class LeftoverObjects(InvalidCause):
    """Objects of earlier runs existed when this one began."""

    code: Literal["LeftoverObjects"] = "LeftoverObjects"
    reason: Cause = Cause.LEFTOVER_OBJECTS
    count: int
    first: str
    runs: list[str]
    """Ids of the runs that created them."""


class NotSteady(InvalidCause):
    """Times until ready kept changing."""

    code: Literal["NotSteady"] = "NotSteady"
    reason: Cause = Cause.NO_STEADY_STATE
    of: Literal["iterations", "instances"]
    observations: int
    halves_ratio: float
    """Median of the second half over that of the first."""


class LoadOutrunsKro(InvalidCause):
    """Instances became ready at less than half the rate at which they were due."""

    code: Literal["LoadOutrunsKro"] = "LoadOutrunsKro"
    reason: Cause = Cause.NO_STEADY_STATE
    observations: int
    outrun: Outrun


class TooFewSamples(InvalidCause):
    """A threshold uses a percentile that needs more observations than there are."""

    code: Literal["TooFewSamples"] = "TooFewSamples"
    reason: Cause = Cause.TOO_FEW_SAMPLES
    figure: str
    needed: int
    observations: int


class SizeNotJudged(InvalidCause):
    """Whether kro met the SLOs at a size that decides the limit is unknown."""

    code: Literal["SizeNotJudged"] = "SizeNotJudged"
    reason: Cause = Cause.SAMPLES_MISSING
    missing: dict[str, AnyReason | None] = Field(default_factory=dict)
    """Metrics that are not available, or SLOs that could not be evaluated, and why."""
    budget: str | None = None
    """The ``spec.budget.duration`` that ended its last iteration."""


class QuotedCause(InvalidCause, Quoted):
    """A cause that was stored as text."""

    code: Literal["Quoted"] = "Quoted"


AnyCause = Annotated[
    SendLagTooLong
    | RequestsNotSent
    | RateNotReached
    | ResourcesReadyLate
    | ResourcesNotReady
    | ShardLost
    | ContainerRestarted
    | PodReplaced
    | LeaderChanged
    | KroReconfigured
    | CounterFell
    | APIServerRestarted
    | SamplesMissing
    | APIServerBusy
    | NodeBusy
    | ClockJumped
    | LeftoverObjects
    | NotSteady
    | LoadOutrunsKro
    | TooFewSamples
    | SizeNotJudged
    | QuotedCause,
    Field(discriminator="code"),
]


class Validity(ApiModel):
    """Whether what was measured is what was asked for."""

    valid: bool = True
    causes: list[AnyCause] = Field(default_factory=list)
    """Why not."""

    @classmethod
    def of(cls, causes: list[AnyCause]) -> Self:
        """Return what follows from these causes: valid if there are none."""
        return cls(valid=not causes, causes=causes)

    def has(self, *wanted: Cause) -> bool:
        """Whether one of these is among the causes."""
        return any(cause.reason in wanted for cause in self.causes)

    def by_reason(self) -> dict[Cause, list[AnyCause]]:
        """Return all causes by reason, in the order of their first appearance."""
        grouped: dict[Cause, list[AnyCause]] = {}
        for cause in self.causes:
            grouped.setdefault(cause.reason, []).append(cause)
        return grouped
