"""The causes that make a run invalid, and the settings of them in a spec."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from krobench.api.annotations import Unique
from krobench.api.common import Percentage, SpecModel


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


class ValiditySettings(SpecModel):
    """Thresholds beyond which the run is marked invalid."""

    ignore: Annotated[list[Cause], Field(max_length=len(Cause)), Unique()] = Field(
        default_factory=list
    )
    """Causes that you know and accept. They become warnings and leave the run valid."""
    max_foreign_requests_per_second: Annotated[float, Field(ge=1, le=100_000)] | None = None
    """Maximum rate of requests to the API server that come neither from kro nor from krobench. By
    default the largest of 100, the rate of kro's and krobench's own requests, and twice the average
    rate of this API server since it started."""
    max_foreign_cpu: Percentage = "25%"
    """Maximum CPU use of other pods on kro's node, relative to the node's CPUs. Pods in kube-system
    and krobench's own pods do not count."""

    @property
    def max_foreign_cpu_ratio(self) -> float:
        """``max_foreign_cpu`` as a ratio."""
        return float(self.max_foreign_cpu.removesuffix("%")) / 100
