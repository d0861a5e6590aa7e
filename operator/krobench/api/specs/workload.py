"""What a test creates: a scenario, an RGD of your own, a generator or CEL expressions."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from krobench.api.common import DNS_LABEL_PATTERN, ApiModel, ConfigMapName, FieldError

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


MAX_EXPRESSIONS = 50
MAX_RESTARTS = 10

_SET: JsonDict = {"x-kubernetes-list-type": "set"}
_ANYTHING: JsonDict = {"x-kubernetes-preserve-unknown-fields": True}
_EXPRESSIONS_RULE: JsonDict = {
    "rule": "self.suite == 'standard' || (has(self.expressions) && self.expressions.size() > 0)",
    "message": "with suite none, name at least one of expressions",
}
_NAMED: JsonDict = {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
}

ExpressionName = Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=40)]
SimpleSchemaType = Annotated[str, StringConstraints(min_length=1, max_length=256)]
FieldName = Annotated[str, StringConstraints(max_length=63)]


class CelSuite(StrEnum):
    """Which expressions are measured beside those of the spec."""

    STANDARD = "standard"
    NONE = "none"


class CelFamily(StrEnum):
    """What an expression of the standard suite is made of."""

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
    """How much an expression does."""

    SIMPLE = "simple"
    MEDIUM = "medium"
    COMPLEX = "complex"


class CelExpression(ApiModel):
    """An expression of the user's own."""

    name: ExpressionName
    """Name of the expression, unique among these."""
    expression: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    """The expression without ${ and }; it refers to values as schema.spec.NAME."""
    complexity: CelLevel = CelLevel.MEDIUM
    """What you hold it for; it only groups the results."""
    values: Annotated[dict[str, Any], Field(json_schema_extra=_ANYTHING)] = Field(
        default_factory=dict
    )
    """The spec of the instance that it is evaluated for."""
    types: Annotated[dict[FieldName, SimpleSchemaType], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """SimpleSchema types of fields of values where they cannot be taken from the values, as
    labels: "map[string]string"; an object is taken for a struct otherwise."""
    expected: Annotated[Any, Field(json_schema_extra=_ANYTHING)]
    """The value that it must have. One that is no string is measured together with its
    conversion, by string() or, for lists and maps, json.marshal()."""


class CelWorkload(ApiModel):
    """Expressions whose evaluation and compilation is measured in kro, one RGD for each."""

    suite: CelSuite = CelSuite.STANDARD
    """standard: the ready-made expressions; none: only those of this spec."""
    families: Annotated[
        list[CelFamily], Field(max_length=len(CelFamily), json_schema_extra=_SET)
    ] = Field(default_factory=list)
    """Families of the standard suite to be measured; all when empty."""
    levels: Annotated[list[CelLevel], Field(max_length=len(CelLevel), json_schema_extra=_SET)] = (
        Field(default_factory=list)
    )
    """Levels of the standard suite to be measured; all when empty."""
    expressions: Annotated[
        list[CelExpression], Field(max_length=MAX_EXPRESSIONS, json_schema_extra=_NAMED)
    ] = Field(default_factory=list)
    """Expressions of your own."""
    restarts: Annotated[int, Field(ge=0, le=MAX_RESTARTS)] = 0
    """How often kro is restarted after the iterations, to measure what it then compiles and
    evaluates anew; its pod is deleted for it, and the chart must be installed with
    variants.enabled. Within the test's timeout."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [expression.name for expression in self.expressions]
        for name in names:
            if names.count(name) > 1:
                raise FieldError("expressions", f"the name {name!r} is used more than once")
        if self.suite is CelSuite.NONE and not self.expressions:
            raise ValueError(_EXPRESSIONS_RULE["message"])
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {"x-kubernetes-validations": [_EXPRESSIONS_RULE]}
    }


MAX_INSTANCES = 10_000


MAX_RGDS = 500


class Scenario(StrEnum):
    """The ready-made workloads; ``krobench.workload.scenarios`` says what each stands for."""

    SINGLE = "single"
    CHAIN = "chain"
    WIDE = "wide"
    FOR_EACH = "for-each"
    CEL_HEAVY = "cel-heavy"
    WEB_APP = "web-app"
    PLATFORM = "platform"
    MULTI_TENANT = "multi-tenant"


class ConfigMapKeyRef(ApiModel):
    """A key of a ConfigMap in the namespace of the KroBenchmark."""

    name: ConfigMapName
    """Name of the ConfigMap."""
    key: Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
    """Key in its data."""


class RGDSource(ApiModel):
    """A ResourceGraphDefinition of the user's own. Its metadata.name is replaced by a name of the
    run; where spec.schema.group is absent, the kind is put into group load.bench.kro.run."""

    inline: (
        Annotated[
            dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})
        ]
        | None
    ) = None
    """The whole ResourceGraphDefinition."""
    config_map_key_ref: ConfigMapKeyRef | None = None
    """Where the whole ResourceGraphDefinition stands as YAML; it is read when the run begins."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.inline is None) == (self.config_map_key_ref is None):
            raise ValueError("set exactly one of inline and configMapKeyRef")
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {
            "x-kubernetes-validations": [
                {
                    "rule": "has(self.inline) != has(self.configMapKeyRef)",
                    "message": "set exactly one of inline and configMapKeyRef",
                }
            ]
        }
    }


_CEL_RULE: JsonDict = {
    "rule": "!has(self.cel) || (self.instances == 1 && self.rgds == 1 && !has(self.values))",
    "message": "leave out instances, rgds and values with cel: each expression has one RGD, one "
    "instance, and values of its own",
}


class Workload(ApiModel):
    """What is created: ResourceGraphDefinitions and instances of the kinds they define."""

    scenario: Scenario | None = None
    """A ready-made workload."""
    rgd: RGDSource | None = None
    """A ResourceGraphDefinition of your own instead of a scenario."""
    generator: Generator | None = None
    """ResourceGraphDefinitions made to measure instead of a scenario; each of rgds is another."""
    cel: CelWorkload | None = None
    """Expressions to be measured instead of a scenario: an RGD with one instance for each."""
    instances: Annotated[int, Field(ge=1, le=MAX_INSTANCES)] = 1
    """Number of instances in each iteration, spread evenly over the RGDs."""
    rgds: Annotated[int, Field(ge=1, le=MAX_RGDS)] = 1
    """Number of ResourceGraphDefinitions in each iteration."""
    values: Annotated[
        dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})
    ] = Field(default_factory=dict)
    """The spec of every instance; {{index}} in a string is replaced by the instance's index,
    from 0 over all instances of an iteration."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        sources = (self.scenario, self.rgd, self.generator, self.cel)
        if sum(source is not None for source in sources) != 1:
            raise ValueError("set exactly one of scenario, rgd, generator and cel")
        if self.rgds > self.instances:
            raise ValueError("rgds must not exceed instances")
        if self.rgd is not None and self.rgds != 1:
            raise ValueError("rgds must be 1 with an RGD of your own: its kind exists once")
        if self.cel is not None and (self.instances, self.rgds, self.values) != (1, 1, {}):
            raise ValueError(_CEL_RULE["message"])
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {
            "x-kubernetes-validations": [
                {
                    "rule": "[has(self.scenario), has(self.rgd), has(self.generator), "
                    "has(self.cel)].filter(present, present).size() == 1",
                    "message": "set exactly one of scenario, rgd, generator and cel",
                },
                {
                    "rule": "self.rgds <= self.instances",
                    "message": "rgds must not exceed instances",
                },
                {
                    "rule": "!has(self.rgd) || self.rgds == 1",
                    "message": "rgds must be 1 with an RGD of your own: its kind exists once",
                },
                _CEL_RULE,
            ]
        }
    }
