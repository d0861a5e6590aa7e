"""When instances arrive: the load of a test."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

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
