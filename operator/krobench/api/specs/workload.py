"""What a test creates: a scenario, an RGD of your own, generated RGDs or CEL expressions."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic.config import JsonDict

from krobench.api.annotations import Between, Keyed, Shaped, Unique
from krobench.api.common import ConfigMapName, Duration, SpecModel
from krobench.api.exported import authored, authored_object
from krobench.api.notation import duration_seconds
from krobench.api.refusal import DNS_LABEL_PATTERN
from krobench.api.rules import VALIDATIONS, Rule, exactly_one, has, implies, size, this
from krobench.api.specs.load import Seed

MAX_INSTANCES = 10_000
MAX_RGDS = 500
MAX_EXPRESSIONS = 50
MAX_RESTARTS = 10
MAX_PREREQUISITES = 32
MAX_BALLAST = 2_000

_ANYTHING: JsonDict = {"x-kubernetes-preserve-unknown-fields": True}

Share = Annotated[float, Field(ge=0.0, le=1.0)]
ExpressionName = Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=40)]
SimpleSchemaType = Annotated[str, StringConstraints(min_length=1, max_length=256)]
MetadataValue = Annotated[str, StringConstraints(max_length=4096)]
FieldName = Annotated[str, StringConstraints(max_length=63)]


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


class CelSuite(StrEnum):
    """Which expressions are measured in addition to those of the spec."""

    STANDARD = "standard"
    NONE = "none"


class CelFamily(StrEnum):
    """What an expression of the standard suite exercises."""

    FIELD_ACCESS = "field-access"
    TERNARY = "ternary"
    NESTED_ACCESS = "nested-access"
    LIST_COMPREHENSION = "list-comprehension"
    MAP_COMPREHENSION = "map-comprehension"
    STRING_FUNCTIONS = "string-functions"
    QUANTITY_JSON_HASH = "quantity-json-hash"
    OPTIONAL_TYPES = "optional-types"
    PATTERNS = "patterns"


class CelLevel(StrEnum):
    """How complex an expression is."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"


class CelExpression(SpecModel):
    """A CEL expression to measure."""

    name: ExpressionName
    """Name of the expression, unique in the list."""
    expression: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    """The expression without ${ and }. It refers to values as schema.spec.NAME."""
    complexity: CelLevel = CelLevel.MEDIUM
    """Your estimate of its complexity. It only groups the results."""
    values: Annotated[dict[str, Any], Field(json_schema_extra=_ANYTHING)] = Field(
        default_factory=dict
    )
    """The spec of the instance for which the expression is evaluated."""
    types: Annotated[dict[FieldName, SimpleSchemaType], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """SimpleSchema types of fields of values, for fields whose type does not follow from the value,
    such as labels: "map[string]string". Without a type, an object is a struct."""
    expected: Annotated[Any, Field(json_schema_extra=_ANYTHING)]
    """The value that the expression must have. A value that is not a string is measured together
    with its conversion to one, by string() or, for lists and maps, json.marshal()."""


class CelWorkload(SpecModel):
    """CEL expressions whose evaluation and compilation in kro is measured, with an RGD for each."""

    suite: CelSuite = CelSuite.STANDARD
    """standard: the built-in expressions; none: only those of this spec."""
    families: Annotated[list[CelFamily], Field(max_length=len(CelFamily)), Unique()] = Field(
        default_factory=list
    )
    """Families of the standard suite to measure; all if empty."""
    levels: Annotated[list[CelLevel], Field(max_length=len(CelLevel)), Unique()] = Field(
        default_factory=list
    )
    """Levels of the standard suite to measure; all if empty."""
    expressions: Annotated[list[CelExpression], Field(max_length=MAX_EXPRESSIONS), Keyed()] = Field(
        default_factory=list
    )
    """Expressions of your own."""
    restarts: Annotated[int, Field(ge=0, le=MAX_RESTARTS)] = 0
    """How often to restart kro after the iterations, to measure what it compiles and evaluates
    when it starts. Deletes kro's pod, and requires the chart value variants.enabled. Restarts count
    towards the timeout of the test."""

    rules = (
        Rule(
            (this.suite == "standard") | (has(this.expressions) & (size(this.expressions) > 0)),
            "set at least one expression with suite none",
            field="expressions",
        ),
    )


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


class ConfigMapKeyRef(SpecModel):
    """A key of a ConfigMap in the namespace of the KroBenchmark."""

    name: ConfigMapName
    """Name of the ConfigMap."""
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
    """Key in its data."""


def _open(description: str = "", **properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with these fields, and any others."""
    fields = {"properties": properties} if properties else {}
    described = {"description": description} if description else {}
    return {"type": "object", **_ANYTHING, **fields, **described}


def _text(description: str, max_length: int = 253) -> dict[str, Any]:
    return {"type": "string", "description": description, "maxLength": max_length}


def _texts(description: str) -> dict[str, Any]:
    values = {"type": "string", "maxLength": 4096}
    return {
        "type": "object",
        "description": description,
        "additionalProperties": values,
        "maxProperties": 256,
    }


def _only(value: str, why: str) -> dict[str, Any]:
    rule = Rule(this == value, f"must be {value}: {why}")
    return _text(f"{value} by default.") | {VALIDATIONS: [rule]}


_RGD = _open(
    apiVersion=_only("kro.run/v1alpha1", "the API that kro serves; leave it out or set it"),
    kind=_only(
        "ResourceGraphDefinition",
        "kro 0.2.1 renamed ResourceGroup to it: set this kind, and check the fields against the "
        "documentation of your kro",
    ),
    metadata=_open(
        "Its labels and annotations are kept.",
        labels=_texts("Labels of the RGD."),
        annotations=_texts("Annotations of the RGD."),
    ),
    spec=_open(
        "As in kro's own CRD.",
        schema=_open(
            "The kind that it defines.",
            apiVersion=_text("v1alpha1 by default.", 63),
            group=_text("load.bench.kro.run by default, and instead of kro.run."),
            kind=_text("Name of the kind.", 63),
            scope=_text("Namespaced by default.", 63),
            spec=_open("Fields of the spec of an instance."),
            status=_open("Fields of the status of an instance."),
            types=_open("Types that the fields use."),
        )
        | {"required": ["kind"]},
        resources={
            "type": "array",
            "description": "What kro creates for each instance.",
            "maxItems": 1000,
            "items": _open(id=_text("Name in expressions."), template=_open("The object.")),
        },
    )
    | {"required": ["schema"]},
) | {"required": ["spec"]}
"""The fields of an RGD that krobench reads, with the types that they have in kro's own CRD."""


_OBJECT = _open(
    apiVersion=_text("API version, such as v1."),
    kind=_text("Kind.", 63),
    metadata=_open(
        "What the API server or a tool has added is left out.",
        name=_text("Name. With placeholders, there is an object for each instance."),
        namespace=_text("By default, that of the test.", 63),
        labels=_texts("Labels."),
        annotations=_texts("Annotations."),
    )
    | {"required": ["name"]},
) | {"required": ["apiVersion", "kind", "metadata"]}
"""An object of any kind."""

Prerequisite = Annotated[dict[str, Any], BeforeValidator(authored_object), Shaped(_OBJECT)]


class Readiness(SpecModel):
    """What shows that an instance is ready, if it is not what the RGD says."""

    condition: Annotated[str, StringConstraints(min_length=1, max_length=63)] | None = None
    """Type of the condition that must be True for the current generation."""
    state: Literal["ACTIVE"] | None = None
    """The value of status.state. kro sets it before it has seen an update, so updates cannot be
    measured with it."""

    rules = (
        Rule(exactly_one(this.condition, this.state), "set exactly one of condition and state"),
    )


class RequiredRGD(SpecModel):
    """A ResourceGraphDefinition of your own, in the spec or in a ConfigMap."""

    inline: Annotated[dict[str, Any], BeforeValidator(authored), Shaped(_RGD)] | None = None
    """The complete ResourceGraphDefinition. What the API server, Argo CD, Flux or Helm have added
    to its metadata is left out."""
    config_map_key_ref: ConfigMapKeyRef | None = None
    """Where the complete ResourceGraphDefinition is stored as YAML, if need be among other objects.
    It is read when the run starts."""

    rules = (
        Rule(
            has(this.inline) != has(this.config_map_key_ref),
            "set exactly one of inline and configMapKeyRef",
        ),
    )


class RGDSource(RequiredRGD):
    """A ResourceGraphDefinition of your own. The run replaces its metadata.name. If its
    spec.schema.group is not set, or kro.run, its kind gets the group load.bench.kro.run. A key of a
    ConfigMap may have the RGDs that it uses as well."""

    requires: Annotated[list[RequiredRGD], Field(max_length=16)] = Field(default_factory=list)
    """RGDs whose kinds it uses, in any order. They are created before it, each after those that it
    uses itself."""
    readiness: Readiness | None = None
    """By default, the condition Ready; if the RGD declares conditions of its own in
    spec.schema.status.conditions, all of these that mean ready by their names, such as AppReady or
    Available; and if it declares none of that kind, the state ACTIVE."""


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
    values: Annotated[dict[str, Any], Field(json_schema_extra=_ANYTHING)] = Field(
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
