"""What is recorded of an iteration when it has been measured."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from krobench.analysis.generator import Schedule, lateness
from krobench.analysis.iterations import count_instances, throughput
from krobench.analysis.steps import MeasuredStep, measure_step
from krobench.analysis.usage.measure import Phases, Usage, measure_usage
from krobench.analysis.validity.judge import Surroundings, causes_around
from krobench.analysis.validity.steady import steady_state_of_load
from krobench.analysis.watchlag import watch_lag_metrics
from krobench.api.common import ErrorInfo, rfc3339, utc_now
from krobench.api.specs.results import ValiditySettings
from krobench.collect.sampler import Collected
from krobench.figures.environment import NodeFingerprint
from krobench.figures.latencies import latencies
from krobench.figures.lines import ObjectRecord, SourceName
from krobench.figures.measures import LoadGenerator
from krobench.figures.series import Series, UnavailableError
from krobench.figures.steady_state import SteadyState
from krobench.findings.validity import AnyCause, Validity
from krobench.job.monitor import Observation
from krobench.load.iteration import Outcome, PhaseOutcome
from krobench.record.iteration import IterationRecord, PhaseRecord
from krobench.workload.iterationplan import IterationPlan
from krobench.workload.testplan import TestPlan


def iteration_record(
    plan: IterationPlan, outcome: Outcome, collected: Collected, start_time: str, requests: int
) -> IterationRecord:
    """Return the record of an iteration that has ended, but for its clean-up.

    ``requests`` are krobench's own to the API server in the run phase.
    """
    assert outcome.ended_seconds is not None
    lag = plan.test.load.max_send_lag_seconds
    counts = count_instances(plan.instance_count, outcome.records, lag)
    steps, generator, late = assess_steps(plan.test, outcome, Series(collected.samples))
    error = outcome.error or operation_errors(outcome.records)
    usage = usage_of(outcome, Series(collected.samples), counts.ready)
    usage.unavailable |= {source: str(gaps) for source, gaps in collected.gaps.items()}
    usage.unavailable |= collected.silent
    usage.resources.kro_restarts = collected.kro_restarts
    if outcome.run_started_seconds is not None:
        usage.api_requests.krobench = requests + outcome.requests_elsewhere
    return IterationRecord(
        index=plan.index,
        warmup=plan.warmup,
        profiled=plan.profiled,
        visit=plan.test.visit_of(plan.index),
        start_time=start_time,
        end_time=rfc3339(utc_now()),
        duration_seconds=round(outcome.ended_seconds - outcome.started_seconds, 6),
        run_seconds=run_seconds(outcome),
        soak=outcome.soak,
        success=error is None,
        error=error,
        validity=Validity.of(outcome.invalid + late),
        counts=counts,
        steady_state=_steady_state(outcome),
        generator=generator,
        latency=latencies(outcome.records),
        throughput=throughput(outcome.records),
        cpu=usage.cpu,
        memory=usage.memory,
        api_requests=usage.api_requests,
        metrics=usage.metrics,
        usage=usage.resources,
        phases=steps,
        unavailable=usage.unavailable,
    )


def _steady_state(outcome: Outcome) -> SteadyState | None:
    if not outcome.phases:
        return None
    return steady_state_of_load(outcome.phases[0].plan.load.arrival, outcome.records)


def judge(
    record: IterationRecord,
    outcome: Outcome,
    observation: Observation,
    collected: Collected,
    intervals: Mapping[SourceName, float],
    nodes: Sequence[NodeFingerprint],
    settings: ValiditySettings,
) -> Validity:
    """Return the validity of an iteration, whose own causes its record has already."""
    assert outcome.ended_seconds is not None
    seen = Surroundings(
        first=observation.first,
        moments=observation.moments,
        samples=collected.samples,
        intervals=intervals,
        nodes=nodes,
        started_seconds=outcome.started_seconds,
        ended_seconds=outcome.run_ended_seconds or outcome.ended_seconds,
    )
    return Validity.of(record.validity.causes + causes_around(record, seen, settings))


_CPU = "process_cpu_seconds_total"
_REQUESTS = "rest_client_requests_total"
_REASONS = {
    "create-instance": ("InstancesRefused", "instances were refused"),
    "update-instance": ("UpdatesRefused", "updates of instances were refused"),
    "update-rgd": ("UpdatesRefused", "updates of RGDs were refused"),
    "delete-instance": ("DeletionsRefused", "deletions of instances were refused"),
}


def assess_steps(
    test: TestPlan, outcome: Outcome, series: Series
) -> tuple[list[PhaseRecord], LoadGenerator | None, list[AnyCause]]:
    """Return the steps where there are several, how the one with a schedule kept it, and how
    schedules were missed.

    With several schedules, the second is None: each step has its own.
    """
    steps: list[PhaseRecord] = []
    generators: list[LoadGenerator] = []
    causes: list[AnyCause] = []
    for begun in outcome.phases:
        measured = _measured(begun, outcome)
        window = (measured.started_seconds, measured.ended_seconds)
        record = measure_step(
            measured,
            outcome.records,
            _growth(series, _CPU, *window),
            _growth(series, _REQUESTS, *window),
        )
        steps.append(record)
        if record.generator is not None and measured.schedule is not None:
            generators.append(record.generator)
            phase = begun.plan.index + 1 if len(test.phases) > 1 else None
            causes += [
                cause.model_copy(update={"phase": phase})
                for cause in lateness(record.generator, measured.schedule)
            ]
    generator = generators[0] if len(generators) == 1 else None
    return steps if len(test.phases) > 1 else [], generator, causes


def operation_errors(records: list[ObjectRecord]) -> ErrorInfo | None:
    """Return the error of an iteration in which requests were refused."""
    for operation, (reason, words) in _REASONS.items():
        failed = [r for r in records if r.operation == operation and r.error is not None]
        if failed:
            message = f"{len(failed)} {words}, the first with: {failed[0].error}"
            return ErrorInfo(reason=reason, message=message)
    return None


def _measured(begun: PhaseOutcome, outcome: Outcome) -> MeasuredStep:
    plan = begun.plan
    ended = begun.ended_seconds or outcome.ended_seconds or begun.started_seconds
    schedule: Schedule | None = None
    if begun.schedule is not None:
        sent = sum(
            line.phase == plan.index and line.intended_seconds is not None
            for line in outcome.records
            if line.operation != "fan-out"
        )
        schedule = Schedule(plan.load, begun.schedule, ended, sent)
    return MeasuredStep(
        index=plan.index,
        operation=plan.operation,
        requested=len(plan.operations),
        started_seconds=begun.started_seconds,
        ended_seconds=ended,
        max_send_lag_seconds=plan.load.max_send_lag_seconds,
        schedule=schedule,
    )


def _growth(series: Series, metric: str, start: float, end: float) -> float | None:
    try:
        return round(series.delta("kro", metric, start, end).value, 6)
    except UnavailableError:
        return None


_HELD = (
    "memory.",
    "usage.kro.residentBytes",
    "usage.kro.workingSetBytes",
    "usage.kroRuntime.heapBytes",
)


def usage_of(outcome: Outcome, series: Series, ready: int) -> Usage:
    """Return what an iteration used, of which ``ready`` instances came."""
    usage = _run_usage(outcome, series, ready)
    if usage.resources.set_up.seconds is not None:
        usage.resources.set_up.seconds = _set_up_seconds(outcome)
    _add_watch_metrics(usage, outcome)
    if outcome.children_unavailable is not None:
        usage.unavailable["latency.instanceFirstChild"] = outcome.children_unavailable
    if outcome.compilation_unavailable is not None:
        usage.unavailable["latency.rgdCompiled"] = outcome.compilation_unavailable
    return usage


def run_seconds(outcome: Outcome) -> float | None:
    """Return how long the run phase took; None where it was not reached."""
    if outcome.run_started_seconds is None or outcome.run_ended_seconds is None:
        return None
    return round(outcome.run_ended_seconds - outcome.run_started_seconds, 6)


def _run_usage(outcome: Outcome, series: Series, ready: int) -> Usage:
    if outcome.run_started_seconds is None or outcome.run_ended_seconds is None:
        usage = Usage()
        usage.unavailable["run"] = "the run phase was never reached"
        return usage
    phases = Phases(outcome.started_seconds, outcome.run_started_seconds, outcome.run_ended_seconds)
    missing = sum(_is_missing(line) for line in outcome.records)
    usage = measure_usage(series, phases, ready, _ready_rgds(outcome), missing)
    if outcome.held_until_seconds is not None:
        held = replace(phases, run_ended_seconds=outcome.held_until_seconds)
        _take_memory(usage, measure_usage(series, held, ready))
    first = outcome.phases[0] if len(outcome.phases) > 1 else None
    if first is not None and first.ended_seconds is not None:
        _take_per_instance(usage, _usage_of_first(outcome, series, _phases(outcome, first)))
    return usage


def _take_memory(usage: Usage, held: Usage) -> None:
    """Take kro's memory from a phase that includes the hold: it may go on growing then."""
    usage.memory = held.memory
    own, longer = usage.resources.kro, held.resources.kro
    own.resident_bytes, own.working_set_bytes = longer.resident_bytes, longer.working_set_bytes
    usage.resources.kro_runtime.heap_bytes = held.resources.kro_runtime.heap_bytes
    _take_reasons(usage, held, _HELD)


def _take_reasons(usage: Usage, other: Usage, names: tuple[str, ...]) -> None:
    """Take why figures are missing from where these were taken, by how their names begin."""
    for name in usage.unavailable.keys() | other.unavailable.keys():
        if name.startswith(names):
            usage.unavailable.pop(name, None)
            if name in other.unavailable:
                usage.unavailable[name] = other.unavailable[name]


def _phases(outcome: Outcome, step: PhaseOutcome) -> Phases:
    assert step.ended_seconds is not None
    return Phases(outcome.started_seconds, step.started_seconds, step.ended_seconds)


def _ready_rgds(outcome: Outcome) -> int:
    return sum(
        line.operation == "create-rgd" and line.ready_seconds is not None
        for line in outcome.records
    )


def _set_up_seconds(outcome: Outcome) -> float | None:
    """Return the time from the first RGD's request until the last was Ready."""
    made = [line for line in outcome.records if line.operation == "create-rgd"]
    ready = [line.ready_seconds for line in made if line.ready_seconds is not None]
    if not ready:
        return None
    return round(max(ready) - min(line.sent_seconds for line in made), 6)


def _usage_of_first(outcome: Outcome, series: Series, phases: Phases) -> Usage:
    """Return what the first step used."""
    made = [
        line for line in outcome.records if line.operation == "create-instance" and line.phase == 0
    ]
    missing = sum(_is_missing(line) for line in made)
    return measure_usage(series, phases, len(made) - missing, missing=missing)


def _is_missing(line: ObjectRecord) -> bool:
    return line.operation == "create-instance" and line.ready_seconds is None


def _take_per_instance(usage: Usage, first: Usage) -> None:
    """Take costs of an instance from the step that creates and does nothing else."""
    usage.resources.per_instance = first.resources.per_instance
    _take_reasons(usage, first, ("usage.perInstance.",))
    for name in [name for name in usage.metrics if name.endswith("_per_instance")]:
        usage.metrics[name] = first.metrics.get(name)
        usage.unavailable.pop(name, None)
        if name in first.unavailable:
            usage.unavailable[name] = first.unavailable[name]


def _add_watch_metrics(usage: Usage, outcome: Outcome) -> None:
    usage.metrics |= outcome.metrics
    usage.unavailable |= outcome.unavailable
    usage.metrics["watch_interruptions"] = float(outcome.watch_interruptions)
    if outcome.watch_lag is None:
        return
    lag = outcome.watch_lag
    metrics, unavailable = watch_lag_metrics(lag.seconds, lag.missing, lag.failure)
    usage.metrics |= metrics
    usage.unavailable |= unavailable
