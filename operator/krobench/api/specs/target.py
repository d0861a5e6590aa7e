"""Where kro runs."""

from typing import Annotated

from pydantic import Field, StringConstraints

from krobench.api.common import ApiModel, Namespace

LabelValue = Annotated[str, StringConstraints(max_length=63)]


LabelKey = Annotated[str, StringConstraints(max_length=253)]


class Target(ApiModel):
    """Where kro runs and how its pods are told apart."""

    namespace: Namespace = "kro-system"
    """Namespace of the kro controller."""
    match_labels: Annotated[dict[LabelKey, LabelValue], Field(min_length=1, max_length=16)] = Field(
        default_factory=lambda: {"app.kubernetes.io/name": "kro"},
        json_schema_extra={"default": {"app.kubernetes.io/name": "kro"}},
    )
    """Labels that kro's pods carry."""
    container: Annotated[str, StringConstraints(min_length=1, max_length=63)] = "kro"
    """Name of the controller's container in these pods."""
    metrics_port: Annotated[int, Field(ge=1, le=65535)] = 8078
    """Port of kro's /metrics endpoint."""
    pprof_port: Annotated[int, Field(ge=1, le=65535)] = 6060
    """Port of kro's /debug/pprof endpoints, in a kro that has them."""
