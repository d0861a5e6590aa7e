"""What a test used: by process, for each unit of work, and of the API server and etcd."""

from collections.abc import Callable, Iterable, Sequence

from krobench.api import units
from krobench.figures.usage import (
    CollectorCost,
    Distribution,
    GoUse,
    Level,
    ProcessUse,
    RequestCount,
    UsageRecord,
)
from krobench.record.test import TestRecord, TestSummary
from krobench.report.reasons import reasons_section
from krobench.report.tables import table

_MOST_REQUESTS = 12
_NO_SUCH = "-"

Show = Callable[[float | None], str]
Row = tuple[str, ...]


def usage_section(test: TestRecord) -> str:
    """Return the part of a test's report on resource usage."""
    summary = test.summary
    assert summary is not None
    usage = summary.usage
    parts = [
        "### Resource usage",
        *(f"**{restart}.**" for restart in usage.kro_restarts),
        _processes(summary),
        _each(usage),
        _server(summary),
        _requests(usage.api_server.requests_by),
        _sampling(usage.collectors),
        _further(summary),
        reasons_section(test),
    ]
    return "\n\n".join(part for part in parts if part)


def _processes(summary: TestSummary) -> str:
    usage = summary.usage
    processes = (usage.kro, usage.api_server_process, usage.etcd_process)
    runtimes = (usage.kro_runtime, usage.api_server_runtime)
    cores = units.number(summary.cpu.kubelet_mean_cores)
    rows: list[Row] = [
        _row("CPU time", processes, lambda p: units.seconds(p.cpu_seconds)),
        _row(
            "CPU cores, mean / p95 / max", processes, lambda p: _spread(p.cpu_cores, units.number)
        ),
        ("CPU cores by the kubelet, mean", cores, _NO_SUCH, _NO_SUCH),
        _row(
            "CPU periods throttled", processes, lambda p: units.percent(p.throttled_periods_ratio)
        ),
        _row("throttled for", processes, lambda p: units.seconds(p.throttled_seconds)),
        _memory("resident memory", processes, lambda p: p.resident_bytes),
        _memory("working set by the kubelet", processes, lambda p: p.working_set_bytes),
        _row("network received", processes, lambda p: units.size(p.received_bytes)),
        _row("network sent", processes, lambda p: units.size(p.sent_bytes)),
        _row("disk read", processes, lambda p: units.size(p.read_bytes)),
        _row("disk written", processes, lambda p: units.size(p.written_bytes)),
        *((*row, _NO_SUCH) for row in _go_rows(runtimes)),
    ]
    return _known(("run phase, median of iterations", "kro", "API server", "etcd"), rows)


def _go_rows(runtimes: Iterable[GoUse]) -> list[Row]:
    all_of = tuple(runtimes)

    def goroutines(use: GoUse) -> str:
        return _spread(use.goroutines, units.number)

    return [
        ("heap, mean / p95 / max", *(_spread(use.heap_bytes, units.size) for use in all_of)),
        ("live heap at the end", *(units.size(use.live_heap_bytes) for use in all_of)),
        ("allocated in all", *(units.size(use.allocated_bytes) for use in all_of)),
        ("goroutines, mean / p95 / max", *(goroutines(use) for use in all_of)),
        ("garbage collections", *(units.number(use.gc_cycles) for use in all_of)),
        ("stopped for these", *(units.seconds(use.gc_pause_seconds) for use in all_of)),
        ("CPU time of these", *(units.seconds(use.gc_cpu_seconds) for use in all_of)),
    ]


def _row(label: str, uses: Iterable[ProcessUse], show: Callable[[ProcessUse], str]) -> Row:
    return (label, *(show(use) for use in uses))


def _memory(label: str, uses: Iterable[ProcessUse], level: Callable[[ProcessUse], Level]) -> Row:
    def show(use: ProcessUse) -> str:
        shown, change = level(use), level(use).delta
        spread = _spread(shown, units.size)
        return spread if change is None else f"{spread} ({_signed(change, units.size)})"

    return _row(f"{label}, mean / p95 / max (change)", uses, show)


def _each(usage: UsageRecord) -> str:
    one, rgd = usage.per_instance, usage.per_rgd
    rows = [
        ("kro CPU time", units.seconds(one.kro_cpu_seconds), units.seconds(rgd.kro_cpu_seconds)),
        (
            "API requests by kro",
            units.number(one.kro_api_requests),
            units.number(rgd.kro_api_requests),
        ),
        ("bytes kro sent in these", units.size(one.kro_sent_bytes), _NO_SUCH),
        ("bytes kro received in these", units.size(one.kro_received_bytes), _NO_SUCH),
        ("reconciles by kro", units.number(one.kro_reconciles), _NO_SUCH),
        ("allocated by kro", units.size(one.kro_allocated_bytes), _NO_SUCH),
        ("kro live heap", _NO_SUCH, _signed(rgd.kro_live_heap_bytes, units.size)),
        ("kro goroutines", _NO_SUCH, _signed(rgd.kro_goroutines, units.number)),
        ("kinds watched by kro", _NO_SUCH, _signed(rgd.kro_informers, units.number)),
        ("watches at the API server", _NO_SUCH, _signed(rgd.api_server_watches, units.number)),
        ("API server CPU time", units.seconds(one.api_server_cpu_seconds), _NO_SUCH),
        ("etcd CPU time", units.seconds(one.etcd_cpu_seconds), _NO_SUCH),
    ]
    return _known(("for each", "instance (run phase)", "RGD (set-up phase)"), rows)


def _server(summary: TestSummary) -> str:
    server, etcd = summary.usage.api_server, summary.usage.etcd
    rows = [
        ("API requests by everybody", units.number(server.requests)),
        ("API requests by kro", units.number(summary.api_requests.kro)),
        ("API requests by krobench", units.number(summary.api_requests.krobench)),
        ("time to answer, mean", units.seconds(server.request_mean_seconds)),
        ("answers with 429", units.number(server.throttled_requests)),
        ("requests under way, mean / p95 / max", _spread(server.in_flight, units.number)),
        ("watches, mean / p95 / max", _spread(server.watches, units.number)),
        ("objects, change", _signed(server.objects.delta, units.number)),
        ("database, max", units.size(server.storage_bytes.max)),
        ("time for a request to etcd, mean", units.seconds(server.etcd_request_mean_seconds)),
        ("etcd's write to its log, mean", units.seconds(etcd.fsync_mean_seconds)),
        ("etcd's commit, mean", units.seconds(etcd.commit_mean_seconds)),
        (
            "kinds watched by kro, mean / p95 / max",
            _spread(summary.usage.kro_informers, units.number),
        ),
    ]
    return _known(("API server, run phase", "value"), rows)


def _requests(counts: Sequence[RequestCount]) -> str:
    if not counts:
        return ""
    rows = [(c.verb, c.resource, units.number(c.count)) for c in counts[:_MOST_REQUESTS]]
    rest = sum(count.count for count in counts[_MOST_REQUESTS:])
    if rest:
        rows.append(("others", "", units.number(rest)))
    return table(("requests of the last iteration", "resource", "count"), rows)


def _sampling(cost: CollectorCost) -> str:
    if cost.cpu_seconds is None:
        return ""
    return (
        f"Sampling took {units.seconds(cost.cpu_seconds)} of CPU time, of "
        f"{units.seconds(cost.load_job_cpu_seconds)} of the whole load Job, for "
        f"{units.number(cost.scrapes)} scrapes ({units.number(cost.failed_scrapes)} failed) of "
        f"{units.size(cost.scraped_bytes)}."
    )


def _further(summary: TestSummary) -> str:
    rows = [(f"`{name}`", units.metric(name, value)) for name, value in summary.metrics.items()]
    return _known(("further metrics, median of iterations", "value"), rows)


def _known(header: Row, rows: Iterable[Row]) -> str:
    """Return the table without the rows that give no figure at all: why not stands below."""
    kept = [row for row in rows if not {*row[1:]} <= {units.NOT_AVAILABLE, _NO_SUCH}]
    return table(header, kept) if kept else ""


def _spread(values: Distribution, show: Show) -> str:
    if values.mean is None and values.max is None:
        return units.NOT_AVAILABLE
    p95 = _NO_SUCH if values.p95 is None else show(values.p95)
    return f"{show(values.mean)} / {p95} / {show(values.max)}"


def _signed(value: float | None, show: Show) -> str:
    return f"+{show(value)}" if value is not None and value > 0 else show(value)
