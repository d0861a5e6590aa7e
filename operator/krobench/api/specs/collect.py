"""How kro and the cluster around it are sampled."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from krobench.api.common import ApiModel, Duration, duration_seconds
from krobench.api.specs.prometheus import Prometheus


class ProfileKind(StrEnum):
    """What ``spec.collect.profiles`` can ask for."""

    CPU = "cpu"
    HEAP = "heap"


class EtcdEndpoint(ApiModel):
    """An etcd to be sampled."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=512)]
    """Address of its metrics, such as http://10.0.0.1:2381/metrics, as the load Job's pod reaches
    it. By https, the cluster's CA must have signed its certificate."""


_WINDOW_RULE = {
    "rule": "duration(self) >= duration('1s') && duration(self) <= duration('5m')",
    "message": "profileWindow must be between 1s and 5m",
}


class Collect(ApiModel):
    """How kro and the cluster around it are sampled."""

    interval: Annotated[
        Duration,
        Field(
            json_schema_extra={
                "x-kubernetes-validations": [
                    {
                        "rule": "duration(self) >= duration('200ms') "
                        "&& duration(self) <= duration('5m')",
                        "message": "interval must be between 200ms and 5m",
                    }
                ]
            }
        ),
    ] = "5s"
    """Time between two samples; each costs kro some milliseconds of CPU time."""
    etcd: EtcdEndpoint | None = None
    """An etcd to be sampled too."""
    profiles: Annotated[
        list[ProfileKind],
        Field(max_length=2, json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(default_factory=list)
    """Profiles of kro, cpu and heap, taken of each test in one more iteration, which is not
    summarised. kro has to be a build with the tag pprof."""
    profile_window: (
        Annotated[Duration, Field(json_schema_extra={"x-kubernetes-validations": [_WINDOW_RULE]})]
        | None
    ) = None
    """Time over which the CPU is profiled from the beginning of the run phase on; when absent, as
    long as the run phase took in the measured iterations, at most 2m."""
    prometheus: Prometheus | None = None
    """A Prometheus that runs already, asked about each run phase after it."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        window = self.profile_window
        if window is not None and not 1 <= duration_seconds(window) <= 300:
            raise ValueError(_WINDOW_RULE["message"])
        if len(set(self.profiles)) < len(self.profiles):
            raise ValueError("profiles must not name one twice")
        if not 0.2 <= duration_seconds(self.interval) <= 300:
            raise ValueError("interval must be between 200ms and 5m")
        return self
