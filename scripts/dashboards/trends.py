"""Trends over runs and releases of kro."""

from scripts.dashboards.model import Dashboard, Kind, Panel, Query, Row, Unit, Variable
from scripts.dashboards.processes import (
    CLUSTER,
    CLUSTERS,
)
from scripts.dashboards.results import ENDED, READY, RUN_LABELS, runs


def _one(metric: str, *labels: str, on: str = RUN_LABELS, match: str = "") -> str:
    """Return one series of a metric for each run, to join others with.

    Two at one moment, as after an unclean stop of Prometheus or while pods of the operator differ,
    would be an error, and a panel of 30 days would be empty because of that moment.
    """
    return f"topk by ({on}) (1, {runs(metric, *labels, match=match)})"


def _latest(metric: str, *labels: str, match: str = "") -> str:
    """Return a metric of the newest valid run of each chosen history."""
    newest = _one("krobench_run_latest", "history", match='history=~"$history"')
    keep = ", ".join(("cluster", "kind", "namespace", "history", *labels))
    joined = (
        f"{runs(metric, *labels, match=match)} * on ({RUN_LABELS}) group_left (history) {newest}"
    )
    return f"max by ({keep}) ({joined})"


def _of_history(metric: str, *labels: str, match: str = "") -> str:
    """Return a metric of all runs of the chosen histories, with history and kro's version."""
    match_info = 'history=~"$history", kro_version!=""'
    info = _one("krobench_run_info", "history", "kro_version", match=match_info)
    left = runs(metric, *labels, match=match)
    return f"{left} * on ({RUN_LABELS}) group_left (history, kro_version) {info}"


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
    on = ", ".join((RUN_LABELS, *of))
    verdict = _one(f"{family}_verdict", *of, "verdict", on=on)
    newest = _one("krobench_run_latest", "history", match='history=~"$history"')
    ratio = (
        f"max by ({keep}) ({runs(f'{family}_ratio', *labels)} "
        f"* on ({on}) group_left (verdict) {verdict} "
        f"* on ({RUN_LABELS}) group_left (history) {newest})"
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
            ("verdict", "verdict of all", Unit.NUMBER),
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
                    _latest("krobench_test_latency_seconds", "test", "percentile", match=READY),
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
                            match=f'{READY}, percentile="p50"',
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
DASHBOARD = Dashboard(
    uid="krobench-trends",
    title="krobench: trends",
    about="Results over runs and releases of kro. Invalid runs have no figures.",
    variables=(CLUSTERS, _HISTORY),
    rows=(_LATEST, _COMPARED, _RELEASES),
    since="now-30d",
    refresh="5m",
    annotations=(("run ended", ENDED),),
)
