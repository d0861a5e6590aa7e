"""The raw lines of a run record: one object and operation, or one sample, each.

All lines of a file have the same columns, so that each opens as a table. They are dataclasses with
slots because a run has many thousands of them in memory: a model takes four times as much.
"""

from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from krobench.api.common import ApiModel

# Built now: two threads of a load Job may make their first lines at the same time.
_CONFIG = ConfigDict(**{**ApiModel.model_config, "defer_build": False})

SourceName = Literal["kro", "apiserver", "kubelet", "etcd", "krobench"]
"""Where a sample is from; krobench: what sampling itself took."""

CelWhat = Literal[
    "evaluations",
    "reconciles",
    "graph builds",
    "revision compilations",
    "heap growth",
    "fresh evaluations",
    "fresh reconciles",
    "restart revisions",
    "restart compilations",
    "first evaluations",
    "later evaluations",
]
"""evaluations: of one window in which kro reconciled no other instance. reconciles: of the
iteration's windows together. graph builds, revision compilations: with one change of the RGD.
heap growth: with one too, in a round before the iterations. fresh: of all expressions together,
just after their RGDs were compiled again. restart: how many revisions kro had to compile when it
was restarted, and what compiling all of them took. first and later evaluations: of one reconcile
each, in the process that was started then."""


@dataclass(slots=True, kw_only=True, config=_CONFIG)
class ObjectRecord:
    """A line of ``objects.jsonl``: one object and operation.

    Times are seconds on the load Job's monotonic clock since the start of the run; ``null``
    if that point was never reached.
    """

    test: str
    iteration: int
    warmup: bool
    operation: Literal[
        "create-rgd",
        "create-instance",
        "update-instance",
        "update-rgd",
        "fan-out",
        "delete-instance",
    ]
    """fan-out: an instance's children adopted an update of its RGD; its request is the RGD's."""
    phase: int | None = None
    """Which of the test's phases it belongs to, from 0; None: set-up or tear-down."""
    kind: str
    namespace: str | None = None
    name: str
    intended_seconds: float | None = None
    """Open loop: the scheduled time of the request."""
    sent_seconds: float
    acknowledged_seconds: float | None = None
    picked_up_seconds: float | None = None
    """RGD only: kro's finalizer was seen."""
    accepted_seconds: float | None = None
    """RGD only: GraphAccepted=True was seen."""
    compiled_seconds: float | None = None
    """RGD only: Ready=True of its GraphRevision was seen."""
    established_seconds: float | None = None
    """RGD only: Established=True of its CRD was seen."""
    active_seconds: float | None = None
    """Instance: status.state=ACTIVE was seen. RGD: status.state=Active."""
    first_child_seconds: float | None = None
    """create-instance only: the first of its children was seen."""
    last_child_seconds: float | None = None
    """create-instance only: the last of its children was seen."""
    ready_seconds: float | None = None
    """Ready=True with the observedGeneration of this operation, or a later one, was seen; of
    fan-out: all children had adopted the update."""
    gone_seconds: float | None = None
    """Deletion only: the object was gone."""
    retries: int = 0
    throttled: int = 0
    """Answers with 429."""
    server_errors: int = 0
    """Answers with 5xx."""
    error: str | None = None

    @property
    def start_seconds(self) -> float:
        """The moment from which latencies count.

        In an open loop that is the intended time: a request that was held up by those before
        it has waited since then, whatever kept it waiting.
        """
        return self.sent_seconds if self.intended_seconds is None else self.intended_seconds


@dataclass(slots=True, kw_only=True, config=_CONFIG)
class Sample:
    """A line of ``series.jsonl``: one value of one metric at one moment."""

    seconds: float
    """When it was scraped, on the load Job's monotonic clock since the start of the run."""
    source: SourceName
    metric: str
    value: float
    at: float | None = None
    """The source's own timestamp (seconds since the epoch), if it gives one."""


@dataclass(slots=True, kw_only=True, config=_CONFIG)
class CelLine:
    """A line of ``cel.jsonl``: one reading of what an expression took of kro."""

    test: str
    iteration: int
    """Of the measured ones, from 0; of a restart, which one it was."""
    expression: str | None = None
    """Its name; None: of all together."""
    copies: int | None = None
    """How often the RGD has it."""
    what: CelWhat
    count: int | None = None
    microseconds: float | None = None
    """Of all ``count`` together."""
    bytes: float | None = None
