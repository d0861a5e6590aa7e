"""The catalogue of figures: every number that krobench measures, declared once.

The lines are in ``kro.py`` and ``cluster.py``, and here. From a line follow the metrics that are
sampled, the value of each iteration with a reason if there is none, the summary of a test, the
name in thresholds, SLOs and comparisons, the row of the report, and the line in
``docs/reference/figures.md``. To add a figure of a metric that a source already exports, add a
line.

Names are ``[perInstance.|perRgd.|setUp.]<process>.<subject>.<quantity>[.<statistic>]``:

- the process is ``kro``, ``apiServer``, ``etcd``, ``node`` or ``krobench``;
- a quantity ends with its unit (``seconds``, ``receivedBytes``, ``throttledPeriodsRatio``), and a
  plain count names what it counts (``goroutines``, ``requests.total``);
- a statistic is ``mean``, ``p95``, ``max`` or ``delta``, of what is sampled over the phase;
- ``perInstance`` and ``perRgd`` go before the name of what they divide, ``setUp`` before that of
  what is measured in the set-up instead of the run phase.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from krobench.figures.cluster import CLUSTER_FIGURES, CLUSTER_PARTS
from krobench.figures.figure import Figure, How, Metric, Parts, Per
from krobench.figures.kro import KRO_FIGURES, KRO_PARTS
from krobench.figures.processes import API_SERVER, ETCD, KRO, KROBENCH, by_label
from krobench.figures.rawdata import SourceName

_LAG = (
    "From the answer to a write until its watch event, of a probe that is written twice a second."
)

_OWN_FIGURES: tuple[Figure, ...] = (
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
            Metric(KROBENCH, metric, by=by_label("source", "source")),
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
        short="throughput",
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


FIGURES = (*KRO_FIGURES, *CLUSTER_FIGURES, *_OWN_FIGURES)
PARTS = (*KRO_PARTS, *CLUSTER_PARTS)

ALL: dict[str, Figure] = {each.name: each for figure in FIGURES for each in figure.all()}
"""The lines of the catalogue, with those per instance, per RGD and of the set-up."""
OF_NAME: dict[str, Figure] = {name: each for each in ALL.values() for name in each.names}
"""Each number's line, by its full name."""

COMPANION: dict[SourceName, Metric] = {
    KRO: Metric(KRO, "process_cpu_seconds_total"),
    API_SERVER: Metric(API_SERVER, "apiserver_request_total"),
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
        by=by_label("name", "rgd"),
    ),
    Metric(
        KRO,
        "rgd_graph_build_duration_seconds_count",
        stored_as="builds_of",
        by=by_label("name", "rgd"),
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
