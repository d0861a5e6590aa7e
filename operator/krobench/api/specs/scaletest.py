"""``KroScaleTest``: how far kro scales, and what limits it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from krobench.api.common import (
    ApiModel,
    Duration,
    FieldError,
    Namespace,
    Percentage,
    duration_seconds,
)
from krobench.api.specs.benchmark import Cleanup, Results
from krobench.api.specs.collect import Collect
from krobench.api.specs.kro import Target
from krobench.api.specs.load import Arrival, Load
from krobench.api.specs.results import ValiditySettings
from krobench.api.specs.suite import Concurrency, ThresholdExpression, Timeout, Warmup
from krobench.api.specs.workload import MAX_INSTANCES, Workload


class Axis(StrEnum):
    """What grows from step to step."""

    INSTANCES = "instances"
    RGDS = "rgds"
    RESOURCES_PER_RGD = "resourcesPerRGD"
    DEPENDENCY_DEPTH = "dependencyDepth"
    CEL_EXPRESSIONS = "celExpressions"
    COLLECTION_SIZE = "collectionSize"
    ARRIVAL_RATE = "arrivalRate"
    CONCURRENCY = "concurrency"

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
        """What is counted, for readers, such as ``instances/s``."""
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
}


MAX_SIZES = 32
"""Most sizes of one scale test, including those that the search adds."""
MAX_ITERATIONS = 20
"""Most iterations of a size."""
STEADY_SECONDS = 20.0
"""Least time over which it is judged whether kro is steady."""
STEADY_INTERVALS = 6
"""Least number of ``collect.interval`` over which it is."""

_DEFAULT_EMPTY: JsonDict = {"default": {}}

_RANGE_RULE: JsonDict = {
    "rule": "has(self.values) ? !(has(self.from) || has(self.to)) : "
    "(has(self.from) && has(self.to) && self.from < self.to)",
    "message": "set either values, or from and a larger to",
}
_SOAK_RULE = {
    "rule": "duration(self) <= duration('1h')",
    "message": "soak must not be longer than 1h",
}
_BUDGET_RULE = {
    "rule": "duration(self) >= duration('1m') && duration(self) <= duration('24h')",
    "message": "duration must be between 1m and 24h",
}

Size = Annotated[float, Field(ge=0.01, le=100_000)]


class SoakUntil(StrEnum):
    """What ends the soak of a size."""

    TIME = "Time"
    STEADY = "Steady"


class ScaleSizes(ApiModel):
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
    """How a size follows from the one before: multiplied by factor, or with increment added."""
    factor: Annotated[float, Field(gt=1, le=100)] = 2.0
    """Of geometric growth."""
    increment: Size | None = None
    """Of linear growth; a tenth of the way when absent."""
    values: Annotated[list[Size], Field(min_length=1, max_length=MAX_SIZES)] | None = None
    """The sizes themselves, instead of from and to."""
    soak: Annotated[
        Duration, Field(json_schema_extra={"x-kubernetes-validations": [_SOAK_RULE]})
    ] = "0s"
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

    @property
    def soak_seconds(self) -> float:
        """``soak`` in seconds."""
        return duration_seconds(self.soak)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.values is not None:
            if self.from_ is not None or self.to is not None:
                raise ValueError(_RANGE_RULE["message"])
            if sorted(set(self.values)) != self.values:
                raise ValueError("values must be ascending, each once")
        elif self.from_ is None or self.to is None or self.from_ >= self.to:
            raise ValueError(_RANGE_RULE["message"])
        if self.soak_seconds > 3600:
            raise ValueError(_SOAK_RULE["message"])
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {"x-kubernetes-validations": [_RANGE_RULE]}
    }


class Search(ApiModel):
    """How exactly the limit is looked for."""

    refine: bool = True
    """Whether to bisect between the last good and the first bad step."""
    resolution: Percentage = "5%"
    """The bisection ends when the two are closer than this, relative to the larger."""
    stop_at_breach: bool = True
    """Whether larger steps are left out after the first bad one."""

    @property
    def resolution_ratio(self) -> float:
        """``resolution`` as a ratio."""
        return float(self.resolution.removesuffix("%")) / 100


class Budget(ApiModel):
    """What a scale test may take; it ends with what it has when it is used up."""

    duration: Annotated[
        Duration, Field(json_schema_extra={"x-kubernetes-validations": [_BUDGET_RULE]})
    ] = "1h"
    """Time for all steps, without the clean-up after the last."""
    max_instances: Annotated[int, Field(ge=1, le=MAX_INSTANCES)] = MAX_INSTANCES
    """Most instances at once; larger steps are left out."""

    @property
    def duration_seconds(self) -> float:
        """``duration`` in seconds."""
        return duration_seconds(self.duration)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 60 <= self.duration_seconds <= 24 * 3600:
            raise ValueError(_BUDGET_RULE["message"])
        return self


_GENERATOR_RULE: JsonDict = {
    "rule": "!(self.axis in ['resourcesPerRGD', 'dependencyDepth', 'celExpressions', "
    "'collectionSize']) || has(self.workload.generator)",
    "message": "this axis is a setting of workload.generator, which must be set",
}
_ARRIVAL_RULE: JsonDict = {
    "rule": "self.axis != 'arrivalRate' || self.load.arrival in ['constant', 'poisson']",
    "message": "axis arrivalRate needs load.arrival constant or poisson",
}
_CLOSED_RULE: JsonDict = {
    "rule": "self.axis != 'concurrency' || self.load.arrival == 'closed'",
    "message": "axis concurrency needs load.arrival closed",
}
_SHARDS_RULE: JsonDict = {
    "rule": "!has(self.load.shards) || self.load.shards == 1",
    "message": "load.shards must be 1 in a scale test",
}
_CEL_RULE: JsonDict = {
    "rule": "!has(self.workload.cel)",
    "message": "workload.cel has no size: use axis celExpressions with workload.generator",
}
_CUMULATIVE_RULE: JsonDict = {
    "rule": "!self.sizes.cumulative || self.axis in ['instances', 'rgds']",
    "message": "sizes.cumulative requires axis instances or rgds: the other axes add no objects",
}
_SHARES_RULE: JsonDict = {
    "rule": "!self.sizes.cumulative || self.axis != 'rgds' || "
    "self.workload.instances % self.workload.rgds == 0",
    "message": "workload.instances must be a multiple of workload.rgds if sizes.cumulative is set "
    "and axis is rgds: RGDs that stay keep their instances",
}
_COUNTS_RULE: JsonDict = {
    "rule": "!self.sizes.cumulative || !self.search.refine || "
    "!(self.axis == 'rgds' || self.load.arrival == 'burst')",
    "message": "search.refine must be false if sizes.cumulative is set with axis rgds or "
    "load.arrival burst: how long these take depends on how many are added, and the search adds "
    "fewer",
}
_INTERVALS = " + ".join(["duration(self.collect.interval)"] * STEADY_INTERVALS)
_STEADY_RULE: JsonDict = {
    "rule": "self.sizes.soakUntil != 'Steady' || (duration(self.sizes.soak) >= "
    f"duration('{STEADY_SECONDS:g}s') && duration(self.sizes.soak) >= {_INTERVALS})",
    "message": "sizes.soak is too short for soakUntil Steady: it must be at least "
    f"{STEADY_SECONDS:g}s and at least {STEADY_INTERVALS} times collect.interval",
}
_RULES: list[JsonDict] = [
    _GENERATOR_RULE,
    _ARRIVAL_RULE,
    _CLOSED_RULE,
    _SHARDS_RULE,
    _CEL_RULE,
    _CUMULATIVE_RULE,
    _SHARES_RULE,
    _COUNTS_RULE,
    _STEADY_RULE,
]


class KroScaleTestSpec(ApiModel):
    """How far to go, along which axis, and what must hold."""

    renamed: ClassVar[Mapping[str, str]] = {"steps": "sizes", "repeats": "iterations"}

    target: Target = Field(default_factory=Target, json_schema_extra=_DEFAULT_EMPTY)
    """The kro to be measured."""
    axis: Axis
    """What grows from step to step. instances and rgds: workload.instances and workload.rgds;
    where rgds grow, each RGD keeps as many instances as workload.instances over workload.rgds
    says. resourcesPerRGD, dependencyDepth, celExpressions and collectionSize: settings of
    workload.generator. arrivalRate: load.rate. concurrency: instances that are under way at
    once."""
    sizes: ScaleSizes
    """The sizes to run along the axis."""
    search: Search = Field(default_factory=Search, json_schema_extra=_DEFAULT_EMPTY)
    """How exactly the limit is looked for."""
    slo: Annotated[list[ThresholdExpression], Field(min_length=1, max_length=16)]
    """CEL expressions over a step's results; a step is good when all are true."""
    minimum: Size | None = None
    """The test has passed when the limit is at least this; when absent, there is no such
    demand, and a test that came to its end has passed."""
    workload: Workload
    """What is created; the axis overrides one of its settings."""
    load: Load = Field(
        default_factory=Load,
        # Written out: an API server checks a default by the rules before it fills in defaults.
        json_schema_extra={"default": {"arrival": "closed"}},
    )
    """When it is created."""
    concurrency: Concurrency = 10
    """Instances that are under way at once in a closed loop."""
    iterations: Annotated[int, Field(ge=1, le=MAX_ITERATIONS)] = 3
    """Iterations of the two sizes that decide the limit; all other sizes are run once."""
    warmup: Warmup = 1
    """Repetitions of the smallest step beforehand whose results are kept apart."""
    timeout: Timeout = "10m"
    """Time for the set-up and run of one repetition; what is unfinished then breaches the SLOs."""
    namespace: Namespace | None = None
    """Namespace of the instances; a namespace of the run's own when absent."""
    budget: Budget = Field(default_factory=Budget, json_schema_extra=_DEFAULT_EMPTY)
    """What it may take in all."""
    verify: bool = False
    """Whether the first recommendation that can be tried is, as a variant of kro: kro's
    Deployment is changed for it and restored; the chart must be installed with
    variants.enabled."""
    collect: Collect = Field(default_factory=Collect, json_schema_extra=_DEFAULT_EMPTY)
    """Sampling of kro and the cluster."""
    results: Results = Field(default_factory=Results, json_schema_extra=_DEFAULT_EMPTY)
    """Storage of the results."""
    validity: ValiditySettings = Field(
        default_factory=ValiditySettings, json_schema_extra=_DEFAULT_EMPTY
    )
    """From where on a step is invalid."""
    cleanup: Cleanup = Cleanup.ALWAYS
    """When the objects of a step are deleted: Always, OnSuccess (a failed step's objects stay
    for inspection), or Never."""

    @property
    def adds_at_once(self) -> bool:
        """Whether sizes are built upon each other by what comes all at once, so that what a size
        takes depends on how much it adds."""
        at_once = self.axis is Axis.RGDS or self.load.arrival is Arrival.BURST
        return self.sizes.cumulative and at_once

    @property
    def steady_window_seconds(self) -> float | None:
        """Time over which kro must have been steady before a soak may end early; None if the soak
        lasts for its whole duration."""
        if self.sizes.soak_until is SoakUntil.TIME:
            return None
        interval = duration_seconds(self.collect.interval)
        return max(STEADY_SECONDS, round(STEADY_INTERVALS * interval, 6))

    @model_validator(mode="after")
    def _check(self) -> Self:
        checks = (
            (self.axis.of_generator and self.workload.generator is None, _GENERATOR_RULE),
            (
                self.axis is Axis.ARRIVAL_RATE
                and self.load.arrival.value not in ("constant", "poisson"),
                _ARRIVAL_RULE,
            ),
            (self.axis is Axis.CONCURRENCY and self.load.arrival.open_loop, _CLOSED_RULE),
            (self.load.shards > 1, _SHARDS_RULE),
            (self.workload.cel is not None, _CEL_RULE),
            (
                self.sizes.cumulative and self.axis not in (Axis.INSTANCES, Axis.RGDS),
                _CUMULATIVE_RULE,
            ),
            (
                self.sizes.cumulative
                and self.axis is Axis.RGDS
                and self.workload.instances % self.workload.rgds != 0,
                _SHARES_RULE,
            ),
            (self.search.refine and self.adds_at_once, _COUNTS_RULE),
        )
        for broken, rule in checks:
            if broken:
                raise ValueError(rule["message"])
        window = self.steady_window_seconds
        if window is not None and self.sizes.soak_seconds < window:
            words = f"{self.sizes.soak} is too short for soakUntil Steady: with collect.interval "
            words += f"{self.collect.interval}, set at least {window:g}s"
            raise FieldError("sizes.soak", words)
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {"x-kubernetes-validations": [*_RULES]}
    }
