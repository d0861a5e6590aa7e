"""Resource use and API requests of one iteration, from sampled series."""

from collections.abc import Callable
from dataclasses import dataclass, field

from krobench.analysis.windows import Series, UnavailableError
from krobench.model.measures import ApiRequests, CpuUse, MemoryUse

_START_TIME = "process_start_time_seconds"


@dataclass
class Usage:
    """What one iteration used; a number that is None has its reason in ``unavailable``."""

    cpu: CpuUse = field(default_factory=CpuUse)
    memory: MemoryUse = field(default_factory=MemoryUse)
    api_requests: ApiRequests = field(default_factory=ApiRequests)
    metrics: dict[str, float | None] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    kro_restarted: bool = False


@dataclass(frozen=True)
class Phases:
    """When an iteration's phases began and ended, on the run's clock."""

    started_seconds: float
    run_started_seconds: float
    run_ended_seconds: float


class _Reader:
    """Reads windows of one phase, noting what is not available instead of failing."""

    def __init__(self, series: Series, start: float, end: float, unavailable: dict[str, str]):
        self._series = series
        self._start = start
        self._end = end
        self._unavailable = unavailable

    def _try(self, name: str, get: Callable[[], float]) -> float | None:
        try:
            return get()
        except UnavailableError as error:
            self._unavailable[name] = str(error)
            return None

    def delta(self, name: str, source: str, metric: str) -> float | None:
        return self._try(name, lambda: self._delta(source, metric))

    def rare(self, name: str, source: str, metric: str, companion: str) -> float | None:
        """Growth of a counter that has no series before its event first occurred.

        Where ``companion``, which stands in the same exposition, was sampled and ``metric``
        was not, there was no such event.
        """

        def get() -> float:
            self._delta(source, companion)
            if not self._series.has(source, metric):
                return 0.0
            return self._series.growth(source, metric, self._start, self._end)

        return self._try(name, get)

    def rate(self, name: str, source: str, metric: str) -> float | None:
        def get() -> float:
            delta = self._series.delta(source, metric, self._start, self._end)
            return delta.value / delta.seconds

        return self._try(name, get)

    def mean(self, name: str, source: str, histogram: str) -> float | None:
        """Mean observation of a histogram; its percentiles would be those of its buckets."""

        def get() -> float:
            count = self._delta(source, f"{histogram}_count")
            if count == 0:
                raise UnavailableError(f"{histogram} saw nothing in this phase")
            return self._delta(source, f"{histogram}_sum") / count

        return self._try(name, get)

    def maximum(self, name: str, source: str, metric: str) -> float | None:
        return self._try(name, lambda: self._series.maximum(source, metric, self._start, self._end))

    def change(self, name: str, source: str, metric: str) -> float | None:
        return self._try(name, lambda: self._series.change(source, metric, self._start, self._end))

    def stamped_rate(self, name: str, source: str, metric: str) -> float | None:
        def get() -> float:
            delta = self._series.stamped_delta(source, metric, self._start, self._end)
            return delta.value / delta.seconds

        return self._try(name, get)

    def stamped_ratio(self, name: str, source: str, part: str, whole: str) -> float | None:
        def get() -> float:
            base = self._series.stamped_delta(source, whole, self._start, self._end).value
            if base == 0:
                raise UnavailableError(f"{whole} of {source} did not grow")
            share = self._series.stamped_delta(source, part, self._start, self._end)
            return share.value / base

        return self._try(name, get)

    def _delta(self, source: str, metric: str) -> float:
        return self._series.delta(source, metric, self._start, self._end).value


def measure_usage(series: Series, phases: Phases, ready: int) -> Usage:
    """Return what was used in the run phase, of which ``ready`` instances came."""
    usage = Usage()
    run = _Reader(series, phases.run_started_seconds, phases.run_ended_seconds, usage.unavailable)
    set_up = _Reader(series, phases.started_seconds, phases.run_started_seconds, usage.unavailable)
    if run.change("kroStartTime", "kro", _START_TIME):
        usage.kro_restarted = True
    _measure_cpu(usage, run)
    _measure_memory(usage, run)
    usage.api_requests.kro = run.delta("apiRequests.kro", "kro", "rest_client_requests_total")
    usage.api_requests.total = run.delta(
        "apiRequests.total", "apiserver", "apiserver_request_total"
    )
    _measure_further(usage, run, set_up)
    _divide_by_instances(usage, ready)
    return usage


def _measure_cpu(usage: Usage, run: _Reader) -> None:
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


def _measure_memory(usage: Usage, run: _Reader) -> None:
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


def _measure_further(usage: Usage, run: _Reader, set_up: _Reader) -> None:
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
        usage.metrics[name] = _rounded(run.mean(name, "kro", histogram), 9)
    for name, histogram in (
        ("kro_rgd_graph_build_mean_seconds", "rgd_graph_build_duration_seconds"),
        ("kro_graph_revision_compile_mean_seconds", "graph_revision_compile_duration_seconds"),
    ):
        usage.metrics[name] = _rounded(set_up.mean(name, "kro", histogram), 9)
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
        run.mean(
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


def _divide_by_instances(usage: Usage, ready: int) -> None:
    for name, total in (
        ("kro_cpu_seconds_per_instance", usage.cpu.kro_seconds),
        ("kro_api_requests_per_instance", usage.api_requests.kro),
        ("kro_reconciles_per_instance", usage.metrics["kro_instance_reconciles"]),
    ):
        value = total / ready if total is not None and ready else None
        usage.metrics[name] = _rounded(value)
        if value is None:
            usage.unavailable.setdefault(name, "no instance became ready, or the total is missing")


def _rounded(value: float | None, digits: int = 6) -> float | None:
    return None if value is None else round(value, digits)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
