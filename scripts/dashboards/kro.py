"""kro itself: what it manages, how fast, and what it costs."""

from scripts.dashboards.model import Dashboard, Kind, Panel, Query, Row, Unit
from scripts.dashboards.processes import (
    CPU,
    KRO,
    KRO_CLUSTERS,
    KRO_NAMESPACES,
    MEMORY,
    QUEUE,
    RATE,
    RECONCILES,
    mean,
    of_kro,
    or_zero,
    quantiles,
    rate,
)

_RECONCILE_SECONDS = "dynamic_controller_reconcile_duration_seconds"
_OVERVIEW = Row(
    "Overview",
    (
        Panel(
            "Active RGDs",
            "Kinds that kro serves: ResourceGraphDefinitions that are active.",
            Unit.NUMBER,
            (Query(f"sum(dynamic_controller_gvr_count{{{KRO}}})"),),
            kind=Kind.STAT,
            width=4,
            height=4,
        ),
        Panel(
            "Watched instances",
            "Instances whose children kro watches.",
            Unit.NUMBER,
            (Query(or_zero(f"sum(dynamic_controller_instance_watch_count{{{KRO}}})")),),
            kind=Kind.STAT,
            width=4,
            height=4,
        ),
        Panel(
            "Watches",
            "Watches that kro keeps open on kinds of children.",
            Unit.NUMBER,
            (Query(f"sum(dynamic_controller_watch_count{{{KRO}}})"),),
            kind=Kind.STAT,
            width=4,
            height=4,
        ),
        Panel(
            "Queue",
            "Instances that wait for a worker.",
            Unit.NUMBER,
            (Query(f"sum(dynamic_controller_queue_length{{{KRO}}})"),),
            kind=Kind.STAT,
            width=4,
            height=4,
        ),
        Panel(
            "Leader",
            "Pods of kro that lead: one, if leader election is on.",
            Unit.NUMBER,
            (Query(or_zero(f"sum({of_kro(f'leader_election_master_status{{{KRO}}}')})")),),
            kind=Kind.STAT,
            width=4,
            height=4,
        ),
        Panel(
            "Uptime",
            "Time since kro's process started.",
            Unit.SECONDS,
            (Query(f"time() - max({of_kro(f'process_start_time_seconds{{{KRO}}}')})"),),
            kind=Kind.STAT,
            width=4,
            height=4,
        ),
        RECONCILES,
        Panel(
            "Time of an instance's reconcile",
            "From the moment a worker takes an instance until it is done with it.",
            Unit.SECONDS,
            quantiles("instance_reconcile_duration_seconds", KRO),
        ),
        QUEUE,
    ),
)
_INSTANCES = Row(
    "Instances",
    (
        Panel(
            "Reconciles by kind",
            "The ten kinds with the most reconciles per second.",
            Unit.PER_SECOND,
            (
                Query(
                    f"topk(10, {rate('dynamic_controller_reconcile_total', KRO, 'gvr')})", "{{gvr}}"
                ),
            ),
        ),
        Panel(
            "Mean time of a reconcile by kind",
            "The ten kinds whose reconciles take longest.",
            Unit.SECONDS,
            (
                Query(
                    f"topk(10, {mean(_RECONCILE_SECONDS, KRO, 'gvr')})",
                    "{{gvr}}",
                ),
            ),
        ),
        Panel(
            "Changes of state",
            "Instances that reached another state, per second.",
            Unit.PER_SECOND,
            (Query(rate("instance_state_transitions_total", KRO, "to_state"), "{{to_state}}"),),
        ),
        Panel(
            "Wait in the queue",
            "How long items waited for a worker.",
            Unit.SECONDS,
            quantiles("workqueue_queue_duration_seconds", KRO, "name"),
        ),
        Panel(
            "Events of watched kinds",
            "Changes of instances that kro received, per second.",
            Unit.PER_SECOND,
            (
                Query(
                    rate("dynamic_controller_informer_events_total", KRO, "event_type"),
                    "{{event_type}}",
                ),
            ),
        ),
        Panel(
            "Events of children",
            "Changes of children that kro looked up, and those that belong to an instance.",
            Unit.PER_SECOND,
            (
                Query(rate("dynamic_controller_route_total", KRO), "looked up"),
                Query(or_zero(rate("dynamic_controller_route_match_total", KRO)), "matched"),
            ),
        ),
    ),
)
_RGDS = Row(
    "ResourceGraphDefinitions",
    (
        Panel(
            "Compiled revisions",
            "Graph revisions that kro compiled, per second.",
            Unit.PER_SECOND,
            (Query(rate("graph_revision_compile_total", KRO, "result"), "{{result}}"),),
        ),
        Panel(
            "Time of a graph build",
            "Mean time to compile a revision and, since kro started, to build a graph. The builds "
            "of each RGD are counted by themselves: too few for a rate.",
            Unit.SECONDS,
            (
                Query(
                    f"sum(rgd_graph_build_duration_seconds_sum{{{KRO}}}) / "
                    f"sum(rgd_graph_build_duration_seconds_count{{{KRO}}})",
                    "build",
                ),
                Query(mean("graph_revision_compile_duration_seconds", KRO), "compile"),
            ),
        ),
        Panel(
            "Revisions in memory",
            "Compiled graph revisions that kro holds.",
            Unit.NUMBER,
            (Query(f"sum by (state) (graph_revision_registry_entries{{{KRO}}})", "{{state}}"),),
        ),
        Panel(
            "Reconciles of RGDs",
            "By controller and result, per second.",
            Unit.PER_SECOND,
            (
                Query(
                    rate("controller_runtime_reconcile_total", KRO, "controller", "result"),
                    "{{controller}}: {{result}}",
                ),
            ),
        ),
        Panel(
            "Changes of state",
            "How often RGDs reached a state since kro started.",
            Unit.NUMBER,
            (Query(or_zero(f"sum by (to) (rgd_state_transitions_total{{{KRO}}})"), "{{to}}"),),
        ),
        Panel(
            "Schemas",
            "Lookups of schemas: from the cache, and from the API server.",
            Unit.PER_SECOND,
            (
                Query(rate("schema_resolver_cache_hits_total", KRO), "cached"),
                Query(rate("schema_resolver_cache_misses_total", KRO), "not cached"),
                Query(rate("schema_resolver_errors_total", KRO), "errors"),
            ),
        ),
    ),
)
_RUNTIME = Row(
    "Expressions and nodes",
    (
        Panel(
            "Evaluations",
            "CEL expressions, and nodes of graphs, evaluated per second.",
            Unit.PER_SECOND,
            (
                Query(rate("cel_expr_eval_total", KRO), "CEL expressions"),
                Query(rate("runtime_node_eval_total", KRO), "nodes"),
                Query(rate("runtime_node_eval_errors_total", KRO), "nodes: error or data pending"),
            ),
        ),
        Panel(
            "Mean time of an evaluation",
            "Of a CEL expression, of a node, and of an instance's graph.",
            Unit.SECONDS,
            (
                Query(mean("cel_expr_eval_duration_seconds", KRO), "CEL expression"),
                Query(mean("runtime_node_eval_duration_seconds", KRO), "node"),
                Query(mean("runtime_creation_duration_seconds", KRO), "graph of an instance"),
            ),
        ),
        Panel(
            "Nodes that are not ready",
            "Checks of readyWhen and includeWhen per second, and those that said no.",
            Unit.PER_SECOND,
            (
                Query(rate("runtime_node_ready_check_total", KRO), "ready checks"),
                Query(rate("runtime_node_not_ready_total", KRO), "not ready"),
                Query(rate("runtime_node_ignored_total", KRO), "not included"),
            ),
        ),
    ),
)
_REQUESTS = Row(
    "API server, as kro sees it",
    (
        Panel(
            "Requests by method",
            "Requests of kro per second.",
            Unit.PER_SECOND,
            (Query(rate("rest_client_requests_total", KRO, "method"), "{{method}}"),),
            stacked=True,
        ),
        Panel(
            "Refused requests",
            "Answers with 429 and with 5xx per second, and requests without an answer.",
            Unit.PER_SECOND,
            (
                Query(
                    or_zero(
                        rate(
                            "rest_client_requests_total", f'{KRO}, code=~"429|5..|<error>"', "code"
                        )
                    ),
                    "{{code}}",
                ),
            ),
        ),
        Panel(
            "Time of a request",
            "Until the answer, by method, mean.",
            Unit.SECONDS,
            (Query(mean("rest_client_request_duration_seconds", KRO, "verb"), "{{verb}}"),),
        ),
    ),
)
_PROCESS = Row(
    "Process",
    (
        CPU,
        MEMORY,
        Panel(
            "Wait for a thread",
            "How long goroutines waited to run. Long waits mean too little CPU.",
            Unit.SECONDS,
            quantiles("go_sched_latencies_seconds", KRO),
        ),
        Panel(
            "Goroutines",
            "Each watch and each request in flight has some.",
            Unit.NUMBER,
            (Query(of_kro(f"go_goroutines{{{KRO}}}"), "{{pod}}"),),
        ),
        Panel(
            "Garbage collection",
            "CPU time of the garbage collector, in cores.",
            Unit.NUMBER,
            (
                Query(
                    of_kro(f"rate(go_cpu_classes_gc_total_cpu_seconds_total{{{KRO}}}{RATE})"),
                    "{{pod}}",
                ),
            ),
        ),
        Panel(
            "Wait for locks",
            "Time that goroutines waited for mutexes, per second.",
            Unit.SECONDS,
            (
                Query(
                    of_kro(f"rate(go_sync_mutex_wait_total_seconds_total{{{KRO}}}{RATE})"),
                    "{{pod}}",
                ),
            ),
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="krobench-kro",
    title="kro",
    about="What kro manages, how fast, and what it costs. Needs metrics of kro 0.9; throttling and "
    "the memory limit come from the kubelet's cAdvisor.",
    variables=(KRO_CLUSTERS, KRO_NAMESPACES),
    rows=(_OVERVIEW, _INSTANCES, _RGDS, _RUNTIME, _REQUESTS, _PROCESS),
)
