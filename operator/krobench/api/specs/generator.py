"""The generator of ResourceGraphDefinitions."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from krobench.api.annotations import Unique
from krobench.api.common import SpecModel
from krobench.api.rules import Rule, has, implies, this
from krobench.api.specs.load import Seed

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Complexity(StrEnum):
    """Presets of a generator; ``custom`` uses the minimum of each setting."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"
    CUSTOM = "custom"


class ChildKind(StrEnum):
    """Kinds of children that become ready without a kubelet."""

    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"  # noqa: S105 - a kind
    SERVICE_ACCOUNT = "ServiceAccount"
    SERVICE = "Service"
    DEPLOYMENT = "Deployment"
    INGRESS = "Ingress"


class Generator(SpecModel):
    """Generates ResourceGraphDefinitions. The same settings give the same RGDs, byte for byte."""

    seed: Seed = 0
    """Random seed for everything that the other settings leave open."""
    complexity: Complexity = Complexity.SIMPLE
    """Preset for every field below that is not set. custom uses the minimum of each."""
    resources: Annotated[int, Field(ge=1, le=100)] | None = None
    """Number of resources in each RGD."""
    properties_per_resource: Annotated[int, Field(ge=1, le=20)] | None = None
    """Number of properties of each resource, apart from its name and references: data of ConfigMaps
    and Secrets, annotations of other kinds."""
    dependencies_per_resource: Annotated[int, Field(ge=0, le=10)] | None = None
    """Number of other resources that each resource refers to. A resource refers to resources of the
    levels above its own, so it has fewer if there are not enough; the first level has none."""
    depth: Annotated[int, Field(ge=1, le=50)] | None = None
    """Number of resources in the longest chain of dependencies; 1 means no dependencies."""
    kinds: (
        Annotated[list[ChildKind], Field(min_length=1, max_length=len(ChildKind)), Unique()] | None
    ) = None
    """Kinds of the resources, each used about equally often. Deployments have no replicas."""
    for_each_size: Annotated[int, Field(ge=0, le=50)] | None = None
    """Number of objects in each collection. A quarter of the resources, and at least one, are
    collections; 0 means no collections."""
    include_when_share: Share | None = None
    """Share of the resources that have an includeWhen, which is true by default."""
    ready_when_share: Share | None = None
    """Share of the resources that have a readyWhen; collections have none."""
    cel_expressions: Annotated[int, Field(ge=0, le=2000)] | None = None
    """Number of properties in the RGD that are computed; the others are constant."""
    cel_complexity: Annotated[int, Field(ge=1, le=8)] | None = None
    """Number of operations in each computed property."""

    rules = (
        Rule(
            implies(this.complexity == "custom", has(this.resources)),
            "must be set with complexity custom",
            field="resources",
        ),
        Rule(
            implies(has(this.depth) & has(this.resources), this.depth <= this.resources),
            "must not exceed resources",
            field="depth",
        ),
        Rule(
            implies(
                has(this.dependencies_per_resource) & has(this.resources),
                this.dependencies_per_resource < this.resources,
            ),
            "must be less than resources",
            field="dependenciesPerResource",
        ),
        Rule(
            implies(
                has(this.depth) & has(this.dependencies_per_resource),
                (this.depth > 1) == (this.dependencies_per_resource > 0),
            ),
            "must be above 1 if and only if dependenciesPerResource is above 0",
            field="depth",
        ),
        Rule(
            implies(
                has(this.cel_expressions) & has(this.resources) & has(this.properties_per_resource),
                this.cel_expressions <= this.resources * this.properties_per_resource,
            ),
            "must not exceed resources times propertiesPerResource",
            field="celExpressions",
        ),
    )
