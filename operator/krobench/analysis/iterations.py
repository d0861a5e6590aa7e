"""From the lines of one iteration to its record, and from iterations to a test's summary."""

from collections.abc import Iterable, Sequence

from krobench.analysis.generator import summarise_generators
from krobench.analysis.medians import known_median, median_usage
from krobench.analysis.steps import summarise_steps
from krobench.figures.latencies import latencies
from krobench.figures.lines import ObjectRecord
from krobench.figures.measures import ApiRequests, Counts, CpuUse, MemoryUse, Throughput
from krobench.record.iteration import IterationRecord
from krobench.record.test import TestSummary


def count_instances(
    requested: int, objects: Iterable[ObjectRecord], max_send_lag_seconds: float
) -> Counts:
    """Count what became of the instances of an iteration."""
    created = [line for line in objects if line.operation == "create-instance"]
    acknowledged = [line for line in created if line.acknowledged_seconds is not None]
    ready = sum(line.ready_seconds is not None for line in acknowledged)
    return Counts(
        requested=requested,
        sent=len(created),
        late=sum(line.sent_seconds - line.start_seconds > max_send_lag_seconds for line in created),
        created=len(acknowledged),
        ready=ready,
        failed=len(created) - len(acknowledged),
        censored=len(acknowledged) - ready,
        retried=sum(line.retries for line in created),
        throttled=sum(line.throttled for line in created),
        server_errors=sum(line.server_errors for line in created),
    )


def throughput(objects: Iterable[ObjectRecord]) -> Throughput:
    """Return the rate at which instances became ready, or None where fewer than two did.

    Of several steps, the first alone counts, which creates instances and does nothing else.
    """
    ready = [
        line
        for line in objects
        if line.operation == "create-instance" and not line.phase and line.ready_seconds is not None
    ]
    if len(ready) < 2:
        return Throughput()
    first = min(line.start_seconds for line in ready)
    last = max(line.ready_seconds for line in ready if line.ready_seconds is not None)
    return Throughput(instances_per_second=round(len(ready) / (last - first), 4))


def summarise_test(
    iterations: Sequence[IterationRecord], objects: Sequence[ObjectRecord]
) -> TestSummary | None:
    """Take the measured iterations of a test together; None where there is none."""
    measured = [record for record in iterations if not record.warmup]
    if not measured:
        return None
    lines = [line for line in objects if not line.warmup]
    names = dict.fromkeys(name for record in measured for name in record.metrics)
    return TestSummary(
        iterations=len(measured),
        generator=summarise_generators(record.generator for record in measured),
        latency=latencies(lines),
        throughput=Throughput(
            instances_per_second=known_median(r.throughput.instances_per_second for r in measured)
        ),
        cpu=_cpu(measured),
        memory=_memory(measured),
        api_requests=ApiRequests(
            kro=known_median(r.api_requests.kro for r in measured),
            krobench=_whole(known_median(r.api_requests.krobench for r in measured)),
            total=known_median(r.api_requests.total for r in measured),
        ),
        duration_seconds=known_median(r.duration_seconds for r in measured),
        errors_total=sum(errors_of(record) for record in measured),
        metrics={name: known_median(r.metrics.get(name) for r in measured) for name in names},
        usage=median_usage([r.usage for r in measured]),
        phases=summarise_steps(measured, lines),
    )


def errors_of(record: IterationRecord) -> int:
    """Return how many operations failed or were censored; 1 where it failed for another cause."""
    missing = record.counts.failed + record.counts.censored
    if record.phases:
        missing = sum(step.counts.failed + step.counts.censored for step in record.phases)
    return missing if missing or record.success else 1


def _cpu(records: Sequence[IterationRecord]) -> CpuUse:
    return CpuUse(
        kro_seconds=known_median(r.cpu.kro_seconds for r in records),
        kro_mean_cores=known_median(r.cpu.kro_mean_cores for r in records),
        kubelet_mean_cores=known_median(r.cpu.kubelet_mean_cores for r in records),
        throttled_periods_ratio=known_median(r.cpu.throttled_periods_ratio for r in records),
    )


def _memory(records: Sequence[IterationRecord]) -> MemoryUse:
    return MemoryUse(
        resident_max_bytes=_whole(known_median(r.memory.resident_max_bytes for r in records)),
        resident_delta_bytes=_whole(known_median(r.memory.resident_delta_bytes for r in records)),
        heap_max_bytes=_whole(known_median(r.memory.heap_max_bytes for r in records)),
        working_set_max_bytes=_whole(known_median(r.memory.working_set_max_bytes for r in records)),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
