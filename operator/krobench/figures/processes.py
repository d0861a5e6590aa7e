"""Figures that every process has: what it reports of itself, and the kubelet of its container."""

from collections.abc import Callable, Iterator

from krobench.api.notation import labelled
from krobench.figures.figure import Figure, Groups, How, Labels, Metric, Per, Phase
from krobench.figures.rawdata import SourceName

KRO: SourceName = "kro"
API_SERVER: SourceName = "apiserver"
KUBELET: SourceName = "kubelet"
ETCD: SourceName = "etcd"
KROBENCH: SourceName = "krobench"

OWN_KINDS = "own"
"""Stands for all kinds of a test among the kinds that instance workers were busy with."""
INSTANCES = "instances"
"""Stands for all kinds of a test among the resources of API requests."""
PROCESS_NAMES: dict[SourceName, str] = {KRO: "kro", API_SERVER: "apiServer", ETCD: "etcd"}

EVERYWHERE = (Phase.SET_UP, Per.INSTANCE, Per.RGD)
_SHARED_NETWORK = (
    "it shares its node's network, so its traffic cannot be separated from that of others"
)


def container(process: SourceName, metric: str) -> Metric:
    """Return what the kubelet reports of the container of a process."""
    of = {} if process == KRO else {"of": process}
    return Metric(KUBELET, f"container_{metric}", stored_as=labelled(f"container_{metric}", of))


def process_figures(process: SourceName) -> tuple[Figure, ...]:
    """Return the figures of a process, from its own metrics and those of its container."""
    name = PROCESS_NAMES[process]
    cpu = Metric(process, "process_cpu_seconds_total")
    periods = container(process, "cpu_cfs_periods_total")
    throttled = container(process, "cpu_cfs_throttled_periods_total")
    also = EVERYWHERE if process == KRO else (Per.INSTANCE,)
    resident = Metric(process, "process_resident_memory_bytes")
    return (
        Figure(f"{name}.cpu.seconds", cpu, How.DELTA, "CPU time", also=also),
        Figure(f"{name}.cpu.cores", cpu, How.RATES, "CPU cores"),
        Figure(
            f"{name}.cpu.throttledPeriodsRatio",
            throttled,
            How.STAMPED_RATIO,
            "CPU periods throttled",
            "CFS periods in which the container was throttled, over all of them.",
            second=periods,
        ),
        Figure(
            f"{name}.cpu.throttledSeconds",
            container(process, "cpu_cfs_throttled_seconds_total"),
            How.STAMPED_DELTA,
            "throttled for",
            "Over all threads of the container.",
        ),
        Figure(
            f"{name}.memory.residentBytes", resident, How.LEVEL, "resident memory", short="memory"
        ),
        Figure(
            f"{name}.memory.workingSetBytes",
            container(process, "memory_working_set_bytes"),
            How.LEVEL,
            "working set by the kubelet",
            "Memory of the container that cannot be reclaimed.",
        ),
        *_network(process, name),
        Figure(
            f"{name}.disk.readBytes",
            container(process, "fs_reads_bytes_total"),
            How.STAMPED_DELTA,
            "disk read",
        ),
        Figure(
            f"{name}.disk.writtenBytes",
            container(process, "fs_writes_bytes_total"),
            How.STAMPED_DELTA,
            "disk written",
        ),
    )


def _network(process: SourceName, name: str) -> Iterator[Figure]:
    metrics = {
        KRO: ("process_network_receive_bytes_total", "process_network_transmit_bytes_total"),
        ETCD: (
            "etcd_network_client_grpc_received_bytes_total",
            "etcd_network_client_grpc_sent_bytes_total",
        ),
    }.get(process)
    text = {KRO: "By kro's pod.", ETCD: "From and to its clients."}.get(process, _SHARED_NETWORK)
    for index, word in enumerate(("received", "sent")):
        metric = Metric(process, metrics[index]) if metrics else None
        how = How.DELTA if metrics else How.NEVER
        title = f"network {word}"
        yield Figure(f"{name}.network.{word}Bytes", metric, how, title, text)


def go_runtime(process: SourceName) -> tuple[Figure, ...]:
    """Return the figures of a Go program's runtime."""
    name = PROCESS_NAMES[process]
    in_kro = process == KRO
    gc = Metric(process, "go_gc_duration_seconds")
    pauses, cycles = gc.of_histogram()

    def one(
        tail: str,
        metric: str | Metric,
        how: How,
        title: str,
        text: str = "",
        also: tuple[Per | Phase, ...] = (),
    ) -> Figure:
        read = Metric(process, metric) if isinstance(metric, str) else metric
        needs = cycles if Per.RGD in also and how is How.LAST else None
        return Figure(f"{name}.{tail}", read, how, title, text, also=also, needs=needs)

    return (
        one(
            "memory.heapBytes",
            "go_memstats_heap_alloc_bytes",
            How.LEVEL,
            "heap",
            "Includes garbage that is not yet collected.",
        ),
        one(
            "memory.liveHeapBytes",
            "go_gc_heap_live_bytes",
            How.LAST,
            "live heap",
            "In use at the last garbage collection of the phase. Per RGD: what a collection has "
            "not yet seen, or of the RGDs of the iteration before, falsifies it; the slope over "
            "several sizes does not suffer from that.",
            (Per.RGD,) if in_kro else (),
        ),
        one(
            "memory.allocatedBytes",
            "go_memstats_alloc_bytes_total",
            How.DELTA,
            "allocated",
            "Includes what was freed again.",
            (Per.INSTANCE,) if in_kro else (),
        ),
        one(
            "goroutines",
            "go_goroutines",
            How.LEVEL,
            "goroutines",
            also=(Per.RGD,) if in_kro else (),
        ),
        one("gc.cycles", cycles, How.DELTA, "garbage collections"),
        one("gc.pauseSeconds", pauses, How.DELTA, "stopped for garbage collection"),
        one(
            "gc.cpuSeconds",
            "go_cpu_classes_gc_total_cpu_seconds_total",
            How.DELTA,
            "CPU time of garbage collection",
            "As Go estimates it.",
        ),
    )


def by_label(label: str, name: str = "name") -> Callable[[Labels, Groups], Labels]:
    return lambda labels, _: {name: labels.get(label, "")}
