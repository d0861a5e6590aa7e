"""What krobench writes on objects of a cluster for another of its pods to read."""

from typing import Any, Literal

from pydantic import Field

from krobench.api.common import API_GROUP, ApiModel, ErrorInfo

VARIANT_ANNOTATION = f"{API_GROUP}/variant"
"""On kro's Deployment: a :class:`KroChange` as JSON. On its pods: the variant's name."""


class FieldChange(ApiModel):
    """A field of kro's container, or the template's annotation, that a variant has changed."""

    field: str
    before: Any = None
    """None: it was not there."""
    after: Any = None


class KroChange(ApiModel):
    """What a run has changed on kro's Deployment, so that any process can undo it."""

    run: str
    """UID of the KroBenchmark."""
    benchmark: str
    """Its namespace and name."""
    variant: str
    container: str
    generation: int
    """The Deployment's generation with this change and no other."""
    changes: list[FieldChange]
    strategy: FieldChange | None = None
    """What a switch between variants has changed on how the Deployment replaces its pods."""


SHARD_LABEL = f"{API_GROUP}/shard"
"""Which shard an instance belongs to."""

SHARD_COMPONENT = "shard"
SHARD_LINES_COMPONENT = "shard-lines"


class CoordinatorMessage(ApiModel):
    """What the coordinator asks of the workers."""

    phase: Literal["wait", "prepare", "run", "over"] = "wait"
    round: int = 0
    """Counts the iterations that were prepared."""
    test: int = 0
    iteration: int = 0
    start_epoch_seconds: float | None = None
    """When the run phase begins."""
    elapsed_seconds: float = 0.0
    """How much of the test's timeout is over then."""
    sent_epoch_seconds: float = 0.0


class ShardReport(ApiModel):
    """A worker's results of an iteration; times are by its own monotonic clock."""

    pieces: list[str] = Field(default_factory=list)
    """ConfigMaps that hold its lines, in order."""
    lines: int
    """How many there are."""
    zero_epoch_seconds: float
    """When its monotonic clock was zero."""
    began_seconds: float | None
    """When it began to send."""
    ended_seconds: float
    fastest_message_seconds: float
    """The shortest time that a message of the coordinator took: its arrival by the worker's wall
    clock minus its sending by the coordinator's. The worker's clock is ahead by no more."""
    error: ErrorInfo | None = None
    watch_interruptions: int = 0
    requests: int = 0


class WorkerMessage(ApiModel):
    """What a worker answers."""

    shard: int
    phase: Literal["arrived", "ready", "running", "done"] = "arrived"
    round: int = 0
    ready_instances: int = 0
    report: ShardReport | None = None
    sent_epoch_seconds: float = 0.0
