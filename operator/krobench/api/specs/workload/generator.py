"""``workload.generator``: ResourceGraphDefinitions made to measure, from a seed."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from krobench.api.common import ApiModel

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Complexity(StrEnum):
    """Levels that fill in the numbers of a generator; ``custom`` fills in the least."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"
    CUSTOM = "custom"


class ChildKind(StrEnum):
    """Kinds of children that need no kubelet to be ready."""

    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"  # noqa: S105 - a kind
    SERVICE_ACCOUNT = "ServiceAccount"
    SERVICE = "Service"
    DEPLOYMENT = "Deployment"
    INGRESS = "Ingress"


class Generator(ApiModel):
    """Makes ResourceGraphDefinitions: equal settings give equal ones, byte for byte."""

    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Decides everything that the settings below leave open."""
    complexity: Complexity = Complexity.SIMPLE
    """Level that fills in every field below that is not set; custom fills in the least."""
    resources: Annotated[int, Field(ge=1, le=100)] | None = None
    """Resources of each RGD."""
    properties_per_resource: Annotated[int, Field(ge=1, le=20)] | None = None
    """Properties of each resource beside its name and its references: data of ConfigMaps and
    Secrets, annotations of other kinds."""
    dependencies_per_resource: Annotated[int, Field(ge=0, le=10)] | None = None
    """Other resources that each resource refers to, as far as there are as many in the levels
    above its own; those of the first level have none."""
    depth: Annotated[int, Field(ge=1, le=50)] | None = None
    """Resources on the longest chain of dependencies; 1 when nothing depends on anything."""
    kinds: (
        Annotated[
            list[ChildKind],
            Field(
                min_length=1,
                max_length=len(ChildKind),
                json_schema_extra={"x-kubernetes-list-type": "set"},
            ),
        ]
        | None
    ) = None
    """Kinds of the resources, each about equally often. Deployments have no replicas."""
    for_each_size: Annotated[int, Field(ge=0, le=50)] | None = None
    """Objects in each collection: a quarter of the resources, but at least one, are then
    collections. 0: no collections."""
    include_when_share: Share | None = None
    """Share of the resources that have an includeWhen; it holds by default."""
    ready_when_share: Share | None = None
    """Share of those resources that are no collections that have a readyWhen."""
    cel_expressions: Annotated[int, Field(ge=0, le=2000)] | None = None
    """Properties over the whole RGD that are computed; the others are constants."""
    cel_complexity: Annotated[int, Field(ge=1, le=8)] | None = None
    """Operations in each computed property."""

    model_config = ApiModel.model_config | {
        "json_schema_extra": {
            "x-kubernetes-validations": [
                {
                    "rule": "self.complexity != 'custom' || has(self.resources)",
                    "message": "resources must be set with complexity custom",
                },
                {
                    "rule": "!has(self.depth) || !has(self.resources) "
                    "|| self.depth <= self.resources",
                    "message": "depth must not exceed resources",
                },
                {
                    "rule": "!has(self.dependenciesPerResource) || !has(self.resources) "
                    "|| self.dependenciesPerResource < self.resources",
                    "message": "dependenciesPerResource must be less than resources",
                },
                {
                    "rule": "!has(self.depth) || !has(self.dependenciesPerResource) "
                    "|| (self.depth > 1) == (self.dependenciesPerResource > 0)",
                    "message": "depth must be over 1 if and only if dependenciesPerResource "
                    "is over 0",
                },
                {
                    "rule": "!has(self.celExpressions) || !has(self.resources) "
                    "|| !has(self.propertiesPerResource) "
                    "|| self.celExpressions <= self.resources * self.propertiesPerResource",
                    "message": "celExpressions must not exceed resources times "
                    "propertiesPerResource",
                },
            ]
        }
    }
