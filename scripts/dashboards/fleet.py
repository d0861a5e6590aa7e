"""kro and krobench in several clusters."""

from scripts.dashboards.model import Dashboard, Kind, Panel, Query, Row, Unit
from scripts.dashboards.processes import (
    CLUSTER,
    CLUSTERS,
    or_zero,
)
from scripts.dashboards.results import READY, RUN_LABELS, runs

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
                    f"count by (cluster, verdict) ({runs('krobench_run_verdict', 'verdict')})",
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
                    f"{runs('krobench_run_info', 'history', 'kro_version')} and on ({RUN_LABELS}) "
                    f"{runs('krobench_run_latest')}"
                ),
                Query(
                    f"1000 * {runs('krobench_run_completion_time_seconds')} and on ({RUN_LABELS}) "
                    f"{runs('krobench_run_latest')}"
                ),
                Query(
                    f"max by ({RUN_LABELS}) (krobench_test_latency_seconds"
                    f'{{{CLUSTER}, {READY}, percentile="p50"}}) and on ({RUN_LABELS}) '
                    f"{runs('krobench_run_latest')}"
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
                    f"{runs('krobench_scale_limit', 'axis')} and on ({RUN_LABELS}) "
                    f"{runs('krobench_run_latest')}",
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
DASHBOARD = Dashboard(
    uid="krobench-fleet",
    title="krobench: fleet",
    about="kro and krobench in several clusters that one Prometheus knows by the label cluster.",
    variables=(CLUSTERS,),
    rows=(_FLEET_KRO, _FLEET_RUNS),
    since="now-24h",
    refresh="1m",
)
