"""What kro needs for a wanted scale, from what runs measured at smaller ones."""

from typing import Annotated, Literal

from pydantic import Field

from krobench.api.common import ApiModel
from krobench.findings.finding import Finding
from krobench.findings.growth import SizeAxis
from krobench.findings.recommendation import Setting


class MemoryGrowth(Finding):
    """kro's memory grew with the number of instances or RGDs."""

    code: Literal["MemoryGrowth"] = "MemoryGrowth"
    axis: SizeAxis
    sizes: list[float]
    """Those that were measured, ascending."""
    model: Literal["linear", "power"]
    rate: float
    """linear: bytes for one more; power: the exponent."""
    low: float | None = None
    """Lower end of the rate's 95 % interval."""
    high: float | None = None


class CpuPerInstance(Finding):
    """CPU time that kro took for an instance."""

    code: Literal["CpuPerInstance"] = "CpuPerInstance"
    seconds: float
    """At the largest size."""
    low: float
    """Least and most over all sizes."""
    high: float


class WorkerPerInstance(Finding):
    """Time that an instance took of a worker."""

    code: Literal["WorkerPerInstance"] = "WorkerPerInstance"
    seconds: float
    busy: float
    """Share of the time for which workers are planned to be busy."""


AnyBasis = Annotated[MemoryGrowth | CpuPerInstance | WorkerPerInstance, Field(discriminator="code")]


class SizedFigure(ApiModel):
    """A figure at the wanted scale."""

    figure: Literal["memory", "cpu", "workers"]
    unit: Literal["bytes", "cores", "number"]
    value: float
    low: float | None = None
    """Lower end of its interval; None if there are too few iterations for one."""
    high: float | None = None
    from_: list[AnyBasis] = Field(alias="from")
    """What it was computed from."""
    extrapolated: bool
    """Whether the scale is beyond what was measured."""


class ScaleExtrapolated(Finding):
    """The scale is beyond the largest sizes that were measured."""

    code: Literal["ScaleExtrapolated"] = "ScaleExtrapolated"
    times: float


class MemoryVague(Finding):
    """The upper end of the memory's interval is far above the estimate."""

    code: Literal["MemoryVague"] = "MemoryVague"
    times: float


class MemoryWithoutInterval(Finding):
    """There are too few iterations for an interval of the memory."""

    code: Literal["MemoryWithoutInterval"] = "MemoryWithoutInterval"


class MemoryHeadroom(Finding):
    """The memory limit leaves headroom above the upper end."""

    code: Literal["MemoryHeadroom"] = "MemoryHeadroom"
    ratio: float


class RateUsed(Finding):
    """The rate that CPU and workers are sized for."""

    code: Literal["RateUsed"] = "RateUsed"
    per_second: float
    requested: bool
    """Whether it was asked for; otherwise it is the highest that was measured."""
    busy: float
    """Share of the time for which limits leave processors busy at most."""


class RateExtrapolated(Finding):
    """The rate is above the highest that was measured."""

    code: Literal["RateExtrapolated"] = "RateExtrapolated"
    times: float


class RevisionsNotIncluded(Finding):
    """RGDs that are updated keep compiled revisions in memory, which no creation shows."""

    code: Literal["RevisionsNotIncluded"] = "RevisionsNotIncluded"
    most_bytes: float
    kept: int
    """Revisions of each RGD that kro keeps."""
    bytes_each: float
    setting: str
    """What limits the kept revisions."""


AnySizingNote = Annotated[
    ScaleExtrapolated
    | MemoryVague
    | MemoryWithoutInterval
    | MemoryHeadroom
    | RateUsed
    | RateExtrapolated
    | RevisionsNotIncluded,
    Field(discriminator="code"),
]


class RunNotCompleted(Finding):
    """A run that did not complete shows no sizes."""

    code: Literal["RunNotCompleted"] = "RunNotCompleted"
    run: str
    state: str


class RunInvalid(Finding):
    """The numbers of an invalid run are not used."""

    code: Literal["RunInvalid"] = "RunInvalid"
    run: str
    causes: list[str]


class NoSlope(Finding):
    """A run has no tests that differ only in size."""

    code: Literal["NoSlope"] = "NoSlope"
    run: str
    test: str | None = None
    """The test that they would have to be of."""


class OtherAxis(Finding):
    """A scale test grows along an axis that sizings do not know."""

    code: Literal["OtherAxis"] = "OtherAxis"
    run: str
    axis: str


class TooFewSizes(Finding):
    """A scale test has too few sizes for a curve."""

    code: Literal["TooFewSizes"] = "TooFewSizes"
    run: str
    sizes: int


class SeveralWorkloads(Finding):
    """Several workloads grow along the same axis."""

    code: Literal["SeveralWorkloads"] = "SeveralWorkloads"
    axis: SizeAxis
    tests: list[list[str]]
    """The tests of each."""


class WorkloadsDiffer(Finding):
    """Growth by instances is that of another workload than growth by RGDs."""

    code: Literal["WorkloadsDiffer"] = "WorkloadsDiffer"


class NoThroughput(Finding):
    """No throughput was measured."""

    code: Literal["NoThroughput"] = "NoThroughput"


class OtherInstances(Finding):
    """The record does not show what other numbers of instances take at that many RGDs."""

    code: Literal["OtherInstances"] = "OtherInstances"
    had: float


class OtherRgds(Finding):
    """The record does not show what that many RGDs take."""

    code: Literal["OtherRgds"] = "OtherRgds"
    had: list[int]
    wanted: int


class NoCpuPerInstance(Finding):
    """The records have no CPU time of kro per instance."""

    code: Literal["NoCpuPerInstance"] = "NoCpuPerInstance"


AnySizingRefusal = Annotated[
    RunNotCompleted
    | RunInvalid
    | NoSlope
    | OtherAxis
    | TooFewSizes
    | SeveralWorkloads
    | WorkloadsDiffer
    | NoThroughput
    | OtherInstances
    | OtherRgds
    | NoCpuPerInstance,
    Field(discriminator="code"),
]
"""Why records are not enough for a sizing."""


class Sizing(ApiModel):
    """Requests, limits and flags of a kro for a wanted scale."""

    workload: str
    """The shape that it holds for."""
    kro_version: str | None = None
    rgds: int
    instances: int
    instances_per_second: float
    """That become ready; CPU and workers are sized for it."""
    memory: SizedFigure
    cpu: SizedFigure
    workers: SizedFigure | None = None
    """None if a worker's time for an instance is not available."""
    settings: list[Setting]
    """Requests, limits and flags; ``helmValues`` has the values of kro's chart for them."""
    notes: list[AnySizingNote] = Field(default_factory=list)
    """What to know before using it."""
