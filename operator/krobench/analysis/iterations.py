"""From the lines of an iteration and its phases to a record, and from iterations to a summary."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from krobench.analysis.generator import Schedule, measure_generator, summarise_generators
from krobench.analysis.medians import known_median, median_figures
from krobench.api.specs.load import Operation
from krobench.figures.latencies import latencies
from krobench.figures.lines import ObjectRecord
from krobench.figures.measures import Counts, LoadGenerator, OperationCounts
from krobench.record.iteration import IterationRecord, PhaseRecord
from krobench.record.test import PhaseSummary, TestSummary


def count_instances(
    requested: int, objects: Iterable[ObjectRecord], max_send_lag_seconds: float
) -> Counts:
    """Count how many instances of an iteration got how far."""
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
    """Return the rate at which instances became ready, or None if fewer than two did.

    Of several phases, the first alone counts, which creates instances and does nothing else.
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
    """Take the measured iterations of a test together; None if there is none."""
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
        phases=summarise_phases(measured, lines),
    )


def errors_of(record: IterationRecord) -> int:
    """Return how many operations failed or were censored; 1 if it failed for another cause."""
    missing = record.counts.failed + record.counts.censored
    if record.phases:
        missing = sum(phase.counts.failed + phase.counts.censored for phase in record.phases)
    return missing if missing or record.success else 1


@dataclass(frozen=True)
class MeasuredPhase:
    """A phase that was begun."""

    index: int
    operation: Operation
    requested: int
    started_seconds: float
    ended_seconds: float
    max_send_lag_seconds: float
    schedule: Schedule | None
    """None in a closed loop."""


def measure_phase(
    phase: MeasuredPhase,
    objects: Iterable[ObjectRecord],
    kro_cpu_seconds: float | None,
    kro_api_requests: float | None,
) -> PhaseRecord:
    """Take the lines of one phase together; ``objects`` are those of the whole iteration."""
    lines = [line for line in objects if line.phase == phase.index]
    requests = [line for line in lines if line.operation != "fan-out"]
    generator: LoadGenerator | None = None
    if phase.schedule is not None:
        generator = measure_generator(phase.schedule, lines)
    return PhaseRecord(
        index=phase.index,
        operation=phase.operation,
        duration_seconds=round(phase.ended_seconds - phase.started_seconds, 6),
        counts=_count(phase, requests),
        latency=latencies(lines),
        generator=generator,
        operations_per_second=_rate(lines),
        kro_cpu_seconds=kro_cpu_seconds,
        kro_api_requests=kro_api_requests,
    )


def summarise_phases(
    iterations: Sequence[IterationRecord], objects: Sequence[ObjectRecord]
) -> list[PhaseSummary]:
    """Take each phase over these iterations together."""
    by_index: dict[int, list[PhaseRecord]] = {}
    for iteration in iterations:
        for phase in iteration.phases:
            by_index.setdefault(phase.index, []).append(phase)
    return [
        PhaseSummary(
            index=index,
            operation=phases[0].operation,
            done=sum(phase.counts.done for phase in phases),
            errors=sum(phase.counts.failed + phase.counts.censored for phase in phases),
            latency=latencies([line for line in objects if line.phase == index]),
            operations_per_second=known_median(phase.operations_per_second for phase in phases),
            kro_cpu_seconds_per_operation=known_median(
                _each(phase.kro_cpu_seconds, phase.counts.done) for phase in phases
            ),
            kro_api_requests_per_operation=known_median(
                _each(phase.kro_api_requests, phase.counts.done) for phase in phases
            ),
        )
        for index, phases in sorted(by_index.items())
    ]


def effect_seconds(line: ObjectRecord) -> float | None:
    """Return when an operation had its effect."""
    return line.gone_seconds if line.operation == "delete-instance" else line.ready_seconds


def _count(phase: MeasuredPhase, requests: Sequence[ObjectRecord]) -> OperationCounts:
    answered = [line for line in requests if line.acknowledged_seconds is not None]
    done = sum(effect_seconds(line) is not None for line in answered)
    lag = phase.max_send_lag_seconds
    return OperationCounts(
        requested=phase.requested,
        sent=len(requests),
        late=sum(line.sent_seconds - line.start_seconds > lag for line in requests),
        done=done,
        failed=len(requests) - len(answered),
        censored=len(answered) - done,
        retried=sum(line.retries for line in requests),
        throttled=sum(line.throttled for line in requests),
        server_errors=sum(line.server_errors for line in requests),
    )


def _rate(lines: Iterable[ObjectRecord]) -> float | None:
    """Return the operations done per second; an update of an RGD counts with its last instance."""
    ends = [(line, end) for line in lines if (end := effect_seconds(line)) is not None]
    done = sum(line.operation != "fan-out" for line, _ in ends)
    if not done:
        return None
    seconds = max(end for _, end in ends) - min(line.start_seconds for line, _ in ends)
    return round(done / seconds, 4) if seconds > 0 else None


def _each(value: float | None, count: int) -> float | None:
    return None if value is None or not count else value / count
