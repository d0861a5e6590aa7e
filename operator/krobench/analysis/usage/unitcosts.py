"""What one instance and one RGD cost: totals of a phase over what was made in it."""

from collections.abc import Callable

from krobench.figures.lines import SourceName
from krobench.figures.phase import PhaseReader
from krobench.figures.usage import InstanceCost, RgdCost

_CPU = "process_cpu_seconds_total"
_GC_CYCLES = "go_gc_duration_seconds_count"


def cost_of_instance(phase: PhaseReader, ready: int, missing: int = 0) -> InstanceCost:
    """Return the costs of a phase, in which ``ready`` instances became ready, for each of them.

    There are none where ``missing`` others did not: what kro tried for them is in the totals.
    """
    counted = 0 if missing else ready
    each = _divider(phase, "usage.perInstance", counted, why_not_each(ready, missing))
    return InstanceCost(
        kro_cpu_seconds=each("kroCpuSeconds", "kro", _CPU),
        kro_allocated_bytes=each("kroAllocatedBytes", "kro", "go_memstats_alloc_bytes_total"),
        kro_api_requests=each("kroApiRequests", "kro", "rest_client_requests_total"),
        kro_sent_bytes=each("kroSentBytes", "kro", "rest_client_request_size_bytes_sum"),
        kro_received_bytes=each("kroReceivedBytes", "kro", "rest_client_response_size_bytes_sum"),
        kro_reconciles=each("kroReconciles", "kro", "instance_reconcile_total"),
        api_server_cpu_seconds=each("apiServerCpuSeconds", "apiserver", _CPU),
        etcd_cpu_seconds=each("etcdCpuSeconds", "etcd", _CPU),
    )


def why_not_each(ready: int, missing: int) -> str:
    """Return why a total is not divided by the instances that became ready."""
    if not ready:
        return "no instance became ready"
    return (
        f"{missing} of {ready + missing} instances did not become ready, and what kro did for them "
        "cannot be told from the rest"
    )


def cost_of_rgd(set_up: PhaseReader, rgds: int) -> RgdCost:
    """Return the costs of a set-up, in which ``rgds`` RGDs became ready, for each of them."""
    name = "usage.perRgd"
    none = "no RGD became ready"
    grown = _divider(set_up, name, rgds, none)

    def moved(field: str, source: SourceName, metric: str) -> float | None:
        return _each(
            set_up, f"{name}.{field}", set_up.change(f"{name}.{field}", source, metric), rgds, none
        )

    return RgdCost(
        kro_cpu_seconds=grown("kroCpuSeconds", "kro", _CPU),
        kro_api_requests=grown("kroApiRequests", "kro", "rest_client_requests_total"),
        kro_live_heap_bytes=_live_heap(set_up, moved),
        kro_goroutines=moved("kroGoroutines", "kro", "go_goroutines"),
        kro_informers=moved("kroInformers", "kro", "dynamic_controller_watch_count"),
        api_server_watches=moved("apiServerWatches", "apiserver", "apiserver_watches"),
    )


def _live_heap(
    set_up: PhaseReader, moved: Callable[[str, SourceName, str], float | None]
) -> float | None:
    field = "kroLiveHeapBytes"
    name = f"usage.perRgd.{field}"
    if set_up.delta(name, "kro", _GC_CYCLES) == 0:
        set_up.note(name, "no garbage was collected during the set-up")
        return None
    return moved(field, "kro", "go_gc_heap_live_bytes")


def _divider(
    phase: PhaseReader, group: str, count: int, none: str
) -> Callable[[str, SourceName, str], float | None]:
    def each(field: str, source: SourceName, metric: str) -> float | None:
        name = f"{group}.{field}"
        return _each(phase, name, phase.delta(name, source, metric), count, none)

    return each


def _each(
    phase: PhaseReader, name: str, total: float | None, count: int, none: str
) -> float | None:
    if total is None:
        return None
    if not count:
        phase.note(name, none)
        return None
    return round(total / count, 9)
