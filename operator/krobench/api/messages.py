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
    """What a run has changed on kro's Deployment: enough to undo it, for whoever finds it."""

    run: str
    """UID of the KroBenchmark."""
    benchmark: str
    """Its namespace and name."""
    variant: str
    container: str
    generation: int
    """The Deployment's generation with this change and no other."""
    changes: list[FieldChange]


SHARD_LABEL = f"{API_GROUP}/shard"
"""Which shard an instance belongs to."""

SHARD_COMPONENT = "shard"
SHARD_LINES_COMPONENT = "shard-lines"


class LeaderWord(ApiModel):
    """What the leader asks of the shards."""

    phase: Literal["wait", "prepare", "run", "over"] = "wait"
    round: int = 0
    """Counts the iterations that were prepared."""
    test: int = 0
    iteration: int = 0
    start_epoch_seconds: float | None = None
    """When the run phase begins."""
    elapsed_seconds: float = 0.0
    """How much of the test's timeout is over then."""
    said_epoch_seconds: float = 0.0


class ShardReport(ApiModel):
    """What a shard came to in an iteration; times are by its own monotonic clock."""

    pieces: list[str] = Field(default_factory=list)
    """ConfigMaps that hold its lines, in order."""
    lines: int
    """How many there are."""
    zero_epoch_seconds: float
    """When its monotonic clock stood at zero."""
    began_seconds: float | None
    """When it began to send."""
    ended_seconds: float
    fastest_word_seconds: float
    """The least time that a word of the leader took, its arrival by the shard's wall clock less
    its sending by the leader's: the shard's clock is ahead of the leader's by no more."""
    error: ErrorInfo | None = None
    watch_interruptions: int = 0
    requests: int = 0


class ShardWord(ApiModel):
    """What a shard answers."""

    shard: int
    phase: Literal["arrived", "ready", "running", "done"] = "arrived"
    round: int = 0
    ready_instances: int = 0
    report: ShardReport | None = None
    said_epoch_seconds: float = 0.0
