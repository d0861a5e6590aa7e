"""The names that figures had in ``krobench.run/v1``, and the ones that replace them.

Thresholds and comparisons refuse an old name with the new one; old records are read with it.
"""

import re
from collections.abc import Iterator

_STATISTICS = {
    "level": ("mean", "p95", "max", "delta"),
    "spread": ("mean", "p95", "max"),
    "": ("",),
}
_CPU = {
    "cpuSeconds": "cpu.seconds",
    "cpuCores/spread": "cpu.cores",
    "throttledPeriodsRatio": "cpu.throttledPeriodsRatio",
    "throttledSeconds": "cpu.throttledSeconds",
    "residentBytes/level": "memory.residentBytes",
    "workingSetBytes/level": "memory.workingSetBytes",
    "receivedBytes": "network.receivedBytes",
    "sentBytes": "network.sentBytes",
    "readBytes": "disk.readBytes",
    "writtenBytes": "disk.writtenBytes",
}
_RUNTIME = {
    "heapBytes/level": "memory.heapBytes",
    "liveHeapBytes": "memory.liveHeapBytes",
    "allocatedBytes": "memory.allocatedBytes",
    "goroutines/level": "goroutines",
    "gcCycles": "gc.cycles",
    "gcPauseSeconds": "gc.pauseSeconds",
    "gcCpuSeconds": "gc.cpuSeconds",
}
_ACTIVITY = {
    **{
        f"{pool}.{each}": f"kro.{pool}.{each}"
        for pool in ("instancePool", "rgdPool", "graphRevisionPool")
        for each in ("reconciles", "workSeconds", "queueWaitSeconds", "busyWorkers")
    },
    "requests": "kro.requests.total",
    "writeRequests": "kro.requests.writes",
    "requestMeanSeconds": "kro.requests.meanSeconds",
    "throttledRequests": "kro.requests.throttled",
    "delayedRequeues": "kro.reconciles.delayedRequeues",
    "ownWorkSeconds": "kro.instancePool.ownWorkSeconds",
    "othersWorkSeconds": "kro.instancePool.othersWorkSeconds",
}
_GROUPS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("usage.kro.", "kro.", _CPU),
    ("usage.kroRuntime.", "kro.", _RUNTIME),
    ("usage.apiServerProcess.", "apiServer.", _CPU),
    ("usage.apiServerRuntime.", "apiServer.", _RUNTIME),
    ("usage.etcdProcess.", "etcd.", _CPU),
    ("usage.activity.", "", {"seconds": "duration.runSeconds", **_ACTIVITY}),
    ("usage.setUp.", "setUp.", _ACTIVITY),
    (
        "usage.",
        "",
        {
            "setUp.seconds": "duration.setUpSeconds",
            "kroInformers/level": "kro.watchedKinds",
            "nodeCpuCores": "node.cpu.cores",
        },
    ),
    (
        "usage.apiServer.",
        "apiServer.",
        {
            "requests": "requests.total",
            "requestMeanSeconds": "requests.meanSeconds",
            "throttledRequests": "requests.throttled",
            "inFlight/spread": "requests.inFlight",
            "watches/level": "watches",
            "objects/level": "objects",
            "storageBytes/level": "storageBytes",
            "etcdRequestMeanSeconds": "etcdRequests.meanSeconds",
            "gates.admissionSeconds": "admission.seconds",
            "gates.admissionMeanSeconds": "admission.meanSeconds",
            "gates.queueWaitSeconds": "flowControl.queueWaitSeconds",
            "gates.rejectedRequests": "flowControl.rejected",
            "gates.etcdRequests": "etcdRequests.total",
        },
    ),
    (
        "usage.etcd.",
        "etcd.",
        {
            "databaseBytes/level": "databaseBytes",
            "fsyncMeanSeconds": "fsyncMeanSeconds",
            "commitMeanSeconds": "commitMeanSeconds",
        },
    ),
    (
        "usage.perInstance.",
        "perInstance.",
        {
            "kroCpuSeconds": "kro.cpu.seconds",
            "kroAllocatedBytes": "kro.memory.allocatedBytes",
            "kroApiRequests": "kro.requests.total",
            "kroSentBytes": "kro.requests.sentBytes",
            "kroReceivedBytes": "kro.requests.receivedBytes",
            "kroReconciles": "kro.reconciles.total",
            "apiServerCpuSeconds": "apiServer.cpu.seconds",
            "etcdCpuSeconds": "etcd.cpu.seconds",
        },
    ),
    (
        "usage.perRgd.",
        "perRgd.",
        {
            "kroCpuSeconds": "kro.cpu.seconds",
            "kroApiRequests": "kro.requests.total",
            "kroLiveHeapBytes": "kro.memory.liveHeapBytes",
            "kroGoroutines": "kro.goroutines",
            "kroInformers": "kro.watchedKinds",
            "apiServerWatches": "apiServer.watches",
        },
    ),
    (
        "usage.collectors.",
        "krobench.",
        {
            "cpuSeconds": "collectors.cpuSeconds",
            "loadJobCpuSeconds": "cpu.seconds",
            "scrapes": "collectors.scrapes",
            "failedScrapes": "collectors.failedScrapes",
            "scrapedBytes": "collectors.scrapedBytes",
        },
    ),
    # The names below doubled one above, with fewer digits, or are of their own.
    (
        "cpu.",
        "kro.cpu.",
        {
            "kroSeconds": "seconds",
            "kroMeanCores": "meanCores",
            "kubeletMeanCores": "kubeletCores",
            "throttledPeriodsRatio": "throttledPeriodsRatio",
        },
    ),
    (
        "memory.",
        "kro.memory.",
        {
            "residentMaxBytes": "residentBytes.max",
            "residentDeltaBytes": "residentBytes.delta",
            "heapMaxBytes": "heapBytes.max",
            "workingSetMaxBytes": "workingSetBytes.max",
        },
    ),
    (
        "apiRequests.",
        "",
        {
            "kro": "kro.requests.total",
            "krobench": "krobench.requests.total",
            "total": "apiServer.requests.total",
            "kroPerSecond": "kro.requests.perSecond",
            "totalPerSecond": "apiServer.requests.perSecond",
        },
    ),
    (
        "metrics.",
        "",
        {
            "kro_cel_evaluations": "kro.cel.evaluations",
            "kro_cel_eval_mean_seconds": "kro.cel.evaluationMeanSeconds",
            "kro_instance_reconciles": "kro.reconciles.total",
            "kro_instance_reconcile_errors": "kro.reconciles.failed",
            "kro_instance_reconcile_mean_seconds": "kro.reconciles.meanSeconds",
            "kro_instance_queue_wait_mean_seconds": "kro.instancePool.queueWaitMeanSeconds",
            "kro_instance_queue_depth_max": "kro.instancePool.queueDepth.max",
            "kro_rgd_graph_build_mean_seconds": "setUp.kro.graphBuildMeanSeconds",
            "kro_graph_revision_compile_mean_seconds": "setUp.kro.revisionCompileMeanSeconds",
            "kro_goroutines_max": "kro.goroutines.max",
            "kro_watch_count_max": "kro.watchedKinds.max",
            "apiserver_cpu_seconds": "apiServer.cpu.seconds",
            "apiserver_request_mean_seconds": "apiServer.requests.meanSeconds",
            "apiserver_requests_429": "apiServer.requests.throttled",
            "kro_cpu_seconds_per_instance": "perInstance.kro.cpu.seconds",
            "kro_api_requests_per_instance": "perInstance.kro.requests.total",
            "kro_reconciles_per_instance": "perInstance.kro.reconciles.total",
            "watch_interruptions": "krobench.watch.interruptions",
            "watch_lag_p50_seconds": "krobench.watch.lagSeconds.p50",
            "watch_lag_p99_seconds": "krobench.watch.lagSeconds.p99",
            "watch_lag_max_seconds": "krobench.watch.lagSeconds.max",
            "krobench_cpu_seconds": "krobench.load.cpuSeconds",
            "krobench_resident_max_bytes": "krobench.load.residentMaxBytes",
            "krobench_watch_events": "krobench.load.watchEvents",
            "krobench_cpu_seconds_per_watch_event": "krobench.load.cpuSecondsPerWatchEvent",
            "shards": "krobench.shards.count",
            "shard_start_spread_seconds": "krobench.shards.startSpreadSeconds",
            "shard_clock_uncertainty_seconds": "krobench.shards.clockUncertaintySeconds",
        },
    ),
)
RENAMED_PARTS = {
    "usage.activity.othersWork": "kro.instancePool.othersWork",
    "usage.activity.failedBuilds": "kro.failedBuilds",
    "usage.activity.failedBuildSeconds": "kro.failedBuildSeconds",
    "usage.setUp.othersWork": "setUp.kro.instancePool.othersWork",
    "usage.setUp.failedBuilds": "setUp.kro.failedBuilds",
    "usage.setUp.failedBuildSeconds": "setUp.kro.failedBuildSeconds",
    "usage.apiServer.requestsBy": "apiServer.requests.byKind",
    "usage.apiServer.gates.webhooks": "apiServer.admission.webhooks",
    "usage.apiServer.gates.queues": "apiServer.flowControl.queues",
    "usage.apiServer.gates.rejections": "apiServer.flowControl.rejections",
}
"""Lists, which have no name in thresholds."""
_PROMETHEUS = re.compile(r"metrics\.prometheus_(mean|max)_([a-z][a-z0-9_]*)")
_IN_TEXT = re.compile(
    r"(?<![\w.])(?:cpu|memory|apiRequests|usage|metrics)"
    r"(?:\.[A-Za-z_][A-Za-z0-9_]*|\[(?:\"\w+\"|'\w+')\])+"
)
_KEY = re.compile(r"\[[\"'](\w+)[\"']\]")


def _pairs() -> Iterator[tuple[str, str]]:
    for old_group, new_group, names in _GROUPS:
        for old, new in names.items():
            name, _, kind = old.partition("/")
            for statistic in _STATISTICS[kind]:
                end = f".{statistic}" if statistic else ""
                yield f"{old_group}{name}{end}", f"{new_group}{new}{end}"


def _whole() -> Iterator[tuple[str, str]]:
    for old_group, new_group, names in _GROUPS:
        for old, new in names.items():
            name, _, kind = old.partition("/")
            if kind:
                yield f"{old_group}{name}", f"{new_group}{new}"


RENAMED: dict[str, str] = dict(_pairs())
"""By the old name. Of several old names of one number, the first has the most digits."""
RENAMED_GROUPS: dict[str, str] = dict(_whole()) | RENAMED_PARTS
"""Of several numbers together, for which a reason may be given at once."""


def new_name(old: str) -> str | None:
    """Return the present name of a figure; None if the name never was one."""
    found = _PROMETHEUS.fullmatch(old)
    return f"prometheus.{found[2]}.{found[1]}" if found else RENAMED.get(old)


def with_new_names(text: str) -> str:
    """Return an expression or another text with every old name replaced."""

    def replaced(match: re.Match[str]) -> str:
        return new_name(_KEY.sub(r".\1", match[0])) or match[0]

    return _IN_TEXT.sub(replaced, text)
