"""What a test creates: a scenario, an RGD of your own, generated RGDs or CEL expressions."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from krobench.api.annotations import Between
from krobench.api.common import ANYTHING, Duration, SpecModel
from krobench.api.notation import duration_seconds
from krobench.api.rules import Rule, exactly_one, has, implies, size, this
from krobench.api.specs.cel import CelWorkload
from krobench.api.specs.generator import Generator
from krobench.api.specs.load import Seed
from krobench.api.specs.manifests import MAX_PREREQUISITES, Prerequisite, RGDSource

MAX_INSTANCES = 10_000
MAX_RGDS = 500
MAX_BALLAST = 2_000
MetadataValue = Annotated[str, StringConstraints(max_length=4096)]


class Scenario(StrEnum):
    """The built-in workloads; ``krobench.workload.scenarios`` describes each."""

    SINGLE = "single"
    CHAIN = "chain"
    WIDE = "wide"
    FOR_EACH = "for-each"
    CEL_HEAVY = "cel-heavy"
    WEB_APP = "web-app"
    PLATFORM = "platform"
    MULTI_TENANT = "multi-tenant"
    CLOUD = "cloud"


class InstanceMetadata(SpecModel):
    """Labels and annotations of instances, with the placeholders of values."""

    labels: Annotated[dict[str, MetadataValue], Field(max_length=32)] = Field(default_factory=dict)
    """Labels; those of the run come first."""
    annotations: Annotated[dict[str, MetadataValue], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """Annotations."""


class Ballast(SpecModel):
    """CRDs that nobody uses, beside the load: kro and the API server keep those of others, too."""

    crds: Annotated[int, Field(ge=0, le=MAX_BALLAST)] = 0
    """Number of CRDs. The axis crds of a scale test sets it."""
    fields: Annotated[int, Field(ge=1, le=5_000)] = 500
    """Number of fields in the schema of each; a field takes about 60 bytes."""


class Cloud(SpecModel):
    """The simulated cloud resources of the scenario cloud: slow, large children."""

    ready_after: Annotated[Duration, Between("100ms", "10m")] = "5s"
    """Time until a resource is ready, from when its spec is seen. The load Job then writes its
    status. If more than 1% of them are later by load.maxSendLag, the run is invalid."""
    resources: Annotated[int, Field(ge=1, le=20)] = 3
    """Number of resources of each instance. Each needs the id of the one before, so an instance
    takes at least resources times readyAfter."""
    bytes: Annotated[int, Field(ge=0, le=200_000)] = 20_000
    """Size of the status of a resource that is ready."""

    @property
    def ready_after_seconds(self) -> float:
        return duration_seconds(self.ready_after)

    @property
    def delay_seconds(self) -> float:
        """The shortest time until an instance is ready."""
        return self.resources * self.ready_after_seconds


class Workload(SpecModel):
    """What is created: ResourceGraphDefinitions and instances of the kinds that they define."""

    scenario: Scenario | None = None
    """A built-in workload."""
    rgd: RGDSource | None = None
    """A ResourceGraphDefinition of your own."""
    generator: Generator | None = None
    """Generated ResourceGraphDefinitions, each different."""
    cel: CelWorkload | None = None
    """CEL expressions to measure, with one RGD and one instance for each."""
    instances: Annotated[int, Field(ge=1, le=MAX_INSTANCES)] = 1
    """Number of instances in each iteration, spread evenly over the RGDs."""
    rgds: Annotated[int, Field(ge=1, le=MAX_RGDS)] = 1
    """Number of ResourceGraphDefinitions in each iteration."""
    keep_rgds: bool = False
    """Create the RGDs in the first iteration alone, and keep them until the test's last one. With
    variants, they are kept until kro is replaced. Iterations then take less time; latencies of RGDs
    and figures of the set-up are those of the first one."""
    values: Annotated[dict[str, Any], Field(json_schema_extra=ANYTHING)] = Field(
        default_factory=dict
    )
    """The spec of every instance, field by field over that of the scenario, or over what is
    generated from the schema of an RGD of your own. Strings can have placeholders: <index>, which
    starts at 0 and is unique in an iteration; <index+30000>; <each:a,b,c>, one after another;
    <random:a,b,c> and <random:1..9>, by the seed. Where the schema of the RGD wants a number or a
    boolean, the result is one."""
    seed: Seed = 0
    """Random seed of generated values and of <random:…>."""
    instance_metadata: InstanceMetadata | None = None
    """Labels and annotations of every instance."""
    prerequisites: Annotated[list[Prerequisite], Field(max_length=MAX_PREREQUISITES)] = Field(
        default_factory=list
    )
    """Objects that must exist before the RGDs and the instances, such as a ConfigMap that the RGD
    reads. They are created in this order, in the test's namespace unless they are cluster-scoped,
    and deleted with the objects of the run. An object that exists already is refused. Strings can
    have the placeholders of values. ConfigMaps and Namespaces are allowed, and the kinds in the
    chart value load.prerequisiteKinds."""
    ballast: Ballast | None = None
    """CRDs that exist beside the load. The run creates them before the first iteration that has
    them, and deletes them at its end. Requires the chart value load.ballast."""
    cloud: Cloud | None = None
    """Settings of the scenario cloud. Its kind is created before the first iteration and deleted
    at the end of the run. Requires the chart value load.cloud."""

    rules = (
        Rule(
            exactly_one(this.scenario, this.rgd, this.generator, this.cel),
            "set exactly one of scenario, rgd, generator and cel",
        ),
        Rule(this.rgds <= this.instances, "must not exceed instances", field="rgds"),
        Rule(
            implies(has(this.cel), (this.instances == 1) & (this.rgds == 1) & ~has(this.values)),
            "leave out instances, rgds and values with cel: each expression has its own RGD, "
            "instance and values",
        ),
        Rule(
            implies(has(this.cel), ~has(this.prerequisites) | (size(this.prerequisites) == 0)),
            "leave it out with cel: expressions read nothing but their instance",
            field="prerequisites",
        ),
        Rule(
            implies(has(this.cel), ~has(this.ballast)),
            "leave it out with cel: it is only beside instances",
            field="ballast",
        ),
        Rule(
            implies(has(this.cloud), has(this.scenario) & (this.scenario == "cloud")),
            "set it only with scenario cloud",
            field="cloud",
        ),
        Rule(
            implies(has(this.cel), ~this.keep_rgds),
            "leave it out with cel: each expression has its own RGD",
            field="keepRgds",
        ),
    )

    @property
    def simulated_cloud(self) -> Cloud | None:
        """The cloud that its scenario simulates; None with another workload."""
        return (self.cloud or Cloud()) if self.scenario is Scenario.CLOUD else None
