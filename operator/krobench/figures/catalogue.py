"""The catalogue of figures: every number that krobench measures, declared once.

From a line here follow the metrics that are sampled, the value of each iteration with a reason if
there is none, the summary of a test, the name in thresholds, SLOs and comparisons, the row of the
report, and the line in ``docs/reference/figures.md``. To add a figure of a metric that a source
already exports, add a line.

Names are ``[perInstance.|perRgd.|setUp.]<process>.<subject>.<quantity>[.<statistic>]``:

- the process is ``kro``, ``apiServer``, ``etcd``, ``node`` or ``krobench``;
- a quantity ends with its unit (``seconds``, ``receivedBytes``, ``throttledPeriodsRatio``), and a
  plain count names what it counts (``goroutines``, ``requests.total``);
- a statistic is ``mean``, ``p95``, ``max`` or ``delta``, of what is sampled over the phase;
- ``perInstance`` and ``perRgd`` go before the name of what they divide, ``setUp`` before that of
  what is measured in the set-up instead of the run phase.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from krobench.api.notation import labelled
from krobench.figures.figure import Figure, Groups, How, Labels, Metric, Parts, Per, Phase
from krobench.figures.lines import SourceName

KRO: SourceName = "kro"
API_SERVER: SourceName = "apiserver"
KUBELET: SourceName = "kubelet"
ETCD: SourceName = "etcd"
KROBENCH: SourceName = "krobench"

OWN_KINDS = "own"
"""Stands for all kinds of a test among the kinds that instance workers were busy with."""
INSTANCES = "instances"
"""Stands for all kinds of a test among the resources of API requests."""
PROCESS_NAMES: dict[SourceName, str] = {KRO: "kro", API_SERVER: "apiServer", ETCD: "etcd"}

_EVERYWHERE = (Phase.SET_UP, Per.INSTANCE, Per.RGD)
_SHARED_NETWORK = "it shares its node's network, so its traffic cannot be told from that of others"


def _container(process: SourceName, metric: str) -> Metric:
    """Return what the kubelet reports of the container of a process."""
    of = {} if process == KRO else {"of": process}
    return Metric(KUBELET, f"container_{metric}", stored_as=labelled(f"container_{metric}", of))


def _process(process: SourceName) -> tuple[Figure, ...]:
    """Return the figures of a process, from its own metrics and those of its container."""
    name = PROCESS_NAMES[process]
    cpu = Metric(process, "process_cpu_seconds_total")
    periods = _container(process, "cpu_cfs_periods_total")
    throttled = _container(process, "cpu_cfs_throttled_periods_total")
    also = _EVERYWHERE if process == KRO else (Per.INSTANCE,)
    resident = Metric(process, "process_resident_memory_bytes")
    return (
        Figure(f"{name}.cpu.seconds", cpu, How.DELTA, "CPU time", also=also),
        Figure(f"{name}.cpu.cores", cpu, How.RATES, "CPU cores"),
        Figure(
            f"{name}.cpu.throttledPeriodsRatio",
            throttled,
            How.STAMPED_RATIO,
            "CPU periods throttled",
            "CFS periods in which the container was throttled, over all of them.",
            second=periods,
        ),
        Figure(
            f"{name}.cpu.throttledSeconds",
            _container(process, "cpu_cfs_throttled_seconds_total"),
            How.STAMPED_DELTA,
            "throttled for",
            "Over all threads of the container.",
        ),
        Figure(f"{name}.memory.residentBytes", resident, How.LEVEL, "resident memory"),
        Figure(
            f"{name}.memory.workingSetBytes",
            _container(process, "memory_working_set_bytes"),
            How.LEVEL,
            "working set by the kubelet",
            "Memory of the container that cannot be reclaimed.",
        ),
        *_network(process, name),
        Figure(
            f"{name}.disk.readBytes",
            _container(process, "fs_reads_bytes_total"),
            How.STAMPED_DELTA,
            "disk read",
        ),
        Figure(
            f"{name}.disk.writtenBytes",
            _container(process, "fs_writes_bytes_total"),
            How.STAMPED_DELTA,
            "disk written",
        ),
    )


def _network(process: SourceName, name: str) -> Iterator[Figure]:
    metrics = {
        KRO: ("process_network_receive_bytes_total", "process_network_transmit_bytes_total"),
        ETCD: (
            "etcd_network_client_grpc_received_bytes_total",
            "etcd_network_client_grpc_sent_bytes_total",
        ),
    }.get(process)
    text = {KRO: "By kro's pod.", ETCD: "From and to its clients."}.get(process, _SHARED_NETWORK)
    for index, word in enumerate(("received", "sent")):
        metric = Metric(process, metrics[index]) if metrics else None
        how = How.DELTA if metrics else How.NEVER
        title = f"network {word}"
        yield Figure(f"{name}.network.{word}Bytes", metric, how, title, text)


def _go_runtime(process: SourceName) -> tuple[Figure, ...]:
    """Return the figures of a Go program's runtime."""
    name = PROCESS_NAMES[process]
    in_kro = process == KRO
    gc = Metric(process, "go_gc_duration_seconds")
    pauses, cycles = gc.of_histogram()

    def one(
        tail: str,
        metric: str | Metric,
        how: How,
        title: str,
        text: str = "",
        also: tuple[Per | Phase, ...] = (),
    ) -> Figure:
        read = Metric(process, metric) if isinstance(metric, str) else metric
        needs = cycles if Per.RGD in also and how is How.LAST else None
        return Figure(f"{name}.{tail}", read, how, title, text, also=also, needs=needs)

    return (
        one(
            "memory.heapBytes",
            "go_memstats_heap_alloc_bytes",
            How.LEVEL,
            "heap",
            "Includes garbage that is not yet collected.",
        ),
        one(
            "memory.liveHeapBytes",
            "go_gc_heap_live_bytes",
            How.LAST,
            "live heap",
            "In use at the last garbage collection of the phase. Per RGD: what a collection has "
            "not yet seen, or of the RGDs of the iteration before, falsifies it; the slope over "
            "several sizes does not suffer from that.",
            (Per.RGD,) if in_kro else (),
        ),
        one(
            "memory.allocatedBytes",
            "go_memstats_alloc_bytes_total",
            How.DELTA,
            "allocated",
            "Includes what was freed again.",
            (Per.INSTANCE,) if in_kro else (),
        ),
        one(
            "goroutines",
            "go_goroutines",
            How.LEVEL,
            "goroutines",
            also=(Per.RGD,) if in_kro else (),
        ),
        one("gc.cycles", cycles, How.DELTA, "garbage collections"),
        one("gc.pauseSeconds", pauses, How.DELTA, "stopped for garbage collection"),
        one(
            "gc.cpuSeconds",
            "go_cpu_classes_gc_total_cpu_seconds_total",
            How.DELTA,
            "CPU time of garbage collection",
            "As Go estimates it.",
        ),
    )


def _pool(name: str, key: str, title: str, queue: str) -> tuple[Figure, ...]:
    """Return the figures of a pool of kro's workers, and of the queue before it."""

    def metric(of: str, stored_as: str) -> Metric:
        return Metric(KRO, f"workqueue_{of}", {"name": queue}, stored_as=f"{key}_{stored_as}")

    work, done = metric("work_duration_seconds", "work_seconds").of_histogram()
    waited = metric("queue_duration_seconds", "queue_wait_seconds")
    unfinished = metric("unfinished_work_seconds", "unfinished_seconds")
    also = (Phase.SET_UP,)
    return (
        Figure(f"kro.{name}.reconciles", done, How.DELTA, f"reconciles, {title}", also=also),
        Figure(
            f"kro.{name}.workSeconds",
            work,
            How.WORK,
            f"work, {title}",
            "Includes waiting for answers of the API server.",
            second=unfinished,
            also=also,
        ),
        Figure(
            f"kro.{name}.queueWaitSeconds",
            waited.of_histogram()[0],
            How.DELTA,
            f"wait in the queue, {title}",
            "Over all that was taken from the queue; without delays before it is queued again.",
            also=also,
        ),
        Figure(
            f"kro.{name}.busyWorkers",
            work,
            How.BUSY,
            f"busy workers, {title}, mean",
            second=unfinished,
            also=also,
        ),
    )


_INSTANCE_QUEUE = "dynamic-controller-queue"
_RECONCILE = Metric(
    KRO,
    "instance_reconcile_duration_seconds",
    older="dynamic_controller_reconcile_duration_seconds",
)


def _by(label: str, name: str = "name") -> Callable[[Labels, Groups], Labels]:
    return lambda labels, _: {name: labels.get(label, "")}


def _by_kind(labels: Labels, own: Groups) -> Labels:
    gvr = labels.get("gvr", "")
    return {"kind": OWN_KINDS if gvr.partition("/")[0] in own else gvr}


def _by_verb_and_resource(labels: Labels, own: Groups) -> Labels:
    if labels.get("group") in own:
        resource = INSTANCES
    else:
        resource = labels.get("resource", "")
        resource = resource if resource in _NAMED_RESOURCES else _OTHER
    subresource = labels.get("subresource")
    if subresource and resource != _OTHER:
        resource = f"{resource}/{subresource}"
    return {"verb": labels.get("verb", ""), "resource": resource}


_OTHER = "other"
_NAMED_RESOURCES = frozenset(
    {
        "resourcegraphdefinitions",
        "graphrevisions",
        "customresourcedefinitions",
        "configmaps",
        "secrets",
        "serviceaccounts",
        "services",
        "deployments",
        "ingresses",
        "networkpolicies",
        "resourcequotas",
        "namespaces",
        "leases",
        "events",
    }
)
_LAG = (
    "From the answer to a write until its watch event, of a probe that is written twice a second."
)
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# They last as long as the client wants, which says nothing about the server.
_LONG_REQUESTS = {"verb": frozenset({"WATCH", "CONNECT"})}
# They never wait, whatever the load.
_EXEMPT = {"priority_level": frozenset({"exempt"})}

_KRO_REQUESTS = Metric(KRO, "rest_client_requests_total")
_KRO_WATCHES = Metric(KRO, "dynamic_controller_watch_count", older="dynamic_controller_gvr_count")
_SERVER_REQUESTS = Metric(API_SERVER, "apiserver_request_total")
_ETCD_REQUESTS = Metric(API_SERVER, "etcd_request_duration_seconds")
_ADMISSION = "apiserver_admission_step_admission_duration_seconds"
_WAIT = Metric(
    API_SERVER,
    "apiserver_flowcontrol_request_wait_duration_seconds_sum",
    exclude=_EXEMPT,
    stored_as="queue_wait_seconds",
)
_REJECTED = "apiserver_flowcontrol_rejected_requests_total"
_WORK_BY_KIND = Metric(
    KRO,
    "dynamic_controller_reconcile_duration_seconds_sum",
    stored_as="work_seconds_of",
    by=_by_kind,
)

FIGURES: tuple[Figure, ...] = (
    # kro
    *_process(KRO),
    *_go_runtime(KRO),
    Figure(
        "kro.cpu.meanCores",
        Metric(KRO, "process_cpu_seconds_total"),
        How.RATE,
        "CPU cores over the whole phase",
    ),
    Figure(
        "kro.cpu.kubeletCores",
        Metric(KUBELET, "container_cpu_usage_seconds_total"),
        How.STAMPED_RATE,
        "CPU cores by the kubelet, mean",
        "The kubelet's own samples are some ten seconds apart.",
    ),
    Figure(
        "kro.watchedKinds",
        _KRO_WATCHES,
        How.LEVEL,
        "kinds watched",
        "The kinds of the children and of the instances.",
        also=(Per.RGD,),
    ),
    Figure("kro.requests.total", _KRO_REQUESTS, How.DELTA, "API requests", also=_EVERYWHERE),
    Figure(
        "kro.requests.writes",
        Metric(KRO, _KRO_REQUESTS.name, {"method": _WRITES}, stored_as="rest_client_writes_total"),
        How.RARE,
        "API requests that write",
        also=(Phase.SET_UP,),
    ),
    Figure(
        "kro.requests.throttled",
        Metric(
            KRO, _KRO_REQUESTS.name, {"code": "429"}, stored_as="rest_client_requests_429_total"
        ),
        How.RARE,
        "API requests answered with 429",
        "kro pauses after each for as long as the answer asks.",
        also=(Phase.SET_UP,),
    ),
    Figure(
        "kro.requests.meanSeconds",
        Metric(KRO, "rest_client_request_duration_seconds"),
        How.MEAN,
        "time of an API request, mean",
        "As kro sees it, with pauses before a retry.",
        also=(Phase.SET_UP,),
    ),
    Figure(
        "kro.requests.sentBytes",
        Metric(KRO, "rest_client_request_size_bytes_sum"),
        How.DELTA,
        "sent in API requests",
        "Bodies of the requests.",
        also=(Per.INSTANCE,),
    ),
    Figure(
        "kro.requests.receivedBytes",
        Metric(KRO, "rest_client_response_size_bytes_sum"),
        How.DELTA,
        "received in API requests",
        "Bodies of the answers, without watches.",
        also=(Per.INSTANCE,),
    ),
    Figure(
        "kro.reconciles.total",
        Metric(KRO, "instance_reconcile_total", older="dynamic_controller_reconcile_total"),
        How.DELTA,
        "reconciles of instances",
        also=(Per.INSTANCE,),
    ),
    Figure(
        "kro.reconciles.failed",
        Metric(KRO, "instance_reconcile_errors_total"),
        How.RARE,
        "reconciles of instances that failed",
        second=Metric(KRO, "instance_reconcile_total", older="dynamic_controller_reconcile_total"),
    ),
    Figure(
        "kro.reconciles.meanSeconds",
        _RECONCILE,
        How.MEAN,
        "time of a reconcile of an instance, mean",
    ),
    Figure(
        "kro.reconciles.delayedRequeues",
        Metric(
            KRO,
            "dynamic_controller_requeue_total",
            {"type": "requeue_after"},
            stored_as="delayed_requeues",
        ),
        How.RARE,
        "reconciles that asked for kro's requeue interval",
        also=(Phase.SET_UP,),
    ),
    *_pool("instancePool", "instance", "instance workers", _INSTANCE_QUEUE),
    *_pool("rgdPool", "rgd", "RGD workers", "ResourceGraphDefinition"),
    *_pool("graphRevisionPool", "graph_revision", "GraphRevision workers", "graphrevision"),
    Figure(
        "kro.instancePool.queueWaitMeanSeconds",
        Metric(
            KRO,
            "workqueue_queue_duration_seconds",
            {"name": _INSTANCE_QUEUE},
            stored_as="instance_queue_wait_seconds",
        ),
        How.MEAN,
        "wait in the queue of the instance workers, mean",
    ),
    # The queue's own gauge; dynamic_controller_queue_length is set when something leaves the
    # queue, and goes stale.
    Figure(
        "kro.instancePool.queueDepth.max",
        Metric(KRO, "workqueue_depth", {"name": _INSTANCE_QUEUE}, stored_as="instance_queue_depth"),
        How.MAXIMUM,
        "queue of the instance workers, longest",
    ),
    Figure(
        "kro.instancePool.ownWorkSeconds",
        _WORK_BY_KIND,
        How.OWN,
        "work of the instance workers on this test's kinds",
        "Of reconciles that ended.",
        also=(Phase.SET_UP,),
    ),
    Figure(
        "kro.instancePool.othersWorkSeconds",
        _WORK_BY_KIND,
        How.OTHERS,
        "work of the instance workers on all other kinds",
        "Of reconciles that ended.",
        also=(Phase.SET_UP,),
    ),
    Figure(
        "kro.cel.evaluations",
        Metric(KRO, "cel_expr_eval_duration_seconds_count"),
        How.DELTA,
        "CEL evaluations",
    ),
    Figure(
        "kro.cel.evaluationMeanSeconds",
        Metric(KRO, "cel_expr_eval_duration_seconds"),
        How.MEAN,
        "time of a CEL evaluation, mean",
    ),
    Figure(
        "setUp.kro.graphBuildMeanSeconds",
        Metric(KRO, "rgd_graph_build_duration_seconds"),
        How.MEAN,
        "time to build an RGD's graph, mean",
        phase=Phase.SET_UP,
    ),
    Figure(
        "setUp.kro.revisionCompileMeanSeconds",
        Metric(KRO, "graph_revision_compile_duration_seconds"),
        How.MEAN,
        "time to compile a GraphRevision, mean",
        phase=Phase.SET_UP,
    ),
    Figure(
        "kro.scheduler.waitMeanSeconds",
        Metric(KRO, "go_sched_latencies_seconds"),
        How.MEAN,
        "wait of a goroutine for a thread, mean",
    ),
    Figure(
        "kro.mutexes.waitSeconds",
        Metric(KRO, "go_sync_mutex_wait_total_seconds_total"),
        How.DELTA,
        "wait of all goroutines for mutexes",
        also=(Per.INSTANCE,),
    ),
    # its node
    Figure(
        "node.cpu.cores",
        Metric(
            KUBELET,
            "container_cpu_usage_seconds_total",
            {"id": "/"},
            stored_as=labelled("container_cpu_usage_seconds_total", {"of": "node"}),
        ),
        How.STAMPED_RATE,
        "CPU cores used by all on kro's node, mean",
    ),
    # the API server, for everybody
    *_process(API_SERVER),
    *_go_runtime(API_SERVER),
    Figure("apiServer.requests.total", _SERVER_REQUESTS, How.DELTA, "API requests by everybody"),
    Figure(
        "apiServer.requests.throttled",
        Metric(
            API_SERVER,
            _SERVER_REQUESTS.name,
            {"code": "429"},
            stored_as="apiserver_request_429_total",
        ),
        How.RARE,
        "answers with 429",
    ),
    Figure(
        "apiServer.requests.meanSeconds",
        Metric(API_SERVER, "apiserver_request_duration_seconds", exclude=_LONG_REQUESTS),
        How.MEAN,
        "time to answer, mean",
        "Without watches and connections.",
    ),
    Figure(
        "apiServer.requests.inFlight",
        Metric(API_SERVER, "apiserver_current_inflight_requests"),
        How.SPREAD,
        "requests in flight",
        "Without watches.",
    ),
    Figure(
        "apiServer.watches",
        Metric(
            API_SERVER,
            "apiserver_longrunning_requests",
            {"verb": "WATCH"},
            stored_as="apiserver_watches",
        ),
        How.LEVEL,
        "watches",
        also=(Per.RGD,),
    ),
    Figure(
        "apiServer.objects",
        Metric(API_SERVER, "apiserver_resource_objects", older="apiserver_storage_objects"),
        How.LEVEL,
        "objects",
        "Of all kinds, as the server counts them, some seconds late.",
    ),
    Figure(
        "apiServer.storageBytes",
        Metric(API_SERVER, "apiserver_storage_size_bytes"),
        How.LEVEL,
        "database",
    ),
    Figure(
        "apiServer.etcdRequests.total",
        _ETCD_REQUESTS.of_histogram()[1],
        How.DELTA,
        "requests to etcd",
    ),
    Figure(
        "apiServer.etcdRequests.meanSeconds",
        _ETCD_REQUESTS,
        How.MEAN,
        "time of a request to etcd, mean",
    ),
    Figure(
        "apiServer.admission.seconds",
        Metric(API_SERVER, f"{_ADMISSION}_sum", stored_as="admission_seconds_sum"),
        How.DELTA,
        "admission of all writes",
        "Webhooks, policies and built-in plugins.",
    ),
    Figure(
        "apiServer.admission.meanSeconds",
        Metric(API_SERVER, f"{_ADMISSION}_sum", stored_as="admission_seconds_sum"),
        How.MEAN,
        "admission of a write, mean",
        # Each write is first admitted, then validated.
        second=Metric(
            API_SERVER,
            f"{_ADMISSION}_count",
            {"type": "admit"},
            stored_as="admission_seconds_count",
        ),
    ),
    Figure(
        "apiServer.flowControl.queueWaitSeconds",
        _WAIT,
        How.RARE,
        "wait in priority and fairness",
        "By all requests but exempt ones.",
    ),
    Figure(
        "apiServer.flowControl.rejected",
        Metric(API_SERVER, _REJECTED),
        How.RARE,
        "requests rejected by priority and fairness",
    ),
    # etcd
    *_process(ETCD),
    *_go_runtime(ETCD),
    Figure(
        "etcd.databaseBytes",
        Metric(ETCD, "etcd_mvcc_db_total_size_in_bytes"),
        How.LEVEL,
        "etcd's database",
        "Includes space that is free to be used again.",
    ),
    Figure(
        "etcd.fsyncMeanSeconds",
        Metric(ETCD, "etcd_disk_wal_fsync_duration_seconds"),
        How.MEAN,
        "etcd's write to its log, mean",
    ),
    Figure(
        "etcd.commitMeanSeconds",
        Metric(ETCD, "etcd_disk_backend_commit_duration_seconds"),
        How.MEAN,
        "etcd's commit, mean",
    ),
    # krobench itself
    Figure(
        "krobench.cpu.seconds",
        Metric(KROBENCH, "process_cpu_seconds_total"),
        How.DELTA,
        "CPU time of the load Job",
        "Includes the collectors.",
    ),
    Figure(
        "krobench.collectors.cpuSeconds",
        Metric(KROBENCH, "collectors_cpu_seconds_total"),
        How.DELTA,
        "CPU time of the collectors",
    ),
    *(
        Figure(
            f"krobench.collectors.{name}",
            Metric(KROBENCH, metric, by=_by("source", "source")),
            How.SUM,
            title,
        )
        for name, metric, title in (
            ("scrapes", "scrapes_total", "scrapes"),
            ("failedScrapes", "failed_scrapes_total", "scrapes that failed"),
            ("scrapedBytes", "scraped_bytes_total", "scraped"),
        )
    ),
    *(
        Figure(name, None, How.GIVEN, title, text)
        for name, title, text in (
            (
                "krobench.requests.total",
                "API requests by krobench",
                "Includes watches, and scrapes through the API server.",
            ),
            (
                "krobench.load.cpuSeconds",
                "CPU time of the load",
                "Of the load Job in set-up and run.",
            ),
            ("krobench.load.residentMaxBytes", "memory of the load Job, max", "So far."),
            ("krobench.load.watchEvents", "watch events that the load Job read", ""),
            (
                "krobench.load.cpuSecondsPerWatchEvent",
                "CPU time of the load Job per watch event",
                "",
            ),
            ("krobench.shards.count", "pods that sent the load", ""),
            ("krobench.shards.startSpreadSeconds", "first to last start of a shard", ""),
            ("krobench.shards.clockUncertaintySeconds", "uncertainty of the shards' clocks", ""),
            ("krobench.watch.interruptions", "watches that broke off", ""),
            ("krobench.watch.lagSeconds.p50", "lag of a watch, p50", _LAG),
            ("krobench.watch.lagSeconds.p99", "lag of a watch, p99", _LAG),
            ("krobench.watch.lagSeconds.max", "lag of a watch, max", _LAG),
        )
    ),
    # the load
    Figure(
        "throughput.instancesPerSecond",
        None,
        How.GIVEN,
        "instances that became ready",
        "From the first request to the last instance ready.",
        higher_is_better=True,
    ),
    Figure(
        "duration.runSeconds",
        None,
        How.TIME,
        "length of the run phase",
        "From the first instance's request to the end of the last one.",
    ),
    Figure(
        "duration.setUpSeconds",
        None,
        How.GIVEN,
        "length of the set-up",
        "From the first RGD's request until the last is Ready.",
    ),
)

PARTS: tuple[Parts, ...] = (
    *(
        Parts(prefix + name, metric, title, phase)
        for prefix, phase in (("", Phase.RUN), ("setUp.", Phase.SET_UP))
        for name, metric, title in (
            (
                "kro.instancePool.othersWork",
                _WORK_BY_KIND,
                "work of the instance workers on other kinds, by group/version/resource",
            ),
            (
                "kro.failedBuilds",
                Metric(KRO, "rgd_graph_build_errors_total", by=_by("name", "rgd")),
                "graphs that could not be built, by RGD",
            ),
            (
                "kro.failedBuildSeconds",
                Metric(KRO, "failed_build_seconds", by=_by("name", "rgd"), derived=True),
                "time of builds that failed, by RGD",
            ),
        )
    ),
    Parts(
        "apiServer.requests.byKind",
        Metric(
            API_SERVER,
            _SERVER_REQUESTS.name,
            stored_as="apiserver_requests_by",
            by=_by_verb_and_resource,
        ),
        "requests, by verb and resource",
        most=60,
    ),
    Parts(
        "apiServer.admission.webhooks",
        Metric(
            API_SERVER,
            "apiserver_admission_webhook_admission_duration_seconds_sum",
            stored_as="webhook_seconds",
            by=_by("name"),
        ),
        "time of webhooks, by webhook",
        most=None,
    ),
    Parts(
        "apiServer.flowControl.queues",
        Metric(
            API_SERVER,
            _WAIT.name,
            exclude=_EXEMPT,
            stored_as=_WAIT.stored_as,
            by=_by("priority_level"),
        ),
        "wait in priority and fairness, by priority level",
        most=None,
    ),
    Parts(
        "apiServer.flowControl.rejections",
        Metric(API_SERVER, _REJECTED, stored_as="rejected_requests", by=_by("flow_schema")),
        "requests rejected, by FlowSchema",
        most=None,
    ),
)

ALL: dict[str, Figure] = {each.name: each for figure in FIGURES for each in figure.all()}
"""The lines of the catalogue, with those per instance, per RGD and of the set-up."""
OF_NAME: dict[str, Figure] = {name: each for each in ALL.values() for name in each.names}
"""Each number's line, by its full name."""

COMPANION: dict[SourceName, Metric] = {
    KRO: Metric(KRO, "process_cpu_seconds_total"),
    API_SERVER: _SERVER_REQUESTS,
    KROBENCH: Metric(KROBENCH, "collectors_cpu_seconds_total"),
}
"""A metric that each scrape of a source has: if it was sampled and a rare counter was not, the
event of the counter never occurred."""

RAW_ONLY: tuple[Metric, ...] = (
    *(Metric(source, "process_start_time_seconds") for source in (KRO, API_SERVER, ETCD)),
    Metric(ETCD, "etcd_mvcc_db_total_size_in_use_in_bytes"),
    Metric(
        KRO,
        "rgd_graph_build_duration_seconds_sum",
        stored_as="build_seconds_of",
        by=_by("name", "rgd"),
    ),
    Metric(
        KRO, "rgd_graph_build_duration_seconds_count", stored_as="builds_of", by=_by("name", "rgd")
    ),
)
"""Sampled for other uses than a figure: to notice restarts, and to share out the time of builds."""


@dataclass(frozen=True)
class Pool:
    """The figures of a pool of kro's workers by which it is judged."""

    work_seconds: Figure
    queue_wait_seconds: Figure


def metrics_of(source: SourceName) -> Iterator[Metric]:
    """Yield the metrics of a source that are sampled, some more than once."""
    for each in FIGURES:
        yield from (metric for metric in each.metrics if metric.source == source)
    of_parts = (each.metric for each in PARTS)
    yield from (m for m in of_parts if m.source == source and not m.derived)
    yield from (metric for metric in RAW_ONLY if metric.source == source)


def figure(name: str) -> Figure:
    """Return a line of the catalogue by its name."""
    return ALL[name]


def parts(name: str) -> Parts:
    """Return what a sum consists of, by its name."""
    return next(each for each in PARTS if each.name == name)


KRO_CPU_SECONDS = figure("kro.cpu.seconds")
KRO_CPU_CORES = figure("kro.cpu.meanCores")
KRO_THROTTLED_RATIO = figure("kro.cpu.throttledPeriodsRatio")
KRO_RESIDENT = figure("kro.memory.residentBytes")
KRO_WORKING_SET = figure("kro.memory.workingSetBytes")
KRO_HEAP = figure("kro.memory.heapBytes")
KRO_LIVE_HEAP = figure("kro.memory.liveHeapBytes")
KRO_ALLOCATED = figure("kro.memory.allocatedBytes")
KRO_GOROUTINES = figure("kro.goroutines")
KRO_GC_CYCLES = figure("kro.gc.cycles")
KRO_GC_CPU_SECONDS = figure("kro.gc.cpuSeconds")
KRO_WATCHED_KINDS = figure("kro.watchedKinds")
KRO_REQUESTS = figure("kro.requests.total")
KRO_THROTTLED_REQUESTS = figure("kro.requests.throttled")
KRO_REQUEST_MEAN_SECONDS = figure("kro.requests.meanSeconds")
KRO_RECONCILES = figure("kro.reconciles.total")
FAILED_RECONCILES = figure("kro.reconciles.failed")
RECONCILE_MEAN_SECONDS = figure("kro.reconciles.meanSeconds")
DELAYED_REQUEUES = figure("kro.reconciles.delayedRequeues")
INSTANCE_POOL_RECONCILES = figure("kro.instancePool.reconciles")
INSTANCE_WORK_SECONDS = figure("kro.instancePool.workSeconds")
INSTANCE_QUEUE_SECONDS = figure("kro.instancePool.queueWaitSeconds")
INSTANCE_QUEUE_MEAN_SECONDS = figure("kro.instancePool.queueWaitMeanSeconds")
OWN_WORK_SECONDS = figure("kro.instancePool.ownWorkSeconds")
OTHERS_WORK_SECONDS = figure("kro.instancePool.othersWorkSeconds")
CEL_EVALUATIONS = figure("kro.cel.evaluations")
CEL_EVALUATION_MEAN_SECONDS = figure("kro.cel.evaluationMeanSeconds")
NODE_CPU_CORES = figure("node.cpu.cores")
API_SERVER_CPU_SECONDS = figure("apiServer.cpu.seconds")
API_SERVER_REQUESTS = figure("apiServer.requests.total")
API_SERVER_THROTTLED = figure("apiServer.requests.throttled")
API_SERVER_REQUEST_MEAN_SECONDS = figure("apiServer.requests.meanSeconds")
IN_FLIGHT = figure("apiServer.requests.inFlight")
ETCD_REQUESTS = figure("apiServer.etcdRequests.total")
ETCD_REQUEST_MEAN_SECONDS = figure("apiServer.etcdRequests.meanSeconds")
ADMISSION_SECONDS = figure("apiServer.admission.seconds")
ADMISSION_MEAN_SECONDS = figure("apiServer.admission.meanSeconds")
FLOW_CONTROL_WAIT_SECONDS = figure("apiServer.flowControl.queueWaitSeconds")
REJECTED_REQUESTS = figure("apiServer.flowControl.rejected")
ETCD_CPU_SECONDS = figure("etcd.cpu.seconds")
ETCD_FSYNC_MEAN_SECONDS = figure("etcd.fsyncMeanSeconds")
KROBENCH_REQUESTS = figure("krobench.requests.total")
LOAD_CPU_SECONDS = figure("krobench.load.cpuSeconds")
WATCH_INTERRUPTIONS = figure("krobench.watch.interruptions")
THROUGHPUT = figure("throughput.instancesPerSecond")
RUN_SECONDS = figure("duration.runSeconds")
SET_UP_SECONDS = figure("duration.setUpSeconds")

INSTANCE_POOL = Pool(INSTANCE_WORK_SECONDS, INSTANCE_QUEUE_SECONDS)
RGD_POOL = Pool(
    figure("setUp.kro.rgdPool.workSeconds"), figure("setUp.kro.rgdPool.queueWaitSeconds")
)
GRAPH_REVISION_POOL = Pool(
    figure("setUp.kro.graphRevisionPool.workSeconds"),
    figure("setUp.kro.graphRevisionPool.queueWaitSeconds"),
)

OTHERS_WORK = parts("kro.instancePool.othersWork")
FAILED_BUILDS = parts("setUp.kro.failedBuilds")
FAILED_BUILD_SECONDS = parts("setUp.kro.failedBuildSeconds")
REQUESTS_BY_KIND = parts("apiServer.requests.byKind")
WEBHOOKS = parts("apiServer.admission.webhooks")
QUEUES = parts("apiServer.flowControl.queues")
REJECTIONS = parts("apiServer.flowControl.rejections")

PRIMARY = (
    "latency.instanceReady.p50",
    "latency.instanceReady.p90",
    "latency.instanceReady.p99",
    THROUGHPUT.name,
    KRO_CPU_SECONDS.per_instance.name,
    KRO_RESIDENT.max.name,
    KRO_REQUESTS.per_instance.name,
)
"""What comparisons judge unless the spec names other metrics."""
SOAKED = (KRO_RESIDENT, KRO_WORKING_SET, KRO_HEAP)
"""Measured until the end of a soak, if there is one: kro's memory may go on growing then."""
PER_INSTANCE = tuple(each for each in ALL.values() if each.per is Per.INSTANCE)
