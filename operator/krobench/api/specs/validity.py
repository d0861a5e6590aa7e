"""What can make a run invalid, and what a user accepts of it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from krobench.api.common import ApiModel, Percentage


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
