"""What a load used: of kro, the API server and etcd, in all and for each unit of work.

Figures are of the run phase unless they say otherwise. One that is None was not measured;
``unavailable`` of the iteration says why, under the path of the field, such as
``usage.kro.cpuCores.p95``, or of the field around it.
"""

from pydantic import Field

from krobench.api.common import ApiModel
from krobench.figures.activity import Gates, KroActivity


class Distribution(ApiModel):
    """Values over a phase, of samples at an interval."""

    mean: float | None = None
    """Each sample counts for the time that it stands for."""
    p95: float | None = None
    """Given from 20 samples on."""
    max: float | None = None


class Level(Distribution):
    """The same of something that stands at a level, and has moved by the end of the phase."""

    delta: float | None = None
    """Last minus first."""


class ProcessUse(ApiModel):
    """A process, or the container in which it runs."""

    cpu_seconds: float | None = None
    """Growth of its process_cpu_seconds_total."""
    cpu_cores: Distribution = Field(default_factory=Distribution)
    """Growth of the same between two samples, over the time between them."""
    throttled_periods_ratio: float | None = None
    """CFS periods in which its container was throttled, over all of them, by the kubelet."""
    throttled_seconds: float | None = None
    """Time for which its container's threads were throttled, by the kubelet."""
    resident_bytes: Level = Field(default_factory=Level)
    """process_resident_memory_bytes."""
    working_set_bytes: Level = Field(default_factory=Level)
    """Memory of its container that cannot be reclaimed, by the kubelet."""
    received_bytes: float | None = None
    """By network. kro: of its pod's network. etcd: from its clients. The API server's is not
    available, as it shares its node's network."""
    sent_bytes: float | None = None
    read_bytes: float | None = None
    """From disk, by the kubelet."""
    written_bytes: float | None = None


class GoUse(ApiModel):
    """The runtime of a Go program."""

    heap_bytes: Level = Field(default_factory=Level)
    """go_memstats_heap_alloc_bytes: garbage that was not yet collected included."""
    live_heap_bytes: float | None = None
    """What the last garbage collection of the phase found to be in use."""
    allocated_bytes: float | None = None
    """Allocated in all, whatever became of it."""
    goroutines: Level = Field(default_factory=Level)
    gc_cycles: float | None = None
    gc_pause_seconds: float | None = None
    """Time for which the program stood still for the garbage collector."""
    gc_cpu_seconds: float | None = None
    """CPU time of the garbage collector, as Go estimates it."""


class RequestCount(ApiModel):
    """Requests of one kind."""

    verb: str
    resource: str
    """With its subresource; every kind of an instance is ``instances``."""
    count: float


class ApiServerUse(ApiModel):
    """What an API server did, for everybody."""

    requests: float | None = None
    requests_by: list[RequestCount] = Field(default_factory=list)
    """By verb and resource, most first; of a summary, that of its last iteration."""
    request_mean_seconds: float | None = None
    """Without watches and connections."""
    throttled_requests: float | None = None
    """Answers with 429."""
    in_flight: Distribution = Field(default_factory=Distribution)
    """Requests under way, without watches."""
    watches: Level = Field(default_factory=Level)
    objects: Level = Field(default_factory=Level)
    """Of all kinds, as the server counts them, some seconds late."""
    storage_bytes: Level = Field(default_factory=Level)
    """Size of its database."""
    etcd_request_mean_seconds: float | None = None
    """Of its requests to etcd."""
    gates: Gates = Field(default_factory=Gates)


class EtcdUse(ApiModel):
    """What etcd says of its storage."""

    database_bytes: Level = Field(default_factory=Level)
    """With space that is free to be used again."""
    fsync_mean_seconds: float | None = None
    """Of its write-ahead log."""
    commit_mean_seconds: float | None = None
    """Of its backend."""


class InstanceCost(ApiModel):
    """Totals of the run phase over the instances that became ready."""

    kro_cpu_seconds: float | None = None
    kro_allocated_bytes: float | None = None
    kro_api_requests: float | None = None
    kro_sent_bytes: float | None = None
    """Bodies of kro's requests to the API server."""
    kro_received_bytes: float | None = None
    """Bodies of the answers to them, without watches."""
    kro_reconciles: float | None = None
    api_server_cpu_seconds: float | None = None
    etcd_cpu_seconds: float | None = None


class RgdCost(ApiModel):
    """Growth over the set-up phase, over the RGDs that were made in it."""

    kro_cpu_seconds: float | None = None
    kro_api_requests: float | None = None
    kro_live_heap_bytes: float | None = None
    """Of the live heap. What a collection has not yet seen of it, or of the RGDs of the iteration
    before, falsifies it: the slope over several sizes does not suffer from that."""
    kro_goroutines: float | None = None
    kro_informers: float | None = None
    api_server_watches: float | None = None


class CollectorCost(ApiModel):
    """What sampling took."""

    cpu_seconds: float | None = None
    """CPU time of the collectors' thread in the load Job."""
    load_job_cpu_seconds: float | None = None
    """Of the whole load Job, the collectors included."""
    scrapes: float | None = None
    failed_scrapes: float | None = None
    scraped_bytes: float | None = None


class KroRestart(ApiModel):
    """Another process than before was found to be kro."""

    seconds: float
    """When it was first sampled, on the load Job's monotonic clock since the start of the run."""
    pod: str
    """The pod that is kro since."""
    previous_pod: str | None = None
    """The pod that was kro before, where that is another: kro was rolled out anew, or another
    replica leads. None: its container was restarted."""

    def __str__(self) -> str:
        seen = f"seen {self.seconds:.1f}s after the start of the run"
        if self.previous_pod is None:
            return f"kro was restarted in pod {self.pod}, {seen}"
        return f"kro is another pod now, {self.pod} after {self.previous_pod}, {seen}"


class UsageRecord(ApiModel):
    """What one iteration used, or the median of several."""

    kro: ProcessUse = Field(default_factory=ProcessUse)
    kro_runtime: GoUse = Field(default_factory=GoUse)
    kro_informers: Level = Field(default_factory=Level)
    """Kinds that kro watches: the children's and the instances'."""
    node_cpu_cores: float | None = None
    """Mean of what everything on kro's node used, by the kubelet."""
    activity: KroActivity = Field(default_factory=KroActivity)
    set_up: KroActivity = Field(default_factory=KroActivity)
    """What kro did in the set-up phase."""
    api_server_process: ProcessUse = Field(default_factory=ProcessUse)
    api_server_runtime: GoUse = Field(default_factory=GoUse)
    api_server: ApiServerUse = Field(default_factory=ApiServerUse)
    etcd_process: ProcessUse = Field(default_factory=ProcessUse)
    etcd: EtcdUse = Field(default_factory=EtcdUse)
    per_instance: InstanceCost = Field(default_factory=InstanceCost)
    per_rgd: RgdCost = Field(default_factory=RgdCost)
    collectors: CollectorCost = Field(default_factory=CollectorCost)
    kro_restarts: list[KroRestart] = Field(default_factory=list)
    """In set-up and run; of a summary, of all its iterations."""
