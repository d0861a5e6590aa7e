"""Where kro runs, and variants of its configuration that a run compares."""

from typing import Annotated

from pydantic import Field, StringConstraints

from krobench.api.common import Namespace, SpecModel
from krobench.api.refusal import DNS_LABEL_PATTERN

LabelValue = Annotated[str, StringConstraints(max_length=63)]
LabelKey = Annotated[str, StringConstraints(max_length=253)]
Flag = Annotated[
    str, StringConstraints(pattern=r"^--?[a-zA-Z0-9][-.a-zA-Z0-9]*(=.*)?$", max_length=512)
]
EnvName = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$", max_length=128)]
EnvValue = Annotated[str, StringConstraints(max_length=1024)]
ResourceName = Annotated[str, StringConstraints(min_length=1, max_length=63)]
Quantity = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?([eE][0-9]+|[KMGTPE]i?|[numk])?$", max_length=32),
]

Image = Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Target(SpecModel):
    """Where kro runs, and how to find its pods."""

    managed: bool = False
    """Whether the provider of the cluster runs kro elsewhere, so that it has no pod here. Then
    latencies, throughput and the API server are measured; kro's own figures are not available."""
    namespace: Namespace = "kro-system"
    """Namespace of the kro controller. If managed is true, the namespace of the Lease that keeps
    two runs apart, which must exist."""
    match_labels: Annotated[dict[LabelKey, LabelValue], Field(min_length=1, max_length=16)] = Field(
        default_factory=lambda: {"app.kubernetes.io/name": "kro"},
        json_schema_extra={"default": {"app.kubernetes.io/name": "kro"}},
    )
    """Labels of kro's pods."""
    container: Annotated[str, StringConstraints(min_length=1, max_length=63)] = "kro"
    """Name of the controller's container in these pods."""
    metrics_port: Annotated[int, Field(ge=1, le=65535)] = 8078
    """Port of kro's /metrics endpoint."""
    pprof_port: Annotated[int, Field(ge=1, le=65535)] = 6060
    """Port of kro's /debug/pprof endpoints, if kro is built with them."""


class VariantResources(SpecModel):
    """Resources of kro's container. Resources that are not listed stay unchanged."""

    limits: Annotated[dict[ResourceName, Quantity], Field(max_length=16)] = Field(
        default_factory=dict
    )
    """Limits by resource, such as cpu: 500m."""
    requests: Annotated[dict[ResourceName, Quantity], Field(max_length=16)] = Field(
        default_factory=dict
    )
    """Requests by resource."""


class Variant(SpecModel):
    """A configuration of kro. Settings that are not listed stay as in kro's Deployment."""

    name: Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=20)]
    """Name of the variant, unique in the benchmark."""
    args: Annotated[list[Flag], Field(max_length=32)] = Field(default_factory=list)
    """Flags as --name=value or --name. They replace flags of the same name in the Deployment, or
    are added."""
    env: Annotated[dict[EnvName, EnvValue], Field(max_length=32)] = Field(default_factory=dict)
    """Environment variables. They replace variables of the same name in the Deployment, or are
    added."""
    resources: VariantResources | None = None
    """Resources of kro's container."""
    image: Image | None = None
    """Image of kro's container."""
