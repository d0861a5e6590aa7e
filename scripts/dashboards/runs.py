"""Runs of krobench: the one in progress, trends over runs and releases, and several clusters."""

from dataclasses import replace

from scripts.dashboards.model import Dashboard, Kind, Panel, Query, Row, Unit, Variable
from scripts.dashboards.processes import (
    CLUSTER,
    CLUSTERS,
    CPU,
    KRO_NAMESPACES,
    MEMORY,
    QUEUE,
    RATE,
    RECONCILES,
    of_api_server,
    of_etcd,
    or_zero,
)

_RUN = "cluster, kind, namespace, name"
_READY = 'latency="instance_ready"'


def _runs(metric: str, *labels: str, match: str = "") -> str:
    """Return a metric of runs once, though several pods of the operator expose it."""
    keep = ", ".join((_RUN, *labels))
    match = ", ".join(filter(None, (CLUSTER, match)))
    return f"max by ({keep}) ({metric}{{{match}}})"


def _one(metric: str, *labels: str, on: str = _RUN, match: str = "") -> str:
    """Return one series of a metric for each run, to join others with.

    Two at one moment, as after an unclean stop of Prometheus or while pods of the operator differ,
    would be an error, and a panel of 30 days would be empty because of that moment.
    """
    return f"topk by ({on}) (1, {_runs(metric, *labels, match=match)})"


def _latest(metric: str, *labels: str, match: str = "") -> str:
    """Return a metric of the newest valid run of each chosen history."""
    newest = _one("krobench_run_latest", "history", match='history=~"$history"')
    keep = ", ".join(("cluster", "kind", "namespace", "history", *labels))
    joined = f"{_runs(metric, *labels, match=match)} * on ({_RUN}) group_left (history) {newest}"
    return f"max by ({keep}) ({joined})"


def _of_history(metric: str, *labels: str, match: str = "") -> str:
    """Return a metric of all runs of the chosen histories, with history and kro's version."""
    match_info = 'history=~"$history", kro_version!=""'
    info = _one("krobench_run_info", "history", "kro_version", match=match_info)
    left = _runs(metric, *labels, match=match)
    return f"{left} * on ({_RUN}) group_left (history, kro_version) {info}"


_STARTED = Query(
    f"1000 * {_runs('krobench_run_start_time_seconds')}", "{{kind}} {{namespace}}/{{name}}"
)
_ENDED = Query(
    f"1000 * {_runs('krobench_run_completion_time_seconds')}", "{{kind}} {{namespace}}/{{name}}"
)
_ANNOTATIONS = (("run started", _STARTED), ("run ended", _ENDED))

_PROGRESS = Row(
    "Run in progress",
    (
        Panel(
            "Progress",
            "Iterations done, of those planned. A scale test plans sizes as it goes.",
            Unit.RATIO,
            (
                Query(
                    f"{_runs('krobench_run_iterations_done')} / "
                    f"({_runs('krobench_run_iterations_planned')} > 0)",
                    "{{namespace}}/{{name}}",
                ),
            ),
            kind=Kind.STAT,
            width=6,
            height=6,
        ),
        Panel(
            "Running for",
            "Time since the run started.",
            Unit.SECONDS,
            (
                Query(
                    f"time() - ({_runs('krobench_run_start_time_seconds')} "
                    f"and on ({_RUN}) {_runs('krobench_run_iterations_planned')})",
                    "{{namespace}}/{{name}}",
                ),
            ),
            kind=Kind.STAT,
            width=6,
            height=6,
        ),
        Panel(
            "Runs by phase",
            "Runs that have not ended. One is executed at a time, so that they do not disturb each "
            "other.",
            Unit.NUMBER,
            (
                Query(
                    "max by (cluster, kind, phase) (krobench_runs"
                    f'{{{CLUSTER}, phase!~"Completed|Failed"}})',
                    "{{kind}} {{phase}}",
                ),
            ),
            width=6,
            height=6,
        ),
        Panel(
            "Time until ready so far",
            "Of tests and sizes of the run in progress that have been summarised.",
            Unit.SECONDS,
            (
                Query(
                    f"{_runs('krobench_test_latency_seconds', 'test', 'percentile', match=_READY)} "
                    f"and on ({_RUN}) {_runs('krobench_run_iterations_planned')}",
                    "{{test}} {{percentile}}",
                ),
            ),
            width=6,
            height=6,
        ),
    ),
)
_KRO = Row("kro", tuple(replace(each, width=12) for each in (RECONCILES, QUEUE, CPU, MEMORY)))
_API_SERVER = Row(
    "API server and etcd",
    (
        Panel(
            "Requests to the API server",
            "Of all clients, per second, by verb.",
            Unit.PER_SECOND,
            (
                Query(
                    f"sum by (verb) (rate(apiserver_request_total{{{CLUSTER}}}{RATE}))", "{{verb}}"
                ),
            ),
            stacked=True,
        ),
        Panel(
            "Refused requests",
            "Answers with 429 of the API server, per second.",
            Unit.PER_SECOND,
            (
                Query(
                    or_zero(
                        "sum by (code) (rate(apiserver_request_total"
                        f'{{{CLUSTER}, code="429"}}{RATE}))'
                    ),
                    "{{code}}",
                ),
            ),
        ),
        Panel(
            "Time to answer",
            "Of requests other than watches, p99 by verb.",
            Unit.SECONDS,
            (
                Query(
                    "histogram_quantile(0.99, sum by (le, verb) "
                    "(rate(apiserver_request_duration_seconds_bucket"
                    f'{{{CLUSTER}, verb!~"WATCH|CONNECT"}}{RATE})))',
                    "{{verb}}",
                ),
            ),
        ),
        Panel(
            "CPU",
            "Of the API server and of etcd, in cores.",
            Unit.NUMBER,
            (
                Query(
                    of_api_server(f"rate(process_cpu_seconds_total{{{CLUSTER}}}{RATE})"),
                    "API server {{instance}}",
                ),
                Query(
                    of_etcd(f"rate(process_cpu_seconds_total{{{CLUSTER}}}{RATE})"),
                    "etcd {{instance}}",
                ),
            ),
        ),
        Panel(
            "Writes of etcd",
            "Mean time of a write to its log, and of a commit.",
            Unit.SECONDS,
            (
                Query(
                    f"sum(rate(etcd_disk_wal_fsync_duration_seconds_sum{{{CLUSTER}}}{RATE})) / "
                    f"sum(rate(etcd_disk_wal_fsync_duration_seconds_count{{{CLUSTER}}}{RATE}))",
                    "log",
                ),
                Query(
                    "sum(rate(etcd_disk_backend_commit_duration_seconds_sum"
                    f"{{{CLUSTER}}}{RATE})) / "
                    "sum(rate(etcd_disk_backend_commit_duration_seconds_count"
                    f"{{{CLUSTER}}}{RATE}))",
                    "commit",
                ),
            ),
        ),
        Panel(
            "Database of etcd",
            "Size on disk, and the part in use.",
            Unit.BYTES,
            (
                Query(f"etcd_mvcc_db_total_size_in_bytes{{{CLUSTER}}}", "size {{instance}}"),
                Query(
                    f"etcd_mvcc_db_total_size_in_use_in_bytes{{{CLUSTER}}}", "in use {{instance}}"
                ),
            ),
        ),
    ),
)
RUN = Dashboard(
    uid="krobench-run",
    title="krobench: run in progress",
    about="A run as it goes on: how far it is, and what kro, the API server and etcd do meanwhile.",
    variables=(CLUSTERS, KRO_NAMESPACES),
    rows=(_PROGRESS, _KRO, _API_SERVER),
    since="now-30m",
    refresh="10s",
    annotations=_ANNOTATIONS,
)

_HISTORY = Variable(
    "history",
    "History",
    f"label_values(krobench_run_info{{{CLUSTER}}}, history)",
)
_LABEL = "{{history}} {{test}}"


def _judged(family: str, *labels: str, title: str) -> Panel:
    """Return a table of ratios with the ends of their intervals, and the comparison's verdict."""
    of = ("variant",) if "variant" in labels else ()
    keep = ", ".join(("cluster", "kind", "namespace", "history", *labels, "verdict"))
    on = ", ".join((_RUN, *of))
    verdict = _one(f"{family}_verdict", *of, "verdict", on=on)
    newest = _one("krobench_run_latest", "history", match='history=~"$history"')
    ratio = (
        f"max by ({keep}) ({_runs(f'{family}_ratio', *labels)} "
        f"* on ({on}) group_left (verdict) {verdict} "
        f"* on ({_RUN}) group_left (history) {newest})"
    )
    return Panel(
        title,
        "New over old, with the 95 % interval if there are enough values. The verdict is that of "
        "the whole comparison.",
        Unit.NUMBER,
        (
            Query(ratio),
            Query(_latest(f"{family}_ratio_lower_bound", *labels)),
            Query(_latest(f"{family}_ratio_upper_bound", *labels)),
        ),
        kind=Kind.TABLE,
        width=12,
        columns=(
            ("history", "history", Unit.NUMBER),
            *((label, label, Unit.NUMBER) for label in labels),
            ("Value #A", "ratio", Unit.NUMBER),
            ("Value #B", "from", Unit.NUMBER),
            ("Value #C", "to", Unit.NUMBER),
            ("verdict", "verdict", Unit.NUMBER),
        ),
    )


_LATEST = Row(
    "Newest valid run of each history, over time",
    (
        Panel(
            "Time until ready",
            "From the request for an instance until Ready=True was seen.",
            Unit.SECONDS,
            (
                Query(
                    _latest("krobench_test_latency_seconds", "test", "percentile", match=_READY),
                    f"{_LABEL} {{{{percentile}}}}",
                ),
            ),
            width=12,
        ),
        Panel(
            "Throughput",
            "Instances that became ready per second.",
            Unit.PER_SECOND,
            (Query(_latest("krobench_test_instances_per_second", "test"), _LABEL),),
            width=12,
        ),
        Panel(
            "CPU time of kro per instance",
            "Of tests of KroBenchmarks.",
            Unit.SECONDS,
            (
                Query(
                    f"{_latest('krobench_test_kro_cpu_seconds', 'test')} / "
                    f"({_latest('krobench_test_instances', 'test')} > 0)",
                    _LABEL,
                ),
            ),
        ),
        Panel(
            "Memory of kro",
            "Most resident memory.",
            Unit.BYTES,
            (Query(_latest("krobench_test_kro_memory_max_bytes", "test"), _LABEL),),
        ),
        Panel(
            "Requests of kro per instance",
            "To the API server, of tests of KroBenchmarks.",
            Unit.NUMBER,
            (
                Query(
                    f"{_latest('krobench_test_kro_api_requests', 'test')} / "
                    f"({_latest('krobench_test_instances', 'test')} > 0)",
                    _LABEL,
                ),
            ),
        ),
        Panel(
            "Limit",
            "Largest size at which kro met the SLOs, with its interval.",
            Unit.NUMBER,
            (
                Query(_latest("krobench_scale_limit", "axis"), "{{history}} {{axis}}"),
                Query(
                    _latest("krobench_scale_limit_lower_bound", "axis"),
                    "{{history}} {{axis}} from",
                ),
                Query(
                    _latest("krobench_scale_limit_upper_bound", "axis"), "{{history}} {{axis}} to"
                ),
            ),
        ),
        Panel(
            "Errors",
            "Operations that failed or were not done in time, and iterations that failed.",
            Unit.NUMBER,
            (Query(_latest("krobench_test_errors", "test"), _LABEL),),
        ),
        Panel(
            "Main bottleneck",
            "About the share of the time that it explains.",
            Unit.RATIO,
            (
                Query(
                    _latest("krobench_test_bottleneck_score", "test", "bottleneck"),
                    f"{_LABEL} {{{{bottleneck}}}}",
                ),
            ),
        ),
    ),
)
_COMPARED = Row(
    "Comparisons of the newest valid run of each history",
    (
        Panel(
            "Against the baseline",
            "New over old of each primary metric. 1 means unchanged.",
            Unit.NUMBER,
            (
                Query(
                    _latest("krobench_comparison_ratio", "test", "metric"),
                    f"{_LABEL} {{{{metric}}}}",
                ),
            ),
            width=12,
        ),
        Panel(
            "Variants against the first",
            "New over old of each primary metric, of variants of kro in the same run. 1 means "
            "unchanged.",
            Unit.NUMBER,
            (
                Query(
                    _latest("krobench_variant_ratio", "variant", "test", "metric"),
                    f"{{{{variant}}}}: {_LABEL} {{{{metric}}}}",
                ),
            ),
            width=12,
        ),
        _judged("krobench_comparison", "test", "metric", title="Verdicts against the baseline"),
        _judged("krobench_variant", "variant", "test", "metric", title="Verdicts on variants"),
    ),
)
_MEDIAN = "quantile by (kro_version, history, test) (0.5, {})"
_RELEASES = Row(
    "Releases of kro",
    (
        Panel(
            "By version of kro",
            "Medians over all runs of the chosen histories that still exist.",
            Unit.NUMBER,
            (
                Query(
                    _MEDIAN.format(
                        _of_history(
                            "krobench_test_latency_seconds",
                            "test",
                            match=f'{_READY}, percentile="p50"',
                        )
                    )
                ),
                Query(_MEDIAN.format(_of_history("krobench_test_instances_per_second", "test"))),
                Query(_MEDIAN.format(_of_history("krobench_test_kro_memory_max_bytes", "test"))),
            ),
            kind=Kind.TABLE,
            width=24,
            columns=(
                ("kro_version", "kro", Unit.NUMBER),
                ("history", "history", Unit.NUMBER),
                ("test", "test", Unit.NUMBER),
                ("Value #A", "ready p50", Unit.SECONDS),
                ("Value #B", "instances per second", Unit.PER_SECOND),
                ("Value #C", "memory", Unit.BYTES),
            ),
        ),
        Panel(
            "Runs",
            "All runs of the chosen histories that still exist, with their verdicts.",
            Unit.NUMBER,
            (
                Query(_of_history("krobench_run_verdict", "verdict")),
                Query(f"1000 * {_of_history('krobench_run_completion_time_seconds')}"),
            ),
            kind=Kind.TABLE,
            width=24,
            height=10,
            columns=(
                ("name", "run", Unit.NUMBER),
                ("kind", "kind", Unit.NUMBER),
                ("history", "history", Unit.NUMBER),
                ("kro_version", "kro", Unit.NUMBER),
                ("verdict", "verdict", Unit.NUMBER),
                ("Value #B", "ended", Unit.TIME),
            ),
        ),
    ),
)
TRENDS = Dashboard(
    uid="krobench-trends",
    title="krobench: trends",
    about="Results over runs and releases of kro. Invalid runs have no figures.",
    variables=(CLUSTERS, _HISTORY),
    rows=(_LATEST, _COMPARED, _RELEASES),
    since="now-30d",
    refresh="5m",
    annotations=(("run ended", _ENDED),),
)

_BY_CLUSTER = "{{cluster}}"
_FLEET_KRO = Row(
    "kro in each cluster",
    (
        Panel(
            "Active RGDs",
            "Kinds that kro serves.",
            Unit.NUMBER,
            (Query(f"sum by (cluster) (dynamic_controller_gvr_count{{{CLUSTER}}})", _BY_CLUSTER),),
        ),
        Panel(
            "Watched instances",
            "Instances whose children kro watches.",
            Unit.NUMBER,
            (
                Query(
                    or_zero(
                        f"sum by (cluster) (dynamic_controller_instance_watch_count{{{CLUSTER}}})"
                    ),
                    _BY_CLUSTER,
                ),
            ),
        ),
        Panel(
            "Memory of kro",
            "Most resident memory of kro's pods.",
            Unit.BYTES,
            (
                Query(
                    f"max by (cluster) (process_resident_memory_bytes{{{CLUSTER}}} and "
                    f"on (cluster, namespace, pod) dynamic_controller_queue_length{{{CLUSTER}}})",
                    _BY_CLUSTER,
                ),
            ),
        ),
    ),
)
_FLEET_RUNS = Row(
    "krobench in each cluster",
    (
        Panel(
            "Operators that lead",
            "One in each cluster. Zero means that nothing is measured there.",
            Unit.NUMBER,
            (Query(f"sum by (cluster) (krobench_leader{{{CLUSTER}}})", _BY_CLUSTER),),
            kind=Kind.STAT,
            width=6,
            height=6,
        ),
        Panel(
            "Verdicts",
            "Runs that still exist.",
            Unit.NUMBER,
            (
                Query(
                    f"count by (cluster, verdict) ({_runs('krobench_run_verdict', 'verdict')})",
                    "{{cluster}} {{verdict}}",
                ),
            ),
            kind=Kind.STAT,
            width=10,
            height=6,
        ),
        Panel(
            "Runs by phase",
            "Runs that have not ended.",
            Unit.NUMBER,
            (
                Query(
                    "sum by (cluster, phase) (max by (cluster, kind, phase) (krobench_runs"
                    f'{{{CLUSTER}, phase!~"Completed|Failed"}}))',
                    "{{cluster}} {{phase}}",
                ),
            ),
            width=8,
            height=6,
        ),
        Panel(
            "Newest runs",
            "The newest valid run of each history.",
            Unit.NUMBER,
            (
                Query(
                    f"{_runs('krobench_run_info', 'history', 'kro_version')} and on ({_RUN}) "
                    f"{_runs('krobench_run_latest')}"
                ),
                Query(
                    f"1000 * {_runs('krobench_run_completion_time_seconds')} and on ({_RUN}) "
                    f"{_runs('krobench_run_latest')}"
                ),
                Query(
                    f"max by ({_RUN}) (krobench_test_latency_seconds"
                    f'{{{CLUSTER}, {_READY}, percentile="p50"}}) and on ({_RUN}) '
                    f"{_runs('krobench_run_latest')}"
                ),
            ),
            kind=Kind.TABLE,
            width=24,
            height=9,
            columns=(
                ("cluster", "cluster", Unit.NUMBER),
                ("history", "history", Unit.NUMBER),
                ("name", "run", Unit.NUMBER),
                ("kro_version", "kro", Unit.NUMBER),
                ("Value #B", "ended", Unit.TIME),
                ("Value #C", "ready p50, largest", Unit.SECONDS),
            ),
        ),
        Panel(
            "Limits",
            "Largest size at which kro met the SLOs, in the newest valid scale tests.",
            Unit.NUMBER,
            (
                Query(
                    f"{_runs('krobench_scale_limit', 'axis')} and on ({_RUN}) "
                    f"{_runs('krobench_run_latest')}",
                    "{{cluster}} {{name}} {{axis}}",
                ),
            ),
            width=12,
        ),
        Panel(
            "Schedules that fail",
            "Runs in a row without the verdict Passed.",
            Unit.NUMBER,
            (
                Query(
                    "max by (cluster, namespace, name) "
                    f"(krobench_schedule_consecutive_failures{{{CLUSTER}}})",
                    "{{cluster}} {{namespace}}/{{name}}",
                ),
            ),
            width=12,
        ),
    ),
)
FLEET = Dashboard(
    uid="krobench-fleet",
    title="krobench: fleet",
    about="kro and krobench in several clusters that one Prometheus knows by the label cluster.",
    variables=(CLUSTERS,),
    rows=(_FLEET_KRO, _FLEET_RUNS),
    since="now-24h",
    refresh="1m",
)
