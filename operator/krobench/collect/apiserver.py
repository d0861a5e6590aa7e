"""The API server's own metrics."""

from collections.abc import Callable

from krobench.collect.exposition import Labels, Series
from krobench.collect.goruntime import PROCESS_SERIES, RUNTIME_SERIES
from krobench.collect.source import Scrape, scrape_through
from krobench.figures.lines import SourceName
from krobench.kube.client import KubeClient

# They last as long as the client wants, which says nothing about the server.
_LONG_REQUESTS = {"verb": frozenset({"WATCH", "CONNECT"})}
# They never wait, whatever the load.
_EXEMPT = {"priority_level": frozenset({"exempt"})}
_INSTANCES = "instances"
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


class ApiServerSource:
    """The ``/metrics`` of the API server that answers us.

    Of ``instance_groups``, every kind counts as an instance: each iteration has its own.
    """

    name: SourceName = "apiserver"

    def __init__(self, client: KubeClient, instance_groups: frozenset[str]) -> None:
        self._client = client
        self._series = _series(instance_groups)

    async def close(self) -> None:
        """Nothing of its own is open."""

    async def scrape(self) -> Scrape:
        """Return current readings of the API server."""
        return await scrape_through(
            self._client,
            "/metrics",
            "the API server's /metrics",
            "get on the nonResourceURL /metrics",
            self._series,
        )


def _series(instance_groups: frozenset[str]) -> tuple[Series, ...]:
    resource = _resource_of(instance_groups)

    def by_verb_and_resource(labels: Labels) -> Labels:
        named = resource(labels)
        subresource = labels.get("subresource")
        if subresource and named != _OTHER:
            named = f"{named}/{subresource}"
        return {"verb": labels.get("verb", ""), "resource": named}

    requests = "apiserver_request_total"
    return (
        *PROCESS_SERIES,
        *RUNTIME_SERIES,
        Series(requests),
        Series(requests, {"code": "429"}, name="apiserver_request_429_total"),
        Series(requests, name="apiserver_requests_by", split=by_verb_and_resource),
        Series("apiserver_request_duration_seconds_sum", exclude=_LONG_REQUESTS),
        Series("apiserver_request_duration_seconds_count", exclude=_LONG_REQUESTS),
        Series("apiserver_current_inflight_requests"),
        Series("apiserver_longrunning_requests", {"verb": "WATCH"}, name="apiserver_watches"),
        # The first of these two is the newer name, and has a label for the group.
        Series("apiserver_resource_objects"),
        Series("apiserver_storage_objects"),
        Series("apiserver_storage_size_bytes"),
        Series("etcd_request_duration_seconds_sum"),
        Series("etcd_request_duration_seconds_count"),
        *_gates(),
    )


def _gates() -> tuple[Series, ...]:
    """What requests pass within the server. Series of these are as few as their names."""
    admission = "apiserver_admission_step_admission_duration_seconds"
    webhook = "apiserver_admission_webhook_admission_duration_seconds_sum"
    wait = "apiserver_flowcontrol_request_wait_duration_seconds_sum"
    return (
        Series(f"{admission}_sum", name="admission_seconds_sum"),
        # Each write is first admitted, then validated.
        Series(f"{admission}_count", {"type": "admit"}, name="admission_seconds_count"),
        Series(webhook, name="webhook_seconds", split=_only("name")),
        Series(wait, exclude=_EXEMPT, name="queue_wait_seconds"),
        Series(wait, exclude=_EXEMPT, name="queue_wait_seconds", split=_only("priority_level")),
        Series("apiserver_flowcontrol_rejected_requests_total"),
        Series(
            "apiserver_flowcontrol_rejected_requests_total",
            name="rejected_requests",
            split=_only("flow_schema"),
        ),
    )


def _only(label: str) -> Callable[[Labels], Labels]:
    return lambda labels: {"name": labels.get(label, "")}


def _resource_of(instance_groups: frozenset[str]) -> Callable[[Labels], str]:
    """Return a function from labels to one of few names of resources."""

    def resource(labels: Labels) -> str:
        if labels.get("group") in instance_groups:
            return _INSTANCES
        name = labels.get("resource", "")
        return name if name in _NAMED_RESOURCES else _OTHER

    return resource
