"""What a test creates, and from which source its ResourceGraphDefinitions come."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic.config import JsonDict

from krobench.api.common import ApiModel, ConfigMapName
from krobench.api.specs.workload.cel import CelWorkload
from krobench.api.specs.workload.generator import Generator

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
