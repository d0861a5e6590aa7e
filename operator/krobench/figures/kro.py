"""The lines of the catalogue on kro and its node."""

from krobench.api.notation import labelled
from krobench.figures.figure import Figure, Groups, How, Labels, Metric, Parts, Per, Phase
from krobench.figures.processes import (
    EVERYWHERE,
    KRO,
    KUBELET,
    OWN_KINDS,
    by_label,
    go_runtime,
    process_figures,
)

_INSTANCE_QUEUE = "dynamic-controller-queue"
_RECONCILE = Metric(
    KRO,
    "instance_reconcile_duration_seconds",
    older="dynamic_controller_reconcile_duration_seconds",
)
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KRO_REQUESTS = Metric(KRO, "rest_client_requests_total")
_KRO_WATCHES = Metric(KRO, "dynamic_controller_watch_count", older="dynamic_controller_gvr_count")


def _by_kind(labels: Labels, own: Groups) -> Labels:
    gvr = labels.get("gvr", "")
    return {"kind": OWN_KINDS if gvr.partition("/")[0] in own else gvr}


_WORK_BY_KIND = Metric(
    KRO,
    "dynamic_controller_reconcile_duration_seconds_sum",
    stored_as="work_seconds_of",
    by=_by_kind,
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


def _replacement(name: str, phase: str) -> tuple[Figure, ...]:
    """Return the figures of a phase that replaces kro's pods."""

    def given(quantity: str, title: str, text: str = "") -> Figure:
        return Figure(f"kro.{name}.{quantity}", None, How.GIVEN, f"{phase}: {title}", text)

    return (
        given(
            "readySeconds",
            "until its pods are ready",
            "From the request that replaces the old pods, as are the other times. krobench looks "
            "four times a second.",
        ),
        given(
            "leadsSeconds",
            "until a new pod leads",
            "Until kro's Lease names a new pod. The old Lease has to expire: krobench does not "
            "release it here.",
        ),
        given(
            "reconciledSeconds",
            "until every instance was reconciled",
            "Until the new process has counted as many reconciles of each kind of the test as the "
            "kind has instances, and its queue is empty. kro queues every instance once when it "
            "starts.",
        ),
        given(
            "residentMaxBytes",
            "resident memory of the new process, max",
            "Until every instance was reconciled, as are the figures below.",
        ),
        given("cpuSeconds", "CPU time of the new process"),
        given("reconciles", "reconciles by the new process", "Of instances of any kind."),
        given("requests", "API requests by the new process", "Includes those for its Lease."),
        given(
            "requestsMaxPerSecond",
            "API requests by the new process, peak rate",
            "The largest growth of the counter over at least a second.",
        ),
    )


KRO_FIGURES: tuple[Figure, ...] = (
    *process_figures(KRO),
    *go_runtime(KRO),
    Figure(
        "kro.cpu.meanCores",
        Metric(KRO, "process_cpu_seconds_total"),
        How.RATE,
        "CPU cores over the whole phase",
        short="CPU use",
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
    Figure("kro.requests.total", _KRO_REQUESTS, How.DELTA, "API requests", also=EVERYWHERE),
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
    *_replacement("restart", "restart"),
    *_replacement("upgrade", "upgrade"),
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
)

KRO_PARTS: tuple[Parts, ...] = (
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
                Metric(KRO, "rgd_graph_build_errors_total", by=by_label("name", "rgd")),
                "graphs that could not be built, by RGD",
            ),
            (
                "kro.failedBuildSeconds",
                Metric(KRO, "failed_build_seconds", by=by_label("name", "rgd"), derived=True),
                "time of builds that failed, by RGD",
            ),
        )
    ),
)
