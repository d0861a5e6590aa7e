"""What is measured of an iteration or a test, in the form in which it is stored."""

from krobench.api.common import ApiModel


class LatencySummary(ApiModel):
    """Percentiles of a set of durations.

    A percentile is absent where the sample is too small for it; censored observations (objects
    that never got there) are counted and, being longer than every finished one, take the top
    ranks: a percentile that falls among them is absent too.
    """

    n: int
    """Objects that got there."""
    censored: int = 0
    """Objects that were waited for in vain."""
    p50_seconds: float | None = None
    p90_seconds: float | None = None
    p99_seconds: float | None = None
    max_seconds: float | None = None
    mean_seconds: float | None = None


class Latencies(ApiModel):
    """Latency by phase of an object's life, all by one monotonic clock.

    In an open loop, those of instances count from the intended time of the create request.
    """

    instance_ready: LatencySummary | None = None
    """From the create request of an instance until Ready=True was seen."""
    instance_first_child: LatencySummary | None = None
    """From the create request of an instance until the first of its children was seen."""
    instance_last_child: LatencySummary | None = None
    """From the create request of an instance until the last of its children was seen."""
    instance_active: LatencySummary | None = None
    """From the create request of an instance until status.state=ACTIVE was seen."""
    rgd_picked_up: LatencySummary | None = None
    """From sending the create request of an RGD until kro's finalizer was seen on it."""
    rgd_accepted: LatencySummary | None = None
    """From sending the create request of an RGD until GraphAccepted=True was seen."""
    rgd_compiled: LatencySummary | None = None
    """From sending the create request of an RGD until its GraphRevision was seen Ready."""
    rgd_established: LatencySummary | None = None
    """From sending the create request of an RGD until its CRD was seen Established."""
    rgd_ready: LatencySummary | None = None
    """From sending the create request of an RGD until Ready=True was seen."""
    instance_updated: LatencySummary | None = None
    """From the update request of an instance until Ready=True of the new generation was seen."""
    rgd_updated: LatencySummary | None = None
    """From the update request of an RGD until Ready=True of the new generation was seen."""
    instance_fanned_out: LatencySummary | None = None
    """From the update request of an RGD until all children of an instance had taken it over."""
    instance_gone: LatencySummary | None = None
    """From the delete request of an instance until it was gone; of the tear-down's deletions
    where no step deletes."""


class CpuUse(ApiModel):
    """CPU time of the kro container during the run phase."""

    kro_seconds: float | None = None
    """Delta of process_cpu_seconds_total of kro."""
    kro_mean_cores: float | None = None
    """``kro_seconds`` over the time between these two samples."""
    kubelet_mean_cores: float | None = None
    """The same by the kubelet, whose own samples are some ten seconds apart."""
    throttled_periods_ratio: float | None = None
    """CFS periods in which the container was throttled, over all of them, by the kubelet."""


class MemoryUse(ApiModel):
    """Memory of the kro container during the run phase."""

    resident_max_bytes: int | None = None
    """Largest process_resident_memory_bytes seen."""
    resident_delta_bytes: int | None = None
    """Last minus first process_resident_memory_bytes."""
    heap_max_bytes: int | None = None
    """Largest go_memstats_heap_alloc_bytes seen."""
    working_set_max_bytes: int | None = None
    """Largest container_memory_working_set_bytes seen, from the kubelet."""


class ApiRequests(ApiModel):
    """Requests made to the API server during the run phase."""

    kro: float | None = None
    """By kro: delta of its rest_client_requests_total."""
    krobench: int | None = None
    """By this load Job, watches and scrapes through the API server included."""
    total: float | None = None
    """By everybody: delta of apiserver_request_total (of the API server that was scraped)."""


class Throughput(ApiModel):
    """Rates over the run phase."""

    instances_per_second: float | None = None
    """Instances that became ready over the time from the first request to the last ready."""


class Counts(ApiModel):
    """What became of the instances."""

    requested: int
    sent: int = 0
    """Create requests that were sent; the others were not, as the iteration ended before."""
    late: int = 0
    """Open loop: create requests that were sent later than maxSendLag after their time."""
    created: int = 0
    ready: int = 0
    failed: int = 0
    """Create requests that were refused."""
    censored: int = 0
    """Created, but not ready when the time was over."""
    retried: int = 0
    """Requests that were sent again after a 429, a 5xx or no answer."""
    throttled: int = 0
    """Answers with 429."""
    server_errors: int = 0
    """Answers with 5xx."""


class OperationCounts(ApiModel):
    """What became of the operations of a step."""

    requested: int
    sent: int = 0
    late: int = 0
    """Open loop: requests that were sent later than maxSendLag after their time."""
    done: int = 0
    """Operations that had their effect: ready with the new spec, or gone."""
    failed: int = 0
    """Requests that were refused, or changed nothing."""
    censored: int = 0
    """Answered, but without effect when the time was over."""
    retried: int = 0
    throttled: int = 0
    """Answers with 429."""
    server_errors: int = 0
    """Answers with 5xx."""


class LoadGenerator(ApiModel):
    """Whether an open loop kept its schedule.

    For several iterations taken together, the rates are medians and the lags the worst.
    """

    requested_per_second: float | None = None
    """Rate of the schedule from its first to its last time (of those that came before the
    iteration ended); None where these are the same, as in a single burst."""
    achieved_per_second: float | None = None
    """Requests sent over the time of the schedule, or over the time that sending took where
    that is longer by more than maxSendLag."""
    send_lag_p50_seconds: float | None = None
    """Half of the requests were sent no later than this after their intended time."""
    send_lag_p99_seconds: float | None = None
    """The same of 99 %, rounded up to a whole request: of fewer than 100, it is the largest."""
    send_lag_max_seconds: float | None = None
