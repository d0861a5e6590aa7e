"""How kro and the cluster around it are sampled."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from krobench.api.common import ApiModel, Duration, duration_seconds

_TIMEOUT_RULE = {
    "rule": "duration(self) >= duration('1s') && duration(self) <= duration('1m')",
    "message": "timeout must be between 1s and 1m",
}
_TLS_RULE: JsonDict = {
    "rule": "!(has(self.insecureSkipVerify) && self.insecureSkipVerify "
    "&& has(self.caConfigMapRef))",
    "message": "set insecureSkipVerify or caConfigMapRef, not both",
}


class KeyRef(ApiModel):
    """A key of a Secret or ConfigMap in the namespace of the KroBenchmark."""

    name: Annotated[
        str, StringConstraints(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", max_length=253)
    ]
    """Name of the object."""
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
    """Key in its data."""


class PrometheusQuery(ApiModel):
    """What to ask for."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=63)]
    """Its results are the metrics prometheus_mean_NAME and prometheus_max_NAME; a name that ends
    with its unit, as _bytes or _seconds, is shown with it."""
    query: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
    """In PromQL; it has to come to one series."""

    @property
    def metrics(self) -> tuple[str, str]:
        """Return the names of its mean and of its maximum among an iteration's metrics."""
        return f"prometheus_mean_{self.name}", f"prometheus_max_{self.name}"


class PrometheusTls(ApiModel):
    """How an https URL is trusted."""

    insecure_skip_verify: bool = False
    """Trust any certificate."""
    ca_config_map_ref: KeyRef | None = None
    """Certificates, in PEM, of the authorities to trust instead of the system's."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.insecure_skip_verify and self.ca_config_map_ref is not None:
            raise ValueError(_TLS_RULE["message"])
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {"x-kubernetes-validations": [_TLS_RULE]}
    }


class Prometheus(ApiModel):
    """A Prometheus that runs already, or whatever speaks its HTTP API."""

    url: Annotated[
        str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$", max_length=512)
    ]
    """Its base URL, as http://prometheus.monitoring:9090."""
    bearer_token_secret_ref: KeyRef | None = None
    """Token to send. The load Job may read the Secret only where the chart's value
    load.prometheusSecrets names it."""
    tls: PrometheusTls | None = None
    """How an https URL is trusted."""
    timeout: Annotated[
        Duration, Field(json_schema_extra={"x-kubernetes-validations": [_TIMEOUT_RULE]})
    ] = "10s"
    """Time for the answer to a query."""
    queries: Annotated[
        list[PrometheusQuery],
        Field(
            min_length=1,
            max_length=32,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ]
    """What to ask for after each run phase, for the time of that phase."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 1 <= duration_seconds(self.timeout) <= 60:
            raise ValueError(_TIMEOUT_RULE["message"])
        names = [query.name for query in self.queries]
        if len(set(names)) < len(names):
            raise ValueError("queries must not have a name twice")
        return self


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
