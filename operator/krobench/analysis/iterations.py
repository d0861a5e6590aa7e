"""From the lines of an iteration and its phases to a record, and from iterations to a summary.

The load generator belongs to it: if it did not keep its schedule, the run is invalid. kro was not
slow; the load was not the one asked for.
"""

import math
import statistics
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from krobench.api.specs.load import Load, Operation
from krobench.figures.latencies import latencies
from krobench.figures.rawdata import ObjectRecord
from krobench.figures.summaries import Counts, Figures, LoadGenerator, OperationCounts
from krobench.findings.validity import (
    AnyCause,
    RateNotReached,
    RequestsNotSent,
    ResourcesNotReady,
    ResourcesReadyLate,
    SendLagTooLong,
)
from krobench.record.test import (
    CloudRecord,
    IterationRecord,
    PhaseRecord,
    PhaseSummary,
    TestSummary,
)

_MEDIAN_DIGITS = 9
_MIN_ACHIEVED = 0.98
_GENERATOR_DIGITS = 6


@dataclass(frozen=True)
class Schedule:
    """What an open loop should send, until when, and how much it sent."""

    load: Load
    times: Sequence[float]
    """Intended times of all instances, in order."""
    ended_seconds: float
    """When the run phase ended, on the same clock."""
    sent: int
    """Requests that were sent, which are the first of them."""

    @cached_property
    def due(self) -> Sequence[float]:
        """The times of what was sent, and of what could have been before the end."""
        end = self.ended_seconds - self.load.max_send_lag_seconds
        return self.times[: max(self.sent, bisect_right(self.times, end))]

    @property
    def span_seconds(self) -> float:
        """From the first to the last of the due times."""
        return self.due[-1] - self.due[0] if self.due else 0.0


def measure_generator(schedule: Schedule, objects: Iterable[ObjectRecord]) -> LoadGenerator:
    """Compare what was sent with the schedule."""
    lines = [line for line in objects if line.intended_seconds is not None]
    lags = sorted(line.sent_seconds - line.start_seconds for line in lines)
    span = schedule.span_seconds
    taken = span
    if lines and span > 0:
        last = max(line.sent_seconds for line in lines)
        taken = max(span, last - schedule.due[0] - schedule.load.max_send_lag_seconds)
    return LoadGenerator(
        requested_per_second=_rate_of_events(len(schedule.due), span),
        achieved_per_second=_rate_of_events(len(lines), taken),
        send_lag_p50_seconds=_nearest_rank(lags, 0.5),
        send_lag_p99_seconds=_nearest_rank(lags, 0.99),
        send_lag_max_seconds=_nearest_rank(lags, 1.0),
    )


def lateness(generator: LoadGenerator, schedule: Schedule) -> list[AnyCause]:
    """Return in which ways the schedule was missed; empty if it was kept."""
    causes: list[AnyCause] = []
    lag, allowed = generator.send_lag_p99_seconds, schedule.load.max_send_lag_seconds
    if lag is not None and lag > allowed:
        causes.append(SendLagTooLong(p99_seconds=lag, allowed_seconds=allowed))
    sent, due = schedule.sent, len(schedule.due)
    if sent < _MIN_ACHIEVED * due:
        causes.append(RequestsNotSent(sent=sent, due=due))
    requested, achieved = generator.requested_per_second, generator.achieved_per_second
    if requested and achieved is not None and achieved < _MIN_ACHIEVED * requested:
        causes.append(
            RateNotReached(
                achieved_per_second=achieved,
                requested_per_second=requested,
                least_ratio=_MIN_ACHIEVED,
            )
        )
    return causes


def measure_cloud(
    delay_seconds: float, lags: Sequence[float], writes: int, failed: int, error: str | None
) -> CloudRecord:
    """Return how late resources of a cloud were made ready."""
    ordered = sorted(lags)
    return CloudRecord(
        delay_seconds=delay_seconds,
        writes=writes,
        failed=failed,
        lag_p99_seconds=_nearest_rank(ordered, 0.99),
        lag_max_seconds=_nearest_rank(ordered, 1.0),
        error=error,
    )


def cloud_lateness(cloud: CloudRecord, allowed_seconds: float) -> list[AnyCause]:
    """Return why the resources were not ready after the time that was asked for."""
    causes: list[AnyCause] = []
    lag = cloud.lag_p99_seconds
    if lag is not None and lag > allowed_seconds:
        causes.append(ResourcesReadyLate(p99_seconds=lag, allowed_seconds=allowed_seconds))
    if cloud.error is not None:
        causes.append(ResourcesNotReady(failed=cloud.failed, error=cloud.error))
    return causes


def summarise_generators(generators: Iterable[LoadGenerator | None]) -> LoadGenerator | None:
    """Take iterations together: medians of the rates, and the worst of the lags."""
    known = [generator for generator in generators if generator is not None]
    if not known:
        return None
    return LoadGenerator(
        requested_per_second=known_median(g.requested_per_second for g in known),
        achieved_per_second=known_median(g.achieved_per_second for g in known),
        send_lag_p50_seconds=_worst(g.send_lag_p50_seconds for g in known),
        send_lag_p99_seconds=_worst(g.send_lag_p99_seconds for g in known),
        send_lag_max_seconds=_worst(g.send_lag_max_seconds for g in known),
    )


def _rate_of_events(count: int, seconds: float) -> float | None:
    """Return the rate of events whose first and last are ``seconds`` apart."""
    return round(max(0, count - 1) / seconds, _GENERATOR_DIGITS) if seconds > 0 else None


def _nearest_rank(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that ``share`` of the sorted values do not exceed."""
    if not values:
        return None
    return round(values[math.ceil(share * len(values)) - 1], _GENERATOR_DIGITS)


def _worst(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def count_instances(
    requested: int, objects: Iterable[ObjectRecord], max_send_lag_seconds: float
) -> Counts:
    """Count the instances of an iteration by how far they got."""
    lines = [line for line in objects if line.operation == "create-instance"]
    of_all = count_operations(requested, lines, max_send_lag_seconds)
    created = of_all.sent - of_all.failed
    return Counts(created=created, ready=of_all.done, **of_all.model_dump(exclude={"done"}))


def count_operations(
    requested: int, requests: Sequence[ObjectRecord], max_send_lag_seconds: float
) -> OperationCounts:
    """Count requests of any kind by how far they got."""
    answered = [line for line in requests if line.acknowledged_seconds is not None]
    done = sum(effect_seconds(line) is not None for line in answered)
    lags = (line.sent_seconds - line.start_seconds for line in requests)
    return OperationCounts(
        requested=requested,
        sent=len(requests),
        late=sum(lag > max_send_lag_seconds for lag in lags),
        done=done,
        failed=len(requests) - len(answered),
        censored=len(answered) - done,
        retried=sum(line.retries for line in requests),
        throttled=sum(line.throttled for line in requests),
        server_errors=sum(line.server_errors for line in requests),
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
    image: str | None
    """To which an upgrade changed kro."""
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
        image=phase.image,
        duration_seconds=round(phase.ended_seconds - phase.started_seconds, 6),
        counts=count_operations(phase.requested, requests, phase.max_send_lag_seconds),
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
            image=phases[0].image,
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


def known_median(values: Iterable[float | None]) -> float | None:
    """Return the median of the values that were measured; None if none was."""
    known = [value for value in values if value is not None]
    return round(statistics.median(known), _MEDIAN_DIGITS) if known else None


def median_figures(records: Sequence[Figures]) -> Figures:
    """Return the median of each figure over the iterations that have it."""
    values: dict[str, list[float]] = {}
    for record in records:
        for name, value in record.root.items():
            values.setdefault(name, []).append(value)
    return Figures(
        {name: round(statistics.median(known), _MEDIAN_DIGITS) for name, known in values.items()}
    )


def per_second(count: float | None, seconds: float | None) -> float | None:
    """Return a count per second of a run phase; None if either is not known."""
    return count / seconds if count is not None and seconds else None
