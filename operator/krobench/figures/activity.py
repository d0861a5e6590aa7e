"""What kro's workers were busy with in a phase, and how long its requests took."""

from pydantic import Field

from krobench.api.common import ApiModel

OWN_KINDS = "own"
"""What stands for all kinds of a test among those that instance workers were busy with."""


class PoolUse(ApiModel):
    """A pool of kro's workers, and the queue before it."""

    reconciles: float | None = None
    """Taken from the queue and done."""
    work_seconds: float | None = None
    """Time that its workers spent on reconciles, those under way at a border in part; waiting for
    answers of the API server is work, too."""
    queue_wait_seconds: float | None = None
    """Time that what was taken from the queue had waited in it, in all. Delays before something
    is queued again are not in it."""
    busy_workers: float | None = None
    """Mean number of workers at work: ``work_seconds`` over the time of the phase."""


class Part(ApiModel):
    """One of the parts of a sum, the largest of which are kept."""

    name: str
    value: float


class KroActivity(ApiModel):
    """What kro did in a phase."""

    seconds: float | None = None
    """Run phase: its length. Set-up: from the first RGD's request until the last was Ready."""
    instance_pool: PoolUse = Field(default_factory=PoolUse)
    rgd_pool: PoolUse = Field(default_factory=PoolUse)
    graph_revision_pool: PoolUse = Field(default_factory=PoolUse)
    requests: float | None = None
    """By kro to the API server."""
    write_requests: float | None = None
    request_mean_seconds: float | None = None
    """Time to an answer as kro sees it, with pauses before a repetition."""
    throttled_requests: float | None = None
    """Answers with 429 that kro got; kro pauses after each for as long as it is told to."""
    delayed_requeues: float | None = None
    """Reconciles that asked to be repeated after kro's requeue interval."""
    failed_builds: list[Part] = Field(default_factory=list)
    """Graphs that could not be built, by RGD."""
    failed_build_seconds: list[Part] = Field(default_factory=list)
    """Time that went into building them in vain, by RGD."""
    own_work_seconds: float | None = None
    """Time of the instance workers that went to this test's kinds, by reconciles that ended."""
    others_work_seconds: float | None = None
    """The same of all other kinds."""
    others_work: list[Part] = Field(default_factory=list)
    """The same by kind, as group/version/resource."""


class Gates(ApiModel):
    """What requests of everybody passed, or waited for, within the API server."""

    admission_seconds: float | None = None
    """Admission of all writes: webhooks, policies and built-in plugins."""
    admission_mean_seconds: float | None = None
    """For each write."""
    webhooks: list[Part] = Field(default_factory=list)
    """Seconds by webhook."""
    queue_wait_seconds: float | None = None
    """Waiting in the queues of priority and fairness, by all but exempt requests."""
    queues: list[Part] = Field(default_factory=list)
    """The same by priority level."""
    rejected_requests: float | None = None
    """Refused by priority and fairness with 429."""
    rejections: list[Part] = Field(default_factory=list)
    """The same by FlowSchema."""
    etcd_requests: float | None = None
    """Of the API server to etcd."""
