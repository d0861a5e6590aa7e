"""``KroScaleTest``: how far kro scales, and what limits it."""

from collections.abc import Mapping
from enum import StrEnum
from functools import reduce
from operator import add
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from krobench.api.annotations import Between
from krobench.api.common import DEFAULT_EMPTY, Duration, Namespace, Percentage, SpecModel
from krobench.api.notation import duration_seconds
from krobench.api.refusal import FieldError
from krobench.api.rules import Rule, has, implies, one_of, size, this, time
from krobench.api.specs.collect import Collect
from krobench.api.specs.kro import Target
from krobench.api.specs.load import Arrival, Load
from krobench.api.specs.results import BASELINE_IS_KEPT, BaselineSource, Cleanup, Results
from krobench.api.specs.suite import Concurrency, ThresholdExpression, Timeout, Warmup
from krobench.api.specs.validity import ValiditySettings
from krobench.api.specs.webhook import Webhook
from krobench.api.specs.workload import MAX_INSTANCES, Workload

MAX_SIZES = 32
"""Most sizes of one scale test, including those that the search adds."""
MAX_ITERATIONS = 20
"""Most iterations of a size."""
STEADY_SECONDS = 20.0
"""Shortest time over which steadiness is judged."""
STEADY_INTERVALS = 6
"""Fewest times ``collect.interval`` over which steadiness is judged."""

Size = Annotated[float, Field(ge=0.01, le=100_000)]


class Axis(StrEnum):
    """What grows from size to size."""

    INSTANCES = "instances"
    RGDS = "rgds"
    RESOURCES_PER_RGD = "resourcesPerRGD"
    DEPENDENCY_DEPTH = "dependencyDepth"
    CEL_EXPRESSIONS = "celExpressions"
    COLLECTION_SIZE = "collectionSize"
    ARRIVAL_RATE = "arrivalRate"
    CONCURRENCY = "concurrency"
    CRDS = "crds"

    @property
    def of_generator(self) -> bool:
        """Whether it is a setting of ``workload.generator``."""
        return self in (
            Axis.RESOURCES_PER_RGD,
            Axis.DEPENDENCY_DEPTH,
            Axis.CEL_EXPRESSIONS,
            Axis.COLLECTION_SIZE,
        )

    @property
    def whole(self) -> bool:
        """Whether its sizes are whole numbers."""
        return self is not Axis.ARRIVAL_RATE

    @property
    def unit(self) -> str:
        """What is counted, for display, such as ``instances/s``."""
        return _UNITS[self]


_UNITS = {
    Axis.INSTANCES: "instances",
    Axis.RGDS: "RGDs",
    Axis.RESOURCES_PER_RGD: "resources per RGD",
    Axis.DEPENDENCY_DEPTH: "resources in a chain",
    Axis.CEL_EXPRESSIONS: "CEL expressions",
    Axis.COLLECTION_SIZE: "objects in a collection",
    Axis.ARRIVAL_RATE: "instances/s",
    Axis.CONCURRENCY: "instances at once",
    Axis.CRDS: "CRDs in the ballast",
}


class SoakUntil(StrEnum):
    """What ends the soak of a size."""

    TIME = "Time"
    STEADY = "Steady"


class ScaleSizes(SpecModel):
    """The sizes to run, in ascending order."""

    renamed: ClassVar[Mapping[str, str]] = {
        "hold": "soak",
        "holdUntil": "soakUntil",
        "keep": "cumulative",
    }

    from_: Size | None = Field(default=None, alias="from")
    """Smallest size."""
    to: Size | None = None
    """Largest size."""
    growth: Literal["geometric", "linear"] = "geometric"
    """How each size follows from the one before: geometric multiplies it by factor, linear adds
    increment."""
    factor: Annotated[float, Field(gt=1, le=100)] = 2.0
    """Factor of geometric growth."""
    increment: Size | None = None
    """Increment of linear growth; by default a tenth of the difference between from and to."""
    values: Annotated[list[Size], Field(min_length=1, max_length=MAX_SIZES)] | None = None
    """The sizes themselves, instead of from and to."""
    soak: Annotated[Duration, Between("0s", "1h")] = "0s"
    """How long to keep sampling kro at a size after all of its instances are ready. With soakUntil
    Steady, this is the maximum."""
    soak_until: SoakUntil = SoakUntil.TIME
    """What ends the soak. Time: the soak lasts for the whole duration. Steady: it ends early, as
    soon as kro's memory and CPU use are steady and its queue is empty."""
    cumulative: bool = False
    """Whether each size adds to the objects of the smaller sizes instead of starting from nothing.
    Its figures then cover only what it adds, except memory, which covers everything. A size that
    is run again is rebuilt from nothing through the smaller sizes. Requires axis instances or
    rgds."""

    rules = (
        Rule(
            has(this.values) & ~(has(this.from_) | has(this.to))
            | ~has(this.values) & has(this.from_) & has(this.to) & (this.from_ < this.to),
            "set either values, or from and a larger to",
        ),
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.values is not None and sorted(set(self.values)) != self.values:
            raise FieldError("values", "must be in ascending order, without repetitions")
        return self

    @property
    def soak_seconds(self) -> float:
        return duration_seconds(self.soak)


class Search(SpecModel):
    """How precisely to find the limit."""

    refine: bool = True
    """Whether to bisect between the largest good and the smallest bad size."""
    resolution: Percentage = "5%"
    """The bisection ends when the two sizes are closer than this, relative to the larger one."""
    stop_at_breach: bool = True
    """Whether to skip larger sizes after the first bad one."""

    @property
    def resolution_ratio(self) -> float:
        """``resolution`` as a ratio."""
        return float(self.resolution.removesuffix("%")) / 100


class Budget(SpecModel):
    """Limits of the whole test. When the time is up, the test ends with the results so far."""

    duration: Annotated[Duration, Between("1m", "24h")] = "1h"
    """Time limit for all sizes, without the final cleanup."""
    max_instances: Annotated[int, Field(ge=1, le=MAX_INSTANCES)] = MAX_INSTANCES
    """Maximum number of instances at the same time. Larger sizes are left out."""

    @property
    def duration_seconds(self) -> float:
        return duration_seconds(self.duration)


_STEADY_TIME = reduce(add, [time(this.collect.interval)] * STEADY_INTERVALS)


class KroScaleTestSpec(SpecModel):
    """How far to go along which axis, and which SLOs kro must meet."""

    renamed: ClassVar[Mapping[str, str]] = {"steps": "sizes", "repeats": "iterations"}

    suspend: bool = False
    """Whether the run waits until this is set to false, before it is queued. It can change only
    until the run has started."""
    target: Target = Field(default_factory=Target, json_schema_extra=DEFAULT_EMPTY)
    """The kro to measure."""
    axis: Axis
    """What grows from size to size. instances and rgds: workload.instances and workload.rgds (when
    rgds grow, the number of instances per RGD stays workload.instances / workload.rgds).
    resourcesPerRGD, dependencyDepth, celExpressions and collectionSize: settings of
    workload.generator. arrivalRate: load.rate. concurrency: the number of instances in progress at
    any time. crds: workload.ballast.crds, CRDs that nobody uses."""
    sizes: ScaleSizes
    """The sizes to run along the axis."""
    search: Search = Field(default_factory=Search, json_schema_extra=DEFAULT_EMPTY)
    """How precisely to find the limit."""
    slo: Annotated[list[ThresholdExpression], Field(min_length=1, max_length=16)]
    """CEL expressions over the results of a size. A size is good if all of them are true."""
    minimum: Size | None = None
    """The test passes if the limit is at least this size. By default, a test that completes
    passes."""
    workload: Workload
    """What is created. The axis overrides one of its settings."""
    load: Load = Field(default_factory=Load, json_schema_extra=DEFAULT_EMPTY)
    """When it is created."""
    concurrency: Concurrency = 10
    """Number of instances in progress at any time in a closed loop."""
    iterations: Annotated[int, Field(ge=1, le=MAX_ITERATIONS)] = 3
    """Number of iterations of the two sizes that decide the limit; all other sizes run once."""
    warmup: Warmup = 1
    """Number of iterations of the smallest size before the test whose results are stored but not
    used."""
    timeout: Timeout = "10m"
    """Time limit for the set-up and run of one iteration. An iteration that exceeds it breaches the
    SLOs."""
    namespace: Namespace | None = None
    """Namespace of the instances; by default, the run creates its own."""
    budget: Budget = Field(default_factory=Budget, json_schema_extra=DEFAULT_EMPTY)
    """Limits of the whole test."""
    verify: bool = False
    """Whether to try the first recommendation that can be tried, as a variant of kro: the run
    changes kro's Deployment and restores it at the end. Requires the chart value
    variants.enabled."""
    collect: Collect = Field(default_factory=Collect, json_schema_extra=DEFAULT_EMPTY)
    """How kro and the cluster are sampled."""
    results: Results = Field(default_factory=Results, json_schema_extra=DEFAULT_EMPTY)
    """Where results are stored."""
    validity: ValiditySettings = Field(
        default_factory=ValiditySettings, json_schema_extra=DEFAULT_EMPTY
    )
    """Thresholds beyond which a size is marked invalid."""
    baseline: BaselineSource | None = None
    """What to compare the run with when it ends: the limits, and what was measured at the sizes
    that both have. One run on each side gives no verdict."""
    webhook: Webhook | None = None
    """A URL that gets a CloudEvent when the run has ended."""
    cleanup: Cleanup = Cleanup.ALWAYS
    """When to delete the objects of a size: Always, OnSuccess (objects of a failed size stay for
    inspection) or Never."""

    rules = (
        Rule(
            ~this.workload.keep_rgds,
            "leave it out in a scale test: sizes.cumulative adds instances to the same RGDs",
            field="workload.keepRgds",
        ),
        Rule(
            implies(this.cleanup == "Never", ~has(this.workload.rgd)),
            "set another cleanup with an RGD of your own: the kind of the first size is still "
            "there in the second",
            field="cleanup",
        ),
        Rule(
            implies(
                one_of(
                    this.axis,
                    *(axis.value for axis in Axis if axis.of_generator),
                ),
                has(this.workload.generator),
            ),
            "must be set with this axis, which is a setting of the generator",
            field="workload.generator",
        ),
        Rule(
            implies(this.axis == "arrivalRate", one_of(this.load.arrival, "constant", "poisson")),
            "must be constant or poisson with axis arrivalRate",
            field="load.arrival",
        ),
        Rule(
            implies(this.axis == "concurrency", this.load.arrival == "closed"),
            "must be closed with axis concurrency",
            field="load.arrival",
        ),
        Rule(
            this.load.shards == 1,
            "must be 1 in a scale test",
            field="load.shards",
        ),
        Rule(
            implies(this.target.managed, ~this.verify),
            "cannot be set with target.managed: the provider of the cluster configures its kro",
            field="verify",
        ),
        Rule(
            implies(
                this.target.managed,
                ~(has(this.collect.profiles) & (size(this.collect.profiles) > 0)),
            ),
            "cannot be set with target.managed: only a kro with a pod in the cluster can be "
            "profiled",
            field="collect.profiles",
        ),
        BASELINE_IS_KEPT,
        Rule(
            ~(has(this.baseline) & has(this.baseline.primary) & (size(this.baseline.primary) > 0)),
            "leave it out: a KroScaleTest is compared by its limit",
            field="baseline.primary",
        ),
        Rule(
            ~has(this.workload.cel),
            "has no size to grow: use axis celExpressions with workload.generator",
            field="workload.cel",
        ),
        Rule(
            implies(this.sizes.cumulative, one_of(this.axis, "instances", "rgds")),
            "requires axis instances or rgds: the other axes add no objects",
            field="sizes.cumulative",
        ),
        Rule(
            implies(
                this.sizes.cumulative & (this.axis == "rgds"),
                this.workload.instances % this.workload.rgds == 0,
            ),
            "must be a multiple of workload.rgds if sizes.cumulative is set with axis rgds: RGDs "
            "that stay keep their instances",
            field="workload.instances",
        ),
        Rule(
            implies(
                this.sizes.cumulative & this.search.refine,
                ~((this.axis == "rgds") | (this.load.arrival == "burst")),
            ),
            "must be false if sizes.cumulative is set with axis rgds or load.arrival burst: how "
            "long these take depends on how many are added, and the search adds fewer",
            field="search.refine",
        ),
        Rule(
            implies(
                this.sizes.soak_until == "Steady",
                (time(this.sizes.soak) >= time(f"{STEADY_SECONDS:g}s"))
                & (time(this.sizes.soak) >= _STEADY_TIME),
            ),
            f"is too short for soakUntil Steady: set at least {STEADY_SECONDS:g}s and at least "
            f"{STEADY_INTERVALS} times collect.interval",
            field="sizes.soak",
        ),
    )

    @property
    def adds_at_once(self) -> bool:
        """Whether sizes are cumulative and their objects arrive at the same time, so that what a
        size takes depends on how much it adds."""
        at_once = self.axis is Axis.RGDS or self.load.arrival is Arrival.BURST
        return self.sizes.cumulative and at_once

    @property
    def steady_window_seconds(self) -> float | None:
        """Time that has enough samples to tell whether kro was steady, so that a soak may end
        early; None if the soak lasts for its whole duration."""
        if self.sizes.soak_until is SoakUntil.TIME:
            return None
        return round(STEADY_INTERVALS * duration_seconds(self.collect.interval), 6)
