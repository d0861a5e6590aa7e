"""The load of a test: when requests are sent, and the operations of each phase."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from krobench.api.annotations import Between
from krobench.api.common import ANYTHING, Duration, SpecModel
from krobench.api.notation import duration_seconds
from krobench.api.rules import Rule, has, implies, one_of, this
from krobench.api.specs.kro import Image

MAX_RATE = 10_000.0
MAX_OPERATIONS = 100_000

Rate = Annotated[float, Field(ge=0.01, le=MAX_RATE)]
BackgroundRate = Annotated[float, Field(ge=0, le=1000)]
Interval = Annotated[Duration, Between("1ms", "24h")]
Weight = Annotated[int, Field(ge=0, le=1000)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Arrival(StrEnum):
    """How the time of each request is decided."""

    CLOSED = "closed"
    CONSTANT = "constant"
    POISSON = "poisson"
    BURST = "burst"
    RAMP = "ramp"

    @property
    def open_loop(self) -> bool:
        """Whether requests follow a schedule, no matter how long earlier ones take."""
        return self is not Arrival.CLOSED


class Burst(SpecModel):
    """Instances that arrive at the same time, repeatedly."""

    size: Annotated[int, Field(ge=1, le=10_000)]
    """Number of instances in a burst."""
    interval: Interval
    """Time from the start of one burst to the start of the next."""


class Background(SpecModel):
    """Requests of other clients than kro, which keep the API server busy during the run phase."""

    reads: BackgroundRate = 0.0
    """Lists of the ConfigMaps in the namespace of the instances, per second."""
    writes: BackgroundRate = 0.0
    """Updates of ConfigMaps in that namespace, per second."""

    rules = (
        Rule(
            (this.reads > 0.0) | (this.writes > 0.0),
            "set at least one of reads and writes above 0",
        ),
    )


class Load(SpecModel):
    """When instances are created.

    In an open loop (every arrival but ``closed``), the time of each request is fixed before the
    load starts, and latency counts from that time: a stall of kro shows in the latency of every
    request that it delayed, instead of slowing down the load.
    """

    arrival: Arrival = Arrival.CLOSED
    """When requests are sent. closed: a fixed number of instances (concurrency) is in progress at
    any time; constant: at equal intervals; poisson: at random, independently of each other; burst:
    many at the same time, repeatedly; ramp: at a rate that changes linearly."""
    rate: Rate | None = None
    """Instances per second. For poisson the mean rate, for ramp the rate at the start."""
    to_rate: Rate | None = None
    """Instances per second at the end of a ramp. Instances that remain after the ramp arrive at
    this rate."""
    ramp_duration: Interval | None = None
    """How long a ramp takes to get from rate to toRate."""
    burst: Burst | None = None
    """Size and interval of bursts."""
    seed: Seed = 0
    """Random seed of poisson. The same seed gives the same schedule; every iteration uses the same
    schedule."""
    max_send_lag: Annotated[Duration, Between("1ms", "1m")] = "50ms"
    """How late a request may be sent in an open loop. If more than 1% of the requests are later,
    the load was not the requested one and the run is invalid."""
    max_in_flight: Annotated[int, Field(ge=1, le=1000)] = 256
    """Maximum number of unanswered create requests in an open loop. Further requests wait, which
    makes them late."""
    shards: Annotated[int, Field(ge=1, le=16)] = 1
    """Number of pods that share sending requests and watching instances, for loads that one pod
    cannot handle. Each pod handles every shards-th instance and its share of the concurrency."""
    background: Background | None = None
    """Requests beside the load. They are the run's own and not part of its latencies."""

    rules = (
        Rule(
            one_of(this.arrival, "constant", "poisson", "ramp") == has(this.rate),
            "set rate with arrival constant, poisson or ramp, and only then",
            field="rate",
        ),
        Rule(
            ((this.arrival == "ramp") == has(this.to_rate))
            & ((this.arrival == "ramp") == has(this.ramp_duration)),
            "set toRate and rampDuration with arrival ramp, and only then",
        ),
        Rule(
            (this.arrival == "burst") == has(this.burst),
            "set burst with arrival burst, and only then",
            field="burst",
        ),
    )

    @property
    def max_send_lag_seconds(self) -> float:
        return duration_seconds(self.max_send_lag)


class Operation(StrEnum):
    """What a phase does."""

    CREATE = "create"
    UPDATE = "update"
    UPDATE_RGD = "update-rgd"
    DELETE = "delete"
    CHURN = "churn"
    MIX = "mix"
    RESTART = "restart"
    UPGRADE = "upgrade"

    @property
    def replaces_kro(self) -> bool:
        """Whether it replaces kro's pods and leaves the objects of the test alone."""
        return self in (Operation.RESTART, Operation.UPGRADE)


class Churn(SpecModel):
    """Replaces instances: in each interval a share of them is deleted, and the same number of new
    ones is created, spread evenly over the interval."""

    share: Annotated[float, Field(ge=0.001, le=1)] = 0.1
    """Share of the instances to replace in each interval; at least one instance."""
    interval: Annotated[Duration, Between("100ms", "1h")] = "10s"
    """Length of an interval."""
    rounds: Annotated[int, Field(ge=1, le=1000)] = 3
    """Number of intervals."""

    @property
    def interval_seconds(self) -> float:
        return duration_seconds(self.interval)


class Mix(SpecModel):
    """Operations drawn at random by weight."""

    create: Weight = 1
    """Weight of creating an instance."""
    update: Weight = 8
    """Weight of updating the spec of an instance."""
    delete: Weight = 1
    """Weight of deleting an instance."""
    seed: Seed = 0
    """Random seed. The same seed gives the same operations; every iteration uses the same ones."""

    rules = (
        Rule(
            this.create + this.update + this.delete > 0,
            "set at least one of create, update and delete above 0",
        ),
    )


class LoadPhase(SpecModel):
    """A phase of a test's load. The next phase starts when all operations have ended."""

    operation: Operation
    """What the phase does. create: creates further instances; update: updates the spec of
    instances; update-rgd: updates the RGD, and thereby the children of all its instances; delete:
    deletes instances; churn: replaces a share of the instances repeatedly; mix: draws operations
    on instances at random; restart: deletes kro's pods and measures the new ones until kro has
    reconciled every instance again (figures kro.restart); upgrade: the same with another image of
    kro, which is put back at the end of the iteration (figures kro.upgrade). restart and upgrade
    can occur once in a test, and require the chart value variants.enabled."""
    image: Image | None = None
    """For upgrade: the image of kro's container in this phase and those after it. CRDs are not
    changed."""
    count: Annotated[int, Field(ge=1, le=MAX_OPERATIONS)] | None = None
    """Number of operations. Required for mix. By default: create: workload.instances; update and
    delete: every instance once; update-rgd: every RGD once."""
    values: Annotated[dict[str, Any], Field(json_schema_extra=ANYTHING)] | None = None
    """For update and mix: a merge patch of the instance's spec. It must change the spec: in
    strings, {{round}} is replaced by the number of the instance's update, from 1, and {{index}} by
    the index of the instance. Scenarios and generators have a default."""
    churn: Churn | None = None
    """For churn: how many instances to replace, and how often."""
    mix: Mix | None = None
    """For mix: how often to draw each operation."""
    load: Load | None = None
    """When the operations are sent; the load of the test by default. churn has its own schedule and
    only uses maxSendLag and maxInFlight of the test's load."""

    rules = (
        Rule(
            implies(has(this.load), this.load.shards == 1),
            "must be 1 in a phase: only a test without phases can be sharded",
            field="load.shards",
        ),
        Rule(
            implies(has(this.load), ~has(this.load.background)),
            "set it in the load of the test, for all its phases",
            field="load.background",
        ),
        Rule(
            implies(has(this.churn), this.operation == "churn"),
            "set churn only with operation churn",
            field="churn",
        ),
        Rule(
            implies(has(this.mix), this.operation == "mix"),
            "set mix only with operation mix",
            field="mix",
        ),
        Rule(
            implies(this.operation == "mix", has(this.count)),
            "set the number of operations with operation mix",
            field="count",
        ),
        Rule(
            implies(has(this.count) | has(this.load), this.operation != "churn"),
            "leave out count and load with operation churn: set churn.share, churn.interval and "
            "churn.rounds instead",
        ),
        Rule(
            implies(
                has(this.count) | has(this.load), ~one_of(this.operation, "restart", "upgrade")
            ),
            "leave out count and load with operation restart or upgrade: it sends no operations",
        ),
        Rule(
            has(this.image) == (this.operation == "upgrade"),
            "set image with operation upgrade, and only then",
            field="image",
        ),
        Rule(
            implies(has(this.values), one_of(this.operation, "update", "mix")),
            "set values only with operation update or mix",
            field="values",
        ),
    )

    @property
    def needs_values(self) -> bool:
        """Whether it updates instances without saying which fields change."""
        return self.operation in (Operation.UPDATE, Operation.MIX) and self.values is None
