"""Resource use and API requests of one iteration, from sampled series."""

from dataclasses import dataclass, field

from krobench.analysis.usage.activity import measure_activity
from krobench.analysis.usage.resources import measure_resources
from krobench.analysis.usage.unitcosts import cost_of_instance, cost_of_rgd, why_not_each
from krobench.figures.measures import ApiRequests, CpuUse, MemoryUse
from krobench.figures.phase import PhaseReader
from krobench.figures.series import Series
from krobench.figures.usage import UsageRecord


@dataclass
class Usage:
    """What one iteration used; a number that is None has its reason in ``unavailable``."""

    cpu: CpuUse = field(default_factory=CpuUse)
    memory: MemoryUse = field(default_factory=MemoryUse)
    api_requests: ApiRequests = field(default_factory=ApiRequests)
    resources: UsageRecord = field(default_factory=UsageRecord)
    metrics: dict[str, float | None] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Phases:
    """When an iteration's phases began and ended, on the run's clock."""

    started_seconds: float
    run_started_seconds: float
    run_ended_seconds: float


def measure_usage(
    series: Series, phases: Phases, ready: int, rgds: int = 0, missing: int = 0
) -> Usage:
    """Return what was used in the run phase, of which ``ready`` instances came and ``missing``
    others did not, and for each of the ``rgds`` RGDs that came of the set-up."""
    usage = Usage()
    run = PhaseReader(
        series, phases.run_started_seconds, phases.run_ended_seconds, usage.unavailable
    )
    set_up = PhaseReader(
        series, phases.started_seconds, phases.run_started_seconds, usage.unavailable
    )
    _measure_cpu(usage, run)
    _measure_memory(usage, run)
    usage.api_requests.kro = run.delta("apiRequests.kro", "kro", "rest_client_requests_total")
    usage.api_requests.total = run.delta(
        "apiRequests.total", "apiserver", "apiserver_request_total"
    )
    _measure_further(usage, run, set_up)
    usage.resources = measure_resources(series, run)
    usage.resources.activity = measure_activity(series, run, "usage.activity")
    usage.resources.set_up = measure_activity(series, set_up, "usage.setUp")
    usage.resources.per_instance = cost_of_instance(run, ready, missing)
    usage.resources.per_rgd = cost_of_rgd(set_up, rgds)
    _divide_by_instances(usage, ready, missing)
    return usage


def _measure_cpu(usage: Usage, run: PhaseReader) -> None:
    seconds = "process_cpu_seconds_total"
    usage.cpu = CpuUse(
        kro_seconds=_rounded(run.delta("cpu.kroSeconds", "kro", seconds)),
        kro_mean_cores=_rounded(run.rate("cpu.kroMeanCores", "kro", seconds)),
        kubelet_mean_cores=_rounded(
            run.stamped_rate("cpu.kubeletMeanCores", "kubelet", "container_cpu_usage_seconds_total")
        ),
        throttled_periods_ratio=_rounded(
            run.stamped_ratio(
                "cpu.throttledPeriodsRatio",
                "kubelet",
                "container_cpu_cfs_throttled_periods_total",
                "container_cpu_cfs_periods_total",
            )
        ),
    )


def _measure_memory(usage: Usage, run: PhaseReader) -> None:
    resident = "process_resident_memory_bytes"
    usage.memory = MemoryUse(
        resident_max_bytes=_whole(run.maximum("memory.residentMaxBytes", "kro", resident)),
        resident_delta_bytes=_whole(run.change("memory.residentDeltaBytes", "kro", resident)),
        heap_max_bytes=_whole(
            run.maximum("memory.heapMaxBytes", "kro", "go_memstats_heap_alloc_bytes")
        ),
        working_set_max_bytes=_whole(
            run.maximum(
                "memory.workingSetMaxBytes", "kubelet", "container_memory_working_set_bytes"
            )
        ),
    )


def _measure_further(usage: Usage, run: PhaseReader, set_up: PhaseReader) -> None:
    for name, metric in (
        ("kro_cel_evaluations", "cel_expr_eval_duration_seconds_count"),
        ("kro_instance_reconciles", "instance_reconcile_total"),
    ):
        usage.metrics[name] = run.delta(name, "kro", metric)
    usage.metrics["kro_instance_reconcile_errors"] = run.rare(
        "kro_instance_reconcile_errors",
        "kro",
        "instance_reconcile_errors_total",
        "instance_reconcile_total",
    )
    for name, histogram in (
        ("kro_cel_eval_mean_seconds", "cel_expr_eval_duration_seconds"),
        ("kro_instance_reconcile_mean_seconds", "instance_reconcile_duration_seconds"),
        ("kro_instance_queue_wait_mean_seconds", "instance_queue_wait_seconds"),
    ):
        usage.metrics[name] = _rounded(run.mean_of(name, "kro", histogram), 9)
    for name, histogram in (
        ("kro_rgd_graph_build_mean_seconds", "rgd_graph_build_duration_seconds"),
        ("kro_graph_revision_compile_mean_seconds", "graph_revision_compile_duration_seconds"),
    ):
        usage.metrics[name] = _rounded(set_up.mean_of(name, "kro", histogram), 9)
    for name, metric in (
        ("kro_goroutines_max", "go_goroutines"),
        ("kro_watch_count_max", "dynamic_controller_watch_count"),
        ("kro_instance_queue_depth_max", "instance_queue_depth"),
    ):
        usage.metrics[name] = run.maximum(name, "kro", metric)
    usage.metrics["apiserver_cpu_seconds"] = _rounded(
        run.delta("apiserver_cpu_seconds", "apiserver", "process_cpu_seconds_total")
    )
    usage.metrics["apiserver_request_mean_seconds"] = _rounded(
        run.mean_of(
            "apiserver_request_mean_seconds", "apiserver", "apiserver_request_duration_seconds"
        ),
        9,
    )
    usage.metrics["apiserver_requests_429"] = run.rare(
        "apiserver_requests_429",
        "apiserver",
        "apiserver_request_429_total",
        "apiserver_request_total",
    )


def _divide_by_instances(usage: Usage, ready: int, missing: int) -> None:
    divisible = ready > 0 and not missing
    why = "the total is not available" if divisible else why_not_each(ready, missing)
    for name, total in (
        ("kro_cpu_seconds_per_instance", usage.cpu.kro_seconds),
        ("kro_api_requests_per_instance", usage.api_requests.kro),
        ("kro_reconciles_per_instance", usage.metrics["kro_instance_reconciles"]),
    ):
        value = total / ready if total is not None and divisible else None
        usage.metrics[name] = _rounded(value)
        if value is None:
            usage.unavailable.setdefault(name, why)


def _rounded(value: float | None, digits: int = 6) -> float | None:
    return None if value is None else round(value, digits)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
