"""When instances arrive, and what is done with them: the load of a test."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, model_validator

from krobench.api.common import ApiModel, Duration, duration_seconds

MAX_RATE = 10_000.0
_MAX_INTERVAL_SECONDS = 24 * 3600.0


class Arrival(StrEnum):
    """How the arrival of instances is decided."""

    CLOSED = "closed"
    CONSTANT = "constant"
    POISSON = "poisson"
    BURST = "burst"
    RAMP = "ramp"

    @property
    def open_loop(self) -> bool:
        """Whether instances arrive by a schedule, whatever becomes of those before."""
        return self is not Arrival.CLOSED


_RATED = (Arrival.CONSTANT, Arrival.POISSON, Arrival.RAMP)

Rate = Annotated[float, Field(ge=0.01, le=MAX_RATE)]

_RATE_MESSAGE = "rate is to be set with arrival constant, poisson or ramp, and only then"
_RAMP_MESSAGE = "toRate and rampDuration are to be set with arrival ramp, and only then"
_BURST_MESSAGE = "burst is to be set with arrival burst, and only then"


def _between(shortest: str, longest: str, name: str) -> dict[str, str]:
    return {
        "rule": f"duration(self) >= duration('{shortest}') "
        f"&& duration(self) <= duration('{longest}')",
        "message": f"{name} must be between {shortest} and {longest}",
    }


_INTERVAL_RULE = _between("1ms", "24h", "a duration of a load")
_LAG_RULE = _between("1ms", "1m", "maxSendLag")
_Interval = Annotated[
    Duration, Field(json_schema_extra={"x-kubernetes-validations": [_INTERVAL_RULE]})
]


def _check_interval(text: str) -> None:
    if not 0.001 <= duration_seconds(text) <= _MAX_INTERVAL_SECONDS:
        raise ValueError(_INTERVAL_RULE["message"])


class Burst(ApiModel):
    """Instances that arrive at once, again and again."""

    size: Annotated[int, Field(ge=1, le=10_000)]
    """Instances in a burst."""
    interval: _Interval
    """Time from the beginning of a burst to that of the next."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_interval(self.interval)
        return self


class Load(ApiModel):
    """When instances are created.

    In an open loop (all but ``closed``) the time of each request is fixed beforehand, and
    latency counts from that time: a stall of what is measured then shows in all the requests
    that it held up, instead of slowing the load down.
    """

    arrival: Arrival = Arrival.CLOSED
    """closed: a fixed number (concurrency) is under way at once; constant: at equal distances;
    poisson: at random, independently of each other; burst: many at once, again and again;
    ramp: at a rate that changes steadily."""
    rate: Rate | None = None
    """Instances per second: of constant, the mean of poisson, at the beginning of ramp."""
    to_rate: Rate | None = None
    """Instances per second at the end of a ramp; it stays there for what is left."""
    ramp_duration: _Interval | None = None
    """Time that a ramp takes from rate to toRate."""
    burst: Burst | None = None
    """Size and interval of bursts."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Seed of poisson: equal seeds give equal schedules, in each iteration the same one."""
    max_send_lag: Annotated[
        Duration, Field(json_schema_extra={"x-kubernetes-validations": [_LAG_RULE]})
    ] = "50ms"
    """A request that is sent later than this after its time is late; where more than 1 % are,
    the load was not the one asked for, and the run is invalid."""

    max_in_flight: Annotated[int, Field(ge=1, le=1000)] = 256
    """Create requests of an open loop that may wait for their answer at once; a request beyond
    that is held back, and so is late."""

    shards: Annotated[int, Field(ge=1, le=16)] = 1
    """Pods that share the sending and observing of the instances, where one cannot do it: each
    has every shards-th instance, and its part of the concurrency."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.arrival in _RATED) != (self.rate is not None):
            raise ValueError(_RATE_MESSAGE)
        for value in (self.to_rate, self.ramp_duration):
            if (self.arrival is Arrival.RAMP) != (value is not None):
                raise ValueError(_RAMP_MESSAGE)
        if (self.arrival is Arrival.BURST) != (self.burst is not None):
            raise ValueError(_BURST_MESSAGE)
        if self.ramp_duration is not None:
            _check_interval(self.ramp_duration)
        if not 0.001 <= duration_seconds(self.max_send_lag) <= 60.0:
            raise ValueError(_LAG_RULE["message"])
        return self

    @property
    def max_send_lag_seconds(self) -> float:
        """``max_send_lag`` in seconds."""
        return duration_seconds(self.max_send_lag)

    model_config = ApiModel.model_config | {
        "json_schema_extra": {
            "x-kubernetes-validations": [
                {
                    "rule": "(self.arrival in ['constant', 'poisson', 'ramp']) == has(self.rate)",
                    "message": _RATE_MESSAGE,
                },
                {
                    "rule": "(self.arrival == 'ramp') == has(self.toRate) "
                    "&& (self.arrival == 'ramp') == has(self.rampDuration)",
                    "message": _RAMP_MESSAGE,
                },
                {
                    "rule": "(self.arrival == 'burst') == has(self.burst)",
                    "message": _BURST_MESSAGE,
                },
            ]
        }
    }


MAX_OPERATIONS = 100_000


class Operation(StrEnum):
    """What a phase does."""

    CREATE = "create"
    UPDATE = "update"
    UPDATE_RGD = "update-rgd"
    DELETE = "delete"
    CHURN = "churn"
    MIX = "mix"


_CHURN_INTERVAL_RULE = {
    "rule": "duration(self) >= duration('100ms') && duration(self) <= duration('1h')",
    "message": "churn.interval must be between 100ms and 1h",
}


class Churn(ApiModel):
    """Instances that go and come: in each interval a share of them is deleted, and as many new
    ones are created, spread evenly over the interval."""

    share: Annotated[float, Field(ge=0.001, le=1)] = 0.1
    """Share of the instances that is replaced in each interval; at least one."""
    interval: Annotated[
        Duration, Field(json_schema_extra={"x-kubernetes-validations": [_CHURN_INTERVAL_RULE]})
    ] = "10s"
    """Length of an interval."""
    rounds: Annotated[int, Field(ge=1, le=1000)] = 3
    """Number of intervals."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 0.1 <= self.interval_seconds <= 3600:
            raise ValueError(_CHURN_INTERVAL_RULE["message"])
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
