"""What several dashboards ask of the processes around kro."""

from scripts.dashboards.model import Panel, Query, Unit, Variable

RATE = "[$__rate_interval]"
KRO = 'cluster=~"$cluster", namespace=~"$namespace"'
CLUSTER = 'cluster=~"$cluster"'

CLUSTERS = Variable("cluster", "Cluster", "label_values(krobench_leader, cluster)")
KRO_CLUSTERS = Variable(
    "cluster", "Cluster", "label_values(dynamic_controller_queue_length, cluster)"
)
KRO_NAMESPACES = Variable(
    "namespace",
    "Namespace of kro",
    f"label_values(dynamic_controller_queue_length{{{CLUSTER}}}, namespace)",
)
_IS_KRO = f"and on (cluster, namespace, pod) dynamic_controller_queue_length{{{KRO}}}"
_IS_API_SERVER = f"and on (cluster, instance, job) apiserver_current_inflight_requests{{{CLUSTER}}}"
_IS_ETCD = f"and on (cluster, instance, job) etcd_server_has_leader{{{CLUSTER}}}"


def of_kro(expression: str) -> str:
    """Return an expression on processes or Go programs, for those pods that are kro."""
    return f"{expression} {_IS_KRO}"


def of_api_server(expression: str) -> str:
    return f"{expression} {_IS_API_SERVER}"


def of_etcd(expression: str) -> str:
    return f"{expression} {_IS_ETCD}"


_OF_ANY_PROGRAM = ("workqueue_", "rest_client_", "controller_runtime_", "leader_election_", "go_")
"""Beginnings of names of metrics that the API server and other controllers have, too."""


def kro_only(metric: str, expression: str) -> str:
    """Return an expression on a metric, for kro alone."""
    return of_kro(expression) if metric.startswith(_OF_ANY_PROGRAM) else expression


def quantiles(histogram: str, match: str, by: str = "") -> tuple[Query, ...]:
    """Return the p50 and the p99 of a histogram; ``by`` has more labels to keep."""
    labels = f"le, {by}" if by else "le"
    name = f" {{{{{by}}}}}" if by else ""
    grown = kro_only(histogram, f"rate({histogram}_bucket{{{match}}}{RATE})")
    return tuple(
        Query(
            f"histogram_quantile({quantile}, sum by ({labels}) ({grown}))",
            f"p{quantile[2:].ljust(2, '0')}{name}",
        )
        for quantile in ("0.5", "0.99")
    )


def mean(histogram: str, match: str, by: str = "") -> str:
    keep = (by,) if by else ()
    return f"{rate(f'{histogram}_sum', match, *keep)} / {rate(f'{histogram}_count', match, *keep)}"


def rate(counter: str, match: str, *by: str) -> str:
    keep = f" by ({', '.join(by)})" if by else ""
    return f"sum{keep} ({kro_only(counter, f'rate({counter}{{{match}}}{RATE})')})"


def or_zero(expression: str) -> str:
    """Return zero if there is no series yet: many counters begin with their first event."""
    return f"{expression} or vector(0)"


CPU = Panel(
    "CPU of kro",
    "CPU time of kro's processes per second, in cores. A container with a CPU limit is throttled "
    "when it reaches the limit.",
    Unit.NUMBER,
    (
        Query(of_kro(f"rate(process_cpu_seconds_total{{{KRO}}}{RATE})"), "{{pod}}"),
        Query(
            "sum by (pod) (rate(container_cpu_cfs_throttled_seconds_total"
            f'{{{KRO}, container="kro"}}{RATE})) or vector(0)',
            "throttled {{pod}}",
        ),
    ),
)
MEMORY = Panel(
    "Memory of kro",
    "Resident memory, live heap after the last garbage collection, and the limit of kro's "
    "container, at which the kernel kills it.",
    Unit.BYTES,
    (
        Query(of_kro(f"process_resident_memory_bytes{{{KRO}}}"), "resident {{pod}}"),
        Query(of_kro(f"go_gc_heap_live_bytes{{{KRO}}}"), "live heap {{pod}}"),
        Query(
            f'max by (pod) (container_spec_memory_limit_bytes{{{KRO}, container="kro"}}) > 0',
            "limit {{pod}}",
        ),
    ),
)
QUEUE = Panel(
    "Queues of kro",
    "Items that wait for a worker. A queue that grows and does not drain means that kro does not "
    "keep up.",
    Unit.NUMBER,
    (Query(f"sum by (name) ({of_kro(f'workqueue_depth{{{KRO}}}')})", "{{name}}"),),
)
RECONCILES = Panel(
    "Reconciles of instances",
    "Reconciles per second of instances of all RGDs, and how many were queued again.",
    Unit.PER_SECOND,
    (
        Query(rate("instance_reconcile_total", KRO), "reconciles"),
        Query(rate("dynamic_controller_requeue_total", KRO, "type"), "{{type}}"),
    ),
)
