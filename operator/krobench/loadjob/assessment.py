"""Assesses an iteration: from what was seen to its record, figures and validity included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from krobench.analysis.iterations import (
    MeasuredPhase,
    Schedule,
    cloud_lateness,
    count_instances,
    lateness,
    measure_cloud,
    measure_phase,
    throughput,
)
from krobench.analysis.validity.judge import Surroundings, causes_around
from krobench.analysis.validity.steady import steady_state_of_load
from krobench.api.common import ErrorInfo, rfc3339, utc_now
from krobench.api.specs.validity import ValiditySettings
from krobench.collect.sampler import Collected
from krobench.figures.catalogue import (
    KROBENCH_REQUESTS,
    PER_INSTANCE,
    RUN_SECONDS,
    SET_UP_SECONDS,
    SOAKED,
    THROUGHPUT,
    WATCH_INTERRUPTIONS,
)
from krobench.figures.environment import NodeFingerprint
from krobench.figures.iteration import Made, Measured, Phases, measure
from krobench.figures.latencies import LATENCIES, latencies, watch_lag_figures
from krobench.figures.rawdata import ObjectRecord, SourceName
from krobench.figures.reasons.figures import AnyReason
from krobench.figures.reasons.load import RgdsExistedBefore, RunPhaseNotReached, TooFewReady
from krobench.figures.reasons.samples import NotSampled
from krobench.figures.reasons.sources import NoKroPod
from krobench.figures.series import Series, UnavailableError
from krobench.figures.summaries import Figures, LoadGenerator, PartLists
from krobench.findings.validity import AnyCause, Validity
from krobench.load.iteration import Outcome, PhaseOutcome
from krobench.loadjob.monitor import Observation
from krobench.record.test import IterationRecord, PhaseRecord
from krobench.workload.iterationplan import IterationPlan
from krobench.workload.testplan import TestPlan


@dataclass(frozen=True)
class Around:
    """What was observed around an iteration, apart from its load and its samples."""

    observation: Observation
    intervals: Mapping[SourceName, float]
    """Between two samples of a source."""
    nodes: Sequence[NodeFingerprint]
    start_time: str
    requests: int
    """krobench's own requests to the API server in the run phase."""


def assess(
    plan: IterationPlan,
    outcome: Outcome,
    collected: Collected,
    around: Around,
    settings: ValiditySettings,
) -> IterationRecord:
    """Return the record of an iteration that has ended, before its cleanup."""
    assert outcome.ended_seconds is not None
    lag = plan.test.load.max_send_lag_seconds
    counts = count_instances(plan.instance_count, outcome.records, lag)
    phases, generator, late = assess_phases(plan.test, outcome, Series(collected.samples))
    error = outcome.error or operation_errors(outcome.records)
    cloud = None
    if outcome.cloud is not None:
        done = outcome.cloud
        cloud = measure_cloud(done.delay_seconds, done.lags, done.writes, done.failed, done.error)
        late = [*late, *cloud_lateness(cloud, lag)]
    measured = measure_iteration(outcome, Series(collected.samples), counts.ready)
    measured.unavailable.update(collected.gaps.items())
    measured.unavailable |= collected.silent
    if plan.test.target.managed:
        measured.unavailable.update(_of_a_missing_pod(measured.unavailable))
    if outcome.run_started_seconds is not None:
        measured.set(KROBENCH_REQUESTS.name, around.requests + outcome.requests_elsewhere)
    record = IterationRecord(
        index=plan.index,
        warmup=plan.warmup,
        profiled=plan.profiled,
        visit=plan.test.visit_of(plan.index),
        start_time=around.start_time,
        end_time=rfc3339(utc_now()),
        duration_seconds=round(outcome.ended_seconds - outcome.started_seconds, 6),
        soak=outcome.soak,
        success=error is None,
        error=error,
        validity=Validity.of(outcome.invalid + late),
        counts=counts,
        steady_state=(
            steady_state_of_load(outcome.phases[0].plan.load.arrival, outcome.records)
            if outcome.phases
            else None
        ),
        generator=generator,
        background=outcome.background,
        cloud=cloud,
        latency=latencies(outcome.records),
        figures=Figures(measured.figures),
        parts=PartLists(measured.parts),
        kro_restarts=collected.kro_restarts,
        phases=phases,
        unavailable=measured.unavailable,
    )
    seen = Surroundings(
        first=around.observation.first,
        moments=around.observation.moments,
        samples=collected.samples,
        intervals=around.intervals,
        nodes=around.nodes,
        started_seconds=outcome.started_seconds,
        ended_seconds=outcome.run_ended_seconds or outcome.ended_seconds,
        replacements=outcome.replacements,
    )
    causes = [*record.validity.causes, *causes_around(record, seen, settings)]
    return record.model_copy(update={"validity": Validity.of(causes)})


def _of_a_missing_pod(unavailable: Mapping[str, AnyReason]) -> dict[str, AnyReason]:
    """Return the reason for what is read from kro's pod, if kro runs elsewhere."""
    return {
        name: NoKroPod()
        for name, reason in unavailable.items()
        if isinstance(reason, NotSampled) and reason.source in ("kro", "kubelet")
    }


_CPU = "process_cpu_seconds_total"
_REQUESTS = "rest_client_requests_total"
_REASONS = {
    "create-instance": ("InstancesRefused", "instances were refused"),
    "update-instance": ("UpdatesRefused", "updates of instances were refused"),
    "update-rgd": ("UpdatesRefused", "updates of RGDs were refused"),
    "delete-instance": ("DeletionsRefused", "deletions of instances were refused"),
}


def assess_phases(
    test: TestPlan, outcome: Outcome, series: Series
) -> tuple[list[PhaseRecord], LoadGenerator | None, list[AnyCause]]:
    """Return the phases if there are several, how the one with a schedule kept it, and how
    schedules were missed.

    With several schedules, the second is None: each phase has its own.
    """
    phases: list[PhaseRecord] = []
    generators: list[LoadGenerator] = []
    causes: list[AnyCause] = []
    for begun in outcome.phases:
        measured = _measured(begun, outcome)
        window = (measured.started_seconds, measured.ended_seconds)
        record = measure_phase(
            measured,
            outcome.records,
            _growth(series, _CPU, *window),
            _growth(series, _REQUESTS, *window),
        )
        phases.append(record)
        if record.generator is not None and measured.schedule is not None:
            generators.append(record.generator)
            phase = begun.plan.index + 1 if len(test.phases) > 1 else None
            causes += [
                cause.model_copy(update={"phase": phase})
                for cause in lateness(record.generator, measured.schedule)
            ]
    generator = generators[0] if len(generators) == 1 else None
    return phases if len(test.phases) > 1 else [], generator, causes


def operation_errors(records: list[ObjectRecord]) -> ErrorInfo | None:
    """Return the error of an iteration in which requests were refused."""
    for operation, (reason, words) in _REASONS.items():
        failed = [r for r in records if r.operation == operation and r.error is not None]
        if failed:
            message = f"{len(failed)} {words}, the first with: {failed[0].error}"
            return ErrorInfo(reason=reason, message=message)
    return None


def _measured(begun: PhaseOutcome, outcome: Outcome) -> MeasuredPhase:
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
    return MeasuredPhase(
        index=plan.index,
        operation=plan.operation,
        image=plan.image,
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


def measure_iteration(outcome: Outcome, series: Series, ready: int) -> Measured:
    """Return the figures of an iteration in which ``ready`` instances became ready."""
    measured = _measure_phases(outcome, series, ready)
    rate = throughput(outcome.records)
    measured.set(THROUGHPUT.name, rate, TooFewReady())
    _measure_rgds(measured, outcome)
    measured.set(WATCH_INTERRUPTIONS.name, float(outcome.watch_interruptions))
    own, reasons = dict(outcome.metrics), dict(outcome.unavailable)
    if outcome.watch_lag is not None:
        lag = outcome.watch_lag
        found, missing = watch_lag_figures(lag.seconds, lag.missing, lag.failure)
        own, reasons = own | found, reasons | missing
    for name, value in own.items():
        measured.set(name, value, reasons.get(name))
    for kind, reason in outcome.children_unwatched.items():
        measured.unavailable[f"children.{kind}"] = reason
    if outcome.children_unavailable is not None:
        for name in ("latency.instanceFirstChild", "latency.instanceLastChild"):
            measured.unavailable[name] = outcome.children_unavailable
    if outcome.compilation_unavailable is not None:
        measured.unavailable["latency.rgdCompiled"] = outcome.compilation_unavailable
    return measured


def _measure_rgds(measured: Measured, outcome: Outcome) -> None:
    """Add how long the creation of all RGDs took, or why it is not known."""
    if outcome.rgds_existed:
        measured.set(SET_UP_SECONDS.name, None, RgdsExistedBefore())
        of_rgds = (name for name, of in LATENCIES.items() if of.operation == "create-rgd")
        measured.unavailable.update({f"latency.{name}": RgdsExistedBefore() for name in of_rgds})
        return
    made = [line for line in outcome.records if line.operation == "create-rgd"]
    times = [line.ready_seconds for line in made if line.ready_seconds is not None]
    if times and RUN_SECONDS.name in measured.figures:
        seconds = max(times) - min(line.sent_seconds for line in made)
        measured.set(SET_UP_SECONDS.name, round(seconds, 6))


def _measure_phases(outcome: Outcome, series: Series, ready: int) -> Measured:
    start, end = outcome.run_started_seconds, outcome.run_ended_seconds
    if start is None or end is None:
        return Measured(unavailable={"run": RunPhaseNotReached()})
    created = [line for line in outcome.records if line.operation == "create-instance"]
    rgds = sum(
        line.operation == "create-rgd" and line.ready_seconds is not None
        for line in outcome.records
    )
    phases = Phases(outcome.started_seconds, start, end)
    measured = measure(series, phases, Made(ready, _missing(created), rgds, outcome.rgds_existed))
    if outcome.soak_ended_seconds is not None:
        # kro's memory may continue to grow during the soak.
        soaked = replace(phases, run_ended_seconds=outcome.soak_ended_seconds)
        measured.take(measure(series, soaked, Made(ready), SOAKED), SOAKED)
    first = outcome.phases[0] if len(outcome.phases) > 1 else None
    if first is not None and first.ended_seconds is not None:
        # The first phase creates instances and does nothing else.
        window = Phases(outcome.started_seconds, first.started_seconds, first.ended_seconds)
        made = [line for line in created if line.phase == 0]
        missing = _missing(made)
        costs = measure(series, window, Made(len(made) - missing, missing), PER_INSTANCE)
        measured.take(costs, PER_INSTANCE)
    return measured


def _missing(created: Sequence[ObjectRecord]) -> int:
    return sum(line.ready_seconds is None for line in created)
