"""What the steps of a test came to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from krobench.analysis.generator import Schedule, measure_generator
from krobench.analysis.medians import known_median
from krobench.api.specs.load import Operation
from krobench.figures.latencies import latencies
from krobench.figures.lines import ObjectRecord
from krobench.figures.measures import LoadGenerator, OperationCounts
from krobench.record.iteration import IterationRecord, PhaseRecord
from krobench.record.test import PhaseSummary


@dataclass(frozen=True)
class MeasuredStep:
    """A step that was begun."""

    index: int
    operation: Operation
    requested: int
    started_seconds: float
    ended_seconds: float
    max_send_lag_seconds: float
    schedule: Schedule | None
    """None in a closed loop."""


def measure_step(
    step: MeasuredStep,
    objects: Iterable[ObjectRecord],
    kro_cpu_seconds: float | None,
    kro_api_requests: float | None,
) -> PhaseRecord:
    """Take the lines of one step together; ``objects`` are those of the whole iteration."""
    lines = [line for line in objects if line.phase == step.index]
    requests = [line for line in lines if line.operation != "fan-out"]
    generator: LoadGenerator | None = None
    if step.schedule is not None:
        generator = measure_generator(step.schedule, lines)
    return PhaseRecord(
        index=step.index,
        operation=step.operation,
        duration_seconds=round(step.ended_seconds - step.started_seconds, 6),
        counts=_count(step, requests),
        latency=latencies(lines),
        generator=generator,
        operations_per_second=_rate(lines),
        kro_cpu_seconds=kro_cpu_seconds,
        kro_api_requests=kro_api_requests,
    )


def summarise_steps(
    iterations: Sequence[IterationRecord], objects: Sequence[ObjectRecord]
) -> list[PhaseSummary]:
    """Take each step over these iterations together."""
    by_index: dict[int, list[PhaseRecord]] = {}
    for iteration in iterations:
        for step in iteration.phases:
            by_index.setdefault(step.index, []).append(step)
    return [
        PhaseSummary(
            index=index,
            operation=steps[0].operation,
            done=sum(step.counts.done for step in steps),
            errors=sum(step.counts.failed + step.counts.censored for step in steps),
            latency=latencies([line for line in objects if line.phase == index]),
            operations_per_second=known_median(step.operations_per_second for step in steps),
            kro_cpu_seconds_per_operation=known_median(
                _each(step.kro_cpu_seconds, step.counts.done) for step in steps
            ),
            kro_api_requests_per_operation=known_median(
                _each(step.kro_api_requests, step.counts.done) for step in steps
            ),
        )
        for index, steps in sorted(by_index.items())
    ]


def effect_seconds(line: ObjectRecord) -> float | None:
    """Return when an operation had its effect."""
    return line.gone_seconds if line.operation == "delete-instance" else line.ready_seconds


def _count(step: MeasuredStep, requests: Sequence[ObjectRecord]) -> OperationCounts:
    answered = [line for line in requests if line.acknowledged_seconds is not None]
    done = sum(effect_seconds(line) is not None for line in answered)
    lag = step.max_send_lag_seconds
    return OperationCounts(
        requested=step.requested,
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
