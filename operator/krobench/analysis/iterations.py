"""From the lines of one iteration to its record, and from iterations to a test's summary."""

from collections.abc import Iterable, Sequence

from krobench.analysis.generator import summarise_generators
from krobench.analysis.medians import known_median, median_figures
from krobench.analysis.steps import summarise_steps
from krobench.figures.latencies import latencies
from krobench.figures.lines import ObjectRecord
from krobench.figures.measures import Counts
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


def throughput(objects: Iterable[ObjectRecord]) -> float | None:
    """Return the rate at which instances became ready, or None where fewer than two did.

    Of several steps, the first alone counts, which creates instances and does nothing else.
    """
    ready = [
        line
        for line in objects
        if line.operation == "create-instance" and not line.phase and line.ready_seconds is not None
    ]
    if len(ready) < 2:
        return None
    first = min(line.start_seconds for line in ready)
    last = max(line.ready_seconds for line in ready if line.ready_seconds is not None)
    return round(len(ready) / (last - first), 4)


def summarise_test(
    iterations: Sequence[IterationRecord], objects: Sequence[ObjectRecord]
) -> TestSummary | None:
    """Take the measured iterations of a test together; None where there is none."""
    measured = [record for record in iterations if not record.warmup]
    if not measured:
        return None
    lines = [line for line in objects if not line.warmup]
    return TestSummary(
        iterations=len(measured),
        generator=summarise_generators(record.generator for record in measured),
        latency=latencies(lines),
        figures=median_figures([record.figures for record in measured]),
        parts=measured[-1].parts,
        kro_restarts=[restart for record in measured for restart in record.kro_restarts],
        duration_seconds=known_median(r.duration_seconds for r in measured),
        errors_total=sum(errors_of(record) for record in measured),
        phases=summarise_steps(measured, lines),
    )


def errors_of(record: IterationRecord) -> int:
    """Return how many operations failed or were censored; 1 where it failed for another cause."""
    missing = record.counts.failed + record.counts.censored
    if record.phases:
        missing = sum(step.counts.failed + step.counts.censored for step in record.phases)
    return missing if missing or record.success else 1
