"""How kro and the cluster around it are sampled."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from krobench.api.annotations import Between, Keyed, Unique
from krobench.api.common import Duration, SpecModel
from krobench.api.rules import Rule, has, this


class KeyRef(SpecModel):
    """A key of a Secret or ConfigMap in the namespace of the KroBenchmark."""

    name: Annotated[
        str, StringConstraints(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", max_length=253)
    ]
    """Name of the object."""
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
    """Key in its data."""


class PrometheusQuery(SpecModel):
    """A query for an existing Prometheus."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=63)]
    """Name of the results: they become the figures prometheus.NAME.mean and prometheus.NAME.max. If
    the name ends with a unit, such as _bytes or _seconds, reports show it."""
    query: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
    """PromQL. Its result must be a single series."""

    @property
    def metrics(self) -> tuple[str, str]:
        """Names of its mean and its maximum among an iteration's figures."""
        return f"prometheus.{self.name}.mean", f"prometheus.{self.name}.max"


class PrometheusTls(SpecModel):
    """Which certificates to trust for an https URL."""

    insecure_skip_verify: bool = False
    """Trust any certificate."""
    ca_config_map_ref: KeyRef | None = None
    """PEM certificates of the authorities to trust instead of the system's."""

    rules = (
        Rule(
            ~(this.insecure_skip_verify & has(this.ca_config_map_ref)),
            "set insecureSkipVerify or caConfigMapRef, not both",
        ),
    )


class Prometheus(SpecModel):
    """An existing Prometheus, or another server with its HTTP API."""

    url: Annotated[
        str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$", max_length=512)
    ]
    """Base URL, such as http://prometheus.monitoring:9090."""
    bearer_token_secret_ref: KeyRef | None = None
    """Token to send. The load Job can read the Secret only if the chart value
    load.prometheusSecrets lists it."""
    tls: PrometheusTls | None = None
    """Which certificates to trust for an https URL."""
    timeout: Annotated[Duration, Between("1s", "1m")] = "10s"
    """Time limit for the answer to a query."""
    queries: Annotated[list[PrometheusQuery], Field(min_length=1, max_length=32), Keyed()]
    """Queries to run after each run phase, for the time range of that phase."""


class ProfileKind(StrEnum):
    """What ``spec.collect.profiles`` can ask for."""

    CPU = "cpu"
    HEAP = "heap"


class EtcdEndpoint(SpecModel):
    """An etcd to sample."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=512)]
    """Address of its metrics as reachable from the load Job's pod, such as
    http://10.0.0.1:2381/metrics. For https, the cluster's CA must have signed its certificate."""


class Collect(SpecModel):
    """How kro and the cluster around it are sampled."""

    interval: Annotated[Duration, Between("200ms", "5m")] = "5s"
    """Time between two samples. Each sample costs kro some milliseconds of CPU time."""
    etcd: EtcdEndpoint | None = None
    """The etcd to sample. By default that of the control plane, if pods can read its metrics."""
    profiles: Annotated[list[ProfileKind], Field(max_length=2), Unique()] = Field(
        default_factory=list
    )
    """Profiles of kro to take: cpu, heap. Each test gets one additional iteration for them, which
    is not summarised. Requires a kro that was built with the tag pprof."""
    profile_window: Annotated[Duration, Between("1s", "5m")] | None = None
    """How long to profile the CPU, from the start of the run phase. By default as long as the run
    phase took in the measured iterations, at most 2m."""
    prometheus: Prometheus | None = None
    """An existing Prometheus to query after each run phase."""
