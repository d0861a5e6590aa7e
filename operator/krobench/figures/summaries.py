"""What is measured of an iteration or a test, in the form in which it is stored."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, RootModel

from krobench.api.common import ApiModel
from krobench.figures.figure import Figure, Parts


class LatencySummary(ApiModel):
    """Percentiles of a set of durations.

    A percentile is absent if the sample is too small for it; censored observations (objects
    that never got there) are counted and, being longer than every finished one, take the top
    ranks: a percentile that falls among them is absent too.
    """

    n: int
    """Objects that got there."""
    censored: int = 0
    """Objects that did not get there in time."""
    p50_seconds: float | None = None
    p90_seconds: float | None = None
    p99_seconds: float | None = None
    max_seconds: float | None = None
    mean_seconds: float | None = None


@dataclass(frozen=True)
class Timed:
    """How a latency is read off the lines of objects: from an operation's request until a moment.

    In an open loop, it counts from the intended time of the request.
    """

    operation: str
    until: str
    """Field of :class:`ObjectRecord`."""
    title: str
    """What tables call it."""
    time: str
    """What sentences call it."""


_Latency = LatencySummary | None


class Latencies(ApiModel):
    """The catalogue of latencies, all by one monotonic clock: a field for each.

    In an open loop, those of instances count from the intended time of the create request.
    """

    instance_ready: Annotated[
        _Latency,
        Timed("create-instance", "ready_seconds", "instance ready", "time until ready"),
    ] = None
    """From the create request of an instance until Ready=True was seen."""
    instance_first_child: Annotated[
        _Latency,
        Timed(
            "create-instance",
            "first_child_seconds",
            "first child seen",
            "time until the first child",
        ),
    ] = None
    """From the create request of an instance until the first of its children was seen."""
    instance_last_child: Annotated[
        _Latency,
        Timed(
            "create-instance", "last_child_seconds", "last child seen", "time until the last child"
        ),
    ] = None
    """From the create request of an instance until the last of its children was seen."""
    instance_active: Annotated[
        _Latency,
        Timed("create-instance", "active_seconds", "instance ACTIVE", "time until ACTIVE"),
    ] = None
    """From the create request of an instance until status.state=ACTIVE was seen."""
    rgd_picked_up: Annotated[
        _Latency,
        Timed(
            "create-rgd",
            "picked_up_seconds",
            "RGD picked up by kro",
            "time until kro picks up an RGD",
        ),
    ] = None
    """From sending the create request of an RGD until kro's finalizer was seen on it."""
    rgd_accepted: Annotated[
        _Latency,
        Timed("create-rgd", "accepted_seconds", "RGD accepted", "time until an RGD is accepted"),
    ] = None
    """From sending the create request of an RGD until GraphAccepted=True was seen."""
    rgd_compiled: Annotated[
        _Latency,
        Timed(
            "create-rgd",
            "compiled_seconds",
            "RGD's graph compiled",
            "time until an RGD's graph is compiled",
        ),
    ] = None
    """From sending the create request of an RGD until its GraphRevision was seen Ready."""
    rgd_established: Annotated[
        _Latency,
        Timed(
            "create-rgd",
            "established_seconds",
            "RGD's CRD established",
            "time until an RGD's CRD is established",
        ),
    ] = None
    """From sending the create request of an RGD until its CRD was seen Established."""
    rgd_ready: Annotated[
        _Latency, Timed("create-rgd", "ready_seconds", "RGD ready", "time until an RGD is ready")
    ] = None
    """From sending the create request of an RGD until Ready=True was seen."""
    instance_updated: Annotated[
        _Latency,
        Timed("update-instance", "ready_seconds", "instance updated", "time until updated"),
    ] = None
    """From the update request of an instance until Ready=True of the new generation was seen."""
    rgd_updated: Annotated[
        _Latency,
        Timed("update-rgd", "ready_seconds", "RGD updated", "time until an RGD is updated"),
    ] = None
    """From the update request of an RGD until Ready=True of the new generation was seen."""
    instance_fanned_out: Annotated[
        _Latency,
        Timed(
            "fan-out",
            "ready_seconds",
            "RGD update on an instance's children",
            "time until an RGD's update is on an instance's children",
        ),
    ] = None
    """From the update request of an RGD until all children of an instance had taken it over."""
    instance_gone: Annotated[
        _Latency, Timed("delete-instance", "gone_seconds", "instance deleted", "time until gone")
    ] = None
    """From the delete request of an instance until it was gone; of the tear-down's deletions
    if no phase deletes."""


class Figures(RootModel[dict[str, float]]):
    """Figures of the catalogue by name; one that was not measured is absent."""

    root: dict[str, float] = Field(default_factory=dict)

    def __getitem__(self, figure: Figure) -> float | None:
        """Return a figure; None if it was not measured."""
        return self.root.get(figure.name)


class Part(ApiModel):
    """One of the parts of a sum, the largest of which are kept."""

    name: str
    value: float


class PartLists(RootModel[dict[str, list[Part]]]):
    """What sums consist of, by the name of the list."""

    root: dict[str, list[Part]] = Field(default_factory=dict)

    def __getitem__(self, parts: Parts) -> list[Part]:
        """Return the parts, the largest first; none if there was nothing, or it is not known."""
        return self.root.get(parts.name, [])


class KroRestart(ApiModel):
    """Another process than before was found to be kro."""

    seconds: float
    """When it was first sampled, on the load Job's monotonic clock since the start of the run."""
    pod: str
    """The pod that is kro since."""
    previous_pod: str | None = None
    """The pod that was kro before, if that is another: kro was rolled out again, or another
    replica leads. None: its container was restarted."""


class RequestCounts(ApiModel):
    """How many requests of a load got how far."""

    requested: int
    sent: int = 0
    """Requests that were sent; the others were not, because the iteration ended before."""
    late: int = 0
    """Open loop: requests that were sent later than maxSendLag after their time."""
    failed: int = 0
    """Requests that were refused, or changed nothing."""
    censored: int = 0
    """Answered, but without effect when the time was over, such as not ready."""
    retried: int = 0
    """Requests that were sent again after a 429, a 5xx or no answer."""
    throttled: int = 0
    """Answers with 429."""
    server_errors: int = 0
    """Answers with 5xx."""


class Counts(RequestCounts):
    """How many instances got how far."""

    created: int = 0
    ready: int = 0


class OperationCounts(RequestCounts):
    """How many operations of a phase got how far."""

    done: int = 0
    """Operations that had their effect: ready with the new spec, or gone."""


class LoadGenerator(ApiModel):
    """Whether an open loop kept its schedule.

    For several iterations taken together, the rates are medians and the lags the worst.
    """

    requested_per_second: float | None = None
    """Rate of the schedule from its first to its last time (of those that came before the
    iteration ended); None if these are the same, as in a single burst."""
    achieved_per_second: float | None = None
    """Requests sent over the time of the schedule, or over the time that sending took if
    that is longer by more than maxSendLag."""
    send_lag_p50_seconds: float | None = None
    """Half of the requests were sent no later than this after their intended time."""
    send_lag_p99_seconds: float | None = None
    """The same of 99 %, rounded up to a whole request: of fewer than 100, it is the largest."""
    send_lag_max_seconds: float | None = None
