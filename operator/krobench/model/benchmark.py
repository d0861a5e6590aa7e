"""``KroBenchmark``: a suite of tests that is run once."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from krobench.model.baseline import RETENTION_RULE, BaselineSource, Retention
from krobench.model.cel import CelWorkload
from krobench.model.collect import EtcdEndpoint
from krobench.model.common import (
    DNS_LABEL_PATTERN,
    ApiModel,
    ConfigMapName,
    Duration,
    Namespace,
    duration_seconds,
)
from krobench.model.generator import Generator
from krobench.model.load import Load
from krobench.model.order import Order
from krobench.model.precision import PRECISION_RULES, Precision, check_precision
from krobench.model.profile import ProfileKind
from krobench.model.prometheus import Prometheus
from krobench.model.step import Operation, Step
from krobench.model.validity import ValiditySettings
from krobench.model.variant import (
    MAX_TESTS,
    VARIANTS_COUNT_RULE,
    VARIANTS_RULE,
    VARIANTS_TARGET_RULE,
    Variant,
    check_variants,
)

MAX_INSTANCES = 10_000
MAX_RGDS = 500

# The API server then fills in the defaults of the fields inside.
_DEFAULT_EMPTY: JsonDict = {"default": {}}

LabelValue = Annotated[str, StringConstraints(max_length=63)]
LabelKey = Annotated[str, StringConstraints(max_length=253)]
ThresholdExpression = Annotated[str, StringConstraints(min_length=1, max_length=512)]


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


class Cleanup(StrEnum):
    """When the objects of an iteration are deleted."""

    ALWAYS = "Always"
    ON_SUCCESS = "OnSuccess"
    NEVER = "Never"


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
_CEL_TEST_RULE: JsonDict = {
    "rule": "!has(self.workload.cel) || (self.load.arrival == 'closed' && !has(self.steps) "
    "&& !has(self.thresholds) && (!has(self.load.shards) || self.load.shards == 1))",
    "message": "leave out load, steps and thresholds with workload.cel: how expressions are "
    "measured is fixed",
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


Iterations = Annotated[int, Field(ge=1, le=100)]
Warmup = Annotated[int, Field(ge=0, le=20)]
Concurrency = Annotated[int, Field(ge=1, le=1000)]

_TIMEOUT_RULE = {
    "rule": "duration(self) >= duration('1s') && duration(self) <= duration('24h')",
    "message": "timeout must be between 1s and 24h",
}
Timeout = Annotated[
    Duration, Field(json_schema_extra={"x-kubernetes-validations": [_TIMEOUT_RULE]})
]


def _check_timeout(timeout: str | None) -> None:
    if timeout is not None and not 1.0 <= duration_seconds(timeout) <= 24 * 3600:
        raise ValueError("timeout must be between 1s and 24h")


class Defaults(ApiModel):
    """Settings of the suite, which a single test overrides field by field."""

    iterations: Iterations = 3
    """Measured repetitions of each test; with a precision, the least of them."""
    precision: Precision | None = None
    """Repeats each test until its headline figure is known well enough."""
    warmup: Warmup | None = None
    """Repetitions before these whose results are kept apart and not summarised. When absent:
    one, and afterwards as many of the measured as turn out not to be of the steady state, which
    takes 12 of them to tell."""
    concurrency: Concurrency = 10
    """Instances that are under way at once: a new one is created when one became ready. Tests
    in an open loop (load.arrival) take no notice of it."""
    timeout: Timeout = "10m"
    """Time for the set-up and run of one iteration; what is unfinished then fails the test."""
    namespace: Namespace | None = None
    """Namespace of the instances; a namespace of the run's own when absent."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_timeout(self.timeout)
        check_precision(self.iterations, self.precision)
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {"x-kubernetes-validations": [*PRECISION_RULES]}
    }


_CONCURRENCY_RULE: JsonDict = {
    "rule": "!has(self.concurrency) || self.load.arrival == 'closed'",
    "message": "concurrency applies to load.arrival closed only: an open loop sends by its times",
}


_FIRST_STEP_RULE: JsonDict = {
    "rule": "!has(self.steps) || self.steps.size() == 0 || self.steps[0].operation == 'create'",
    "message": "the first of steps must be a create: there are no instances before",
}
_VALUES_RULE: JsonDict = {
    "rule": "!has(self.workload.rgd) || !has(self.steps) || self.steps.all(step, "
    "!(step.operation in ['update', 'mix']) || has(step.values))",
    "message": "with an RGD of your own, a step of operation update or mix needs values: "
    "which fields of the spec change",
}
_SHARDED_STEPS_RULE: JsonDict = {
    "rule": "!has(self.steps) || self.steps.size() == 0 || !has(self.load.shards) "
    "|| self.load.shards == 1",
    "message": "load.shards must be 1 with steps: only creation is shared among shards",
}
_SHARDS_RULE: JsonDict = {
    "rule": "!has(self.load.shards) || (self.load.shards <= self.workload.instances "
    "&& (!has(self.concurrency) || self.load.shards <= self.concurrency))",
    "message": "load.shards must exceed neither workload.instances nor concurrency: a shard would "
    "have nothing to do",
}


class Test(ApiModel):
    """One test of the suite."""

    __test__ = False  # pytest would collect a class of this name

    name: Annotated[str, StringConstraints(pattern=DNS_LABEL_PATTERN, max_length=40)]
    """Name of the test, unique in the suite."""
    workload: Workload
    """What is created."""
    load: Load = Field(
        default_factory=Load,
        # Written out: an API server checks a default by the rules before it fills in defaults.
        json_schema_extra={"default": {"arrival": "closed"}},
    )
    """When it is created."""
    steps: Annotated[list[Step], Field(max_length=16)] = Field(default_factory=list)
    """What is done, one step after another; when empty, all instances are created."""
    iterations: Iterations | None = None
    """Overrides defaults.iterations."""
    precision: Precision | None = None
    """Overrides defaults.precision."""
    warmup: Warmup | None = None
    """Overrides defaults.warmup."""
    concurrency: Concurrency | None = None
    """Overrides defaults.concurrency."""
    timeout: Timeout | None = None
    """Overrides defaults.timeout."""
    namespace: Namespace | None = None
    """Overrides defaults.namespace."""
    target: Target | None = None
    """Overrides spec.target."""
    thresholds: Annotated[list[ThresholdExpression], Field(max_length=16)] = Field(
        default_factory=list
    )
    """CEL expressions over this test's results; the test passes when all are true."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_timeout(self.timeout)
        if self.iterations is not None:
            check_precision(self.iterations, self.precision)
        if self.concurrency is not None and self.load.arrival.open_loop:
            raise ValueError(_CONCURRENCY_RULE["message"])
        if self.steps and self.steps[0].operation is not Operation.CREATE:
            raise ValueError(_FIRST_STEP_RULE["message"])
        if self.workload.rgd is not None and any(step.needs_values for step in self.steps):
            raise ValueError(_VALUES_RULE["message"])
        shards = self.load.shards
        if self.steps and shards > 1:
            raise ValueError(_SHARDED_STEPS_RULE["message"])
        if shards > min(self.workload.instances, self.concurrency or shards):
            raise ValueError(_SHARDS_RULE["message"])
        plain = not (self.load.arrival.open_loop or self.steps or self.thresholds or shards > 1)
        if self.workload.cel is not None and not plain:
            raise ValueError(_CEL_TEST_RULE["message"])
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {
            "x-kubernetes-validations": [
                _CONCURRENCY_RULE,
                _FIRST_STEP_RULE,
                _VALUES_RULE,
                _SHARDED_STEPS_RULE,
                _SHARDS_RULE,
                _CEL_TEST_RULE,
                *PRECISION_RULES,
            ]
        }
    }


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


class Results(ApiModel):
    """Where results are stored."""

    config_map_name: ConfigMapName | None = None
    """Name of the results ConfigMap; ``<name>-results`` when absent."""
    retention: Retention | None = None
    """Keeps results when the KroBenchmark is deleted; they go with it when absent."""


class KroBenchmarkSpec(ApiModel):
    """What to measure."""

    target: Target = Field(default_factory=Target, json_schema_extra=_DEFAULT_EMPTY)
    """The kro to be measured."""
    defaults: Defaults = Field(default_factory=Defaults, json_schema_extra=_DEFAULT_EMPTY)
    """Settings of the suite."""
    tests: Annotated[
        list[Test],
        Field(
            min_length=1,
            max_length=MAX_TESTS,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ]
    """The tests, run in this order."""
    order: Order = Order.SEQUENTIAL
    """Whose turn it is: Sequential (all iterations of a test, then those of the next), or
    Interleaved (the first iteration of each test, then the second of each in the opposite order,
    and so on), so that a drift of the cluster weighs on all tests alike."""
    variants: Annotated[
        list[Variant],
        Field(
            max_length=8,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        ),
    ] = Field(default_factory=list)
    """Variants of kro to be compared with the first of them. kro's Deployment is changed for each
    in turns, and restored at the end; the chart must be installed with variants.enabled."""
    collect: Collect = Field(default_factory=Collect, json_schema_extra=_DEFAULT_EMPTY)
    """Sampling of kro and the cluster."""
    results: Results = Field(default_factory=Results, json_schema_extra=_DEFAULT_EMPTY)
    """Storage of the results."""
    validity: ValiditySettings = Field(
        default_factory=ValiditySettings, json_schema_extra=_DEFAULT_EMPTY
    )
    """From where on the run is invalid."""
    baseline: BaselineSource | None = None
    """What the run is compared with when it ends."""
    cleanup: Cleanup = Cleanup.ALWAYS
    """When the objects of an iteration are deleted: Always, OnSuccess (a failed iteration's
    objects stay for inspection), or Never."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for index, test in enumerate(self.tests):
            closed = test.concurrency is None and not test.load.arrival.open_loop
            if closed and test.load.shards > self.defaults.concurrency:
                raise ValueError(f"tests[{index}].load.shards must not exceed defaults.concurrency")
            check_precision(
                test.iterations or self.defaults.iterations,
                test.precision or self.defaults.precision,
            )
        check_variants(
            [variant.name for variant in self.variants],
            len(self.tests),
            any(test.target is not None for test in self.tests),
        )
        names = [test.name for test in self.tests]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"tests: the name {name!r} is used more than once")
        kept = self.results.retention.runs if self.results.retention is not None else 0
        if self.baseline is not None and (self.baseline.previous_runs or 0) > kept:
            raise ValueError(RETENTION_RULE["message"])
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {
            "x-kubernetes-validations": [
                RETENTION_RULE,
                VARIANTS_RULE,
                VARIANTS_TARGET_RULE,
                VARIANTS_COUNT_RULE,
            ]
        }
    }
