"""The lines of the catalogue on the API server, for all its clients, and on etcd."""

from krobench.figures.figure import Figure, Groups, How, Labels, Metric, Parts, Per
from krobench.figures.processes import (
    API_SERVER,
    ETCD,
    INSTANCES,
    by_label,
    go_runtime,
    process_figures,
)

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
# They last as long as the client wants, which says nothing about the server.
_LONG_REQUESTS = {"verb": frozenset({"WATCH", "CONNECT"})}
# They never wait, whatever the load.
_EXEMPT = {"priority_level": frozenset({"exempt"})}

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


CLUSTER_FIGURES: tuple[Figure, ...] = (
    *process_figures(API_SERVER),
    *go_runtime(API_SERVER),
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
    *process_figures(ETCD),
    *go_runtime(ETCD),
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
)

CLUSTER_PARTS: tuple[Parts, ...] = (
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
            by=by_label("name"),
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
            by=by_label("priority_level"),
        ),
        "wait in priority and fairness, by priority level",
        most=None,
    ),
    Parts(
        "apiServer.flowControl.rejections",
        Metric(API_SERVER, _REJECTED, stored_as="rejected_requests", by=by_label("flow_schema")),
        "requests rejected, by FlowSchema",
        most=None,
    ),
)
