"""The phases of a test: which operations its load consists of, one after another."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, model_validator

from krobench.api.common import ApiModel, Duration, duration_seconds
from krobench.api.specs.suite.load import Load

MAX_OPERATIONS = 100_000


class Operation(StrEnum):
    """What a phase does."""

    CREATE = "create"
    UPDATE = "update"
    UPDATE_RGD = "update-rgd"
    DELETE = "delete"
    CHURN = "churn"
    MIX = "mix"


_INTERVAL_RULE = {
    "rule": "duration(self) >= duration('100ms') && duration(self) <= duration('1h')",
    "message": "churn.interval must be between 100ms and 1h",
}


class Churn(ApiModel):
    """Instances that go and come: in each interval a share of them is deleted, and as many new
    ones are created, spread evenly over the interval."""

    share: Annotated[float, Field(ge=0.001, le=1)] = 0.1
    """Share of the instances that is replaced in each interval; at least one."""
    interval: Annotated[
        Duration, Field(json_schema_extra={"x-kubernetes-validations": [_INTERVAL_RULE]})
    ] = "10s"
    """Length of an interval."""
    rounds: Annotated[int, Field(ge=1, le=1000)] = 3
    """Number of intervals."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 0.1 <= self.interval_seconds <= 3600:
            raise ValueError(_INTERVAL_RULE["message"])
        return self

    @property
    def interval_seconds(self) -> float:
        """``interval`` in seconds."""
        return duration_seconds(self.interval)


Weight = Annotated[int, Field(ge=0, le=1000)]


_MIX_RULE: JsonValue = {
    "rule": "self.create + self.update + self.delete > 0",
    "message": "one of mix.create, mix.update and mix.delete must be above 0",
}


class Mix(ApiModel):
    """Operations drawn at random, each as often as its weight says."""

    create: Weight = 1
    """Weight of creating a new instance."""
    update: Weight = 8
    """Weight of updating an instance's spec."""
    delete: Weight = 1
    """Weight of deleting an instance."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Equal seeds give equal operations, in each iteration the same ones."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.create + self.update + self.delete == 0:
            raise ValueError("one of mix.create, mix.update and mix.delete must be above 0")
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {"x-kubernetes-validations": [_MIX_RULE]}
    }


_ONLY_CHURN = "churn is to be set with operation churn only"
_ONLY_MIX = "mix is to be set with operation mix only"
_MIX_COUNT = "count is to be set with operation mix: the number of operations"
_CHURN_DECIDES = (
    "churn decides count and load by itself: set churn.share, churn.interval and churn.rounds"
)
_ONLY_UPDATES = "values are to be set with operation update or mix only"

_ONE_SHARD = "load.shards of a phase must be 1: only a test without phases can be sharded"

_PHASE_RULES: list[JsonValue] = [
    {
        "rule": "!has(self.load) || !has(self.load.shards) || self.load.shards == 1",
        "message": _ONE_SHARD,
    },
    {"rule": "!has(self.churn) || self.operation == 'churn'", "message": _ONLY_CHURN},
    {"rule": "!has(self.mix) || self.operation == 'mix'", "message": _ONLY_MIX},
    {"rule": "has(self.count) || self.operation != 'mix'", "message": _MIX_COUNT},
    {
        "rule": "!(has(self.count) || has(self.load)) || self.operation != 'churn'",
        "message": _CHURN_DECIDES,
    },
    {
        "rule": "!has(self.values) || self.operation in ['update', 'mix']",
        "message": _ONLY_UPDATES,
    },
]


class LoadPhase(ApiModel):
    """One phase of a test's load; the next begins when all of its operations have ended."""

    operation: Operation
    """create: instances that are not there yet; update: the spec of instances; update-rgd: the
    RGD, and with it the children of all its instances; delete: instances; churn: a share of the
    instances is replaced again and again; mix: operations on instances at random."""
    count: Annotated[int, Field(ge=1, le=MAX_OPERATIONS)] | None = None
    """Number of operations. When absent: create: workload.instances; update and delete: every
    instance once; update-rgd: every RGD once."""
    values: (
        Annotated[
            dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})
        ]
        | None
    ) = None
    """update and mix: a merge patch of the instance's spec, which must change it: {{round}} in a
    string is replaced by the number of the instance's update, from 1, and {{index}} by its index.
    Scenarios and generators have one of their own."""
    churn: Churn | None = None
    """churn: what goes and comes."""
    mix: Mix | None = None
    """mix: how often each operation is drawn."""
    load: Load | None = None
    """When the operations are sent; the test's load when absent. churn has a schedule of its own,
    and of the test's load its maxSendLag and maxInFlight."""

    @property
    def needs_values(self) -> bool:
        """Whether it updates instances without saying what of them."""
        return self.operation in (Operation.UPDATE, Operation.MIX) and self.values is None

    @model_validator(mode="after")
    def _check(self) -> Self:
        churns, mixes = self.operation is Operation.CHURN, self.operation is Operation.MIX
        updates = mixes or self.operation is Operation.UPDATE
        for broken, message in (
            (self.churn is not None and not churns, _ONLY_CHURN),
            (self.mix is not None and not mixes, _ONLY_MIX),
            (self.count is None and mixes, _MIX_COUNT),
            ((self.count, self.load) != (None, None) and churns, _CHURN_DECIDES),
            (self.values is not None and not updates, _ONLY_UPDATES),
            (self.load is not None and self.load.shards > 1, _ONE_SHARD),
        ):
            if broken:
                raise ValueError(message)
        return self

    model_config = ApiModel.model_config | {
        "json_schema_extra": {"x-kubernetes-validations": _PHASE_RULES}
    }
