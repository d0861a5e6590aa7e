"""A run as it goes on."""

from dataclasses import replace

from scripts.dashboards.model import Dashboard, Kind, Panel, Query, Row, Unit
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
from scripts.dashboards.results import ENDED, READY, RUN_LABELS, runs

_STARTED = Query(
    f"1000 * {runs('krobench_run_start_time_seconds')}", "{{kind}} {{namespace}}/{{name}}"
)
_ANNOTATIONS = (("run started", _STARTED), ("run ended", ENDED))

_PROGRESS = Row(
    "Run in progress",
    (
        Panel(
            "Progress",
            "Iterations done, of those planned. A scale test plans sizes as it goes.",
            Unit.RATIO,
            (
                Query(
                    f"{runs('krobench_run_iterations_done')} / "
                    f"({runs('krobench_run_iterations_planned')} > 0)",
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
                    f"time() - ({runs('krobench_run_start_time_seconds')} "
                    f"and on ({RUN_LABELS}) {runs('krobench_run_iterations_planned')})",
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
                    f"{runs('krobench_test_latency_seconds', 'test', 'percentile', match=READY)} "
                    f"and on ({RUN_LABELS}) {runs('krobench_run_iterations_planned')}",
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
DASHBOARD = Dashboard(
    uid="krobench-run",
    title="krobench: run in progress",
    about="A run as it goes on: how far it is, and what kro, the API server and etcd do meanwhile.",
    variables=(CLUSTERS, KRO_NAMESPACES),
    rows=(_PROGRESS, _KRO, _API_SERVER),
    since="now-30m",
    refresh="10s",
    annotations=_ANNOTATIONS,
)
