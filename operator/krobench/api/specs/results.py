"""How results are stored, judged valid and compared."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from krobench.api.common import ApiModel, ConfigMapName, Percentage


class Cause(StrEnum):
    """Why a run is invalid. ``docs/explanation/validity.md`` says what to do about each."""

    SHARD_LOST = "ShardLost"
    GENERATOR_LATE = "GeneratorLate"
    KRO_RECONFIGURED = "KroReconfigured"
    KRO_OOM_KILLED = "KroOOMKilled"
    KRO_RESTARTED = "KroRestarted"
    KRO_LEADER_CHANGED = "KroLeaderChanged"
    COUNTERS_WENT_BACKWARDS = "CountersWentBackwards"
    SAMPLES_MISSING = "SamplesMissing"
    API_SERVER_BUSY = "APIServerBusy"
    NODE_BUSY = "NodeBusy"
    CLOCK_JUMPED = "ClockJumped"
    LEFTOVER_OBJECTS = "LeftoverObjects"
    NO_STEADY_STATE = "NoSteadyState"
    TOO_FEW_SAMPLES = "TooFewSamples"


class ValiditySettings(ApiModel):
    """From where on a run is invalid, where that depends on the cluster."""

    ignore: Annotated[
        list[Cause],
        Field(max_length=len(Cause), json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(default_factory=list)
    """Causes that are known and accepted: they become warnings, and leave the run valid."""
    max_foreign_requests_per_second: Annotated[float, Field(ge=1, le=100_000)] | None = None
    """Requests to the API server that are neither kro's nor krobench's. When absent, as many as
    100, or as all of kro's and krobench's, or twice what this API server has answered on average
    since it started, whatever is most."""
    max_foreign_cpu: Percentage = "25%"
    """CPU that other pods take on kro's node, as a share of the node's; pods in kube-system and
    krobench's own do not count."""

    @property
    def max_foreign_cpu_ratio(self) -> float:
        """``max_foreign_cpu`` as a ratio."""
        return float(self.max_foreign_cpu.removesuffix("%")) / 100


MAX_KEPT_RUNS = 100

PrimaryMetric = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_.]+(:(Lower|Higher))?$", max_length=128)
]
RETENTION_RULE: JsonDict = {
    "rule": "!has(self.baseline) || !has(self.baseline.previousRuns) "
    "|| (has(self.results.retention) "
    "&& self.results.retention.runs >= self.baseline.previousRuns)",
    "message": "baseline.previousRuns needs results.retention.runs of at least as many: "
    "results that are not kept cannot be compared with",
}
_SOURCE_RULE: JsonDict = {
    "rule": "has(self.configMapRef) != has(self.previousRuns)",
    "message": "set exactly one of configMapRef and previousRuns",
}


class DifferenceKind(StrEnum):
    """In what runs may differ, so that a comparison of them would mislead."""

    WORKLOAD = "Workload"
    KRO_VERSION = "KroVersion"
    KRO_FLAGS = "KroFlags"
    KRO_ENV = "KroEnv"
    KRO_RESOURCES = "KroResources"
    KUBERNETES = "Kubernetes"
    NODES = "Nodes"
    KROBENCH = "Krobench"


class Retention(ApiModel):
    """How long results outlive the KroBenchmark."""

    runs: Annotated[int, Field(ge=1, le=MAX_KEPT_RUNS)]
    """Number of completed runs of KroBenchmarks of this name whose results are kept, each in a
    ConfigMap <name>-run-<id>; the oldest beyond are deleted."""


class BaselineRef(ApiModel):
    """A ConfigMap in the namespace of the KroBenchmark."""

    name: ConfigMapName
    """Name of the ConfigMap."""
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)] | None = (
        None
    )
    """Key in its data; baseline.json, else run.json when absent."""


class BaselineSource(ApiModel):
    """What a run is compared with when it ends."""

    config_map_ref: BaselineRef | None = None
    """A baseline that krobench baseline export wrote, or the results of a run."""
    previous_runs: Annotated[int, Field(ge=1, le=MAX_KEPT_RUNS)] | None = None
    """The last runs of KroBenchmarks of this name whose results are kept."""
    allow_different: Annotated[list[DifferenceKind], Field(max_length=8)] = Field(
        default_factory=list
    )
    """In what the runs may differ; in anything else that matters, they are not compared."""
    minimum_effect: Percentage = "5%"
    """A change of less is none."""
    primary: Annotated[list[PrimaryMetric], Field(max_length=16)] = Field(default_factory=list)
    """Metrics with a verdict, named as in thresholds, with :Lower or :Higher for what is better;
    when empty, latency, throughput, and kro's CPU, memory and requests."""
    fail_when_worse: bool = False
    """Whether the run fails when a primary metric is worse."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.config_map_ref is None) == (self.previous_runs is None):
            raise ValueError(_SOURCE_RULE["message"])
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {"x-kubernetes-validations": [_SOURCE_RULE]}
    }
