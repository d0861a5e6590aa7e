"""From what an iteration did to what its steps came to, and whether they were those asked for."""

from krobench.analysis.generator import Schedule, lateness
from krobench.analysis.steps import MeasuredStep, measure_step
from krobench.analysis.usage.windows import Series, UnavailableError
from krobench.api.common import ErrorInfo
from krobench.figures.measures import LoadGenerator
from krobench.load.iteration import Outcome, StepOutcome
from krobench.record.iteration import StepRecord
from krobench.record.lines import ObjectRecord
from krobench.workload.testplan import TestPlan

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
) -> tuple[list[StepRecord], LoadGenerator | None, list[ErrorInfo]]:
    """Return the steps where there are several, how the one with a schedule kept it, and how
    schedules were missed.

    With several schedules, the second is None: each step has its own.
    """
    steps: list[StepRecord] = []
    generators: list[LoadGenerator] = []
    causes: list[ErrorInfo] = []
    for begun in outcome.steps:
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
            place = f"step {begun.plan.index + 1}: " if len(test.steps) > 1 else ""
            causes += [
                ErrorInfo(reason=cause.reason, message=place + cause.message)
                for cause in lateness(record.generator, measured.schedule)
            ]
    generator = generators[0] if len(generators) == 1 else None
    return steps if len(test.steps) > 1 else [], generator, causes


def operation_errors(records: list[ObjectRecord]) -> ErrorInfo | None:
    """Return the error of an iteration in which requests were refused."""
    for operation, (reason, words) in _REASONS.items():
        failed = [r for r in records if r.operation == operation and r.error is not None]
        if failed:
            message = f"{len(failed)} {words}, the first with: {failed[0].error}"
            return ErrorInfo(reason=reason, message=message)
    return None


def _measured(begun: StepOutcome, outcome: Outcome) -> MeasuredStep:
    plan = begun.plan
    ended = begun.ended_seconds or outcome.ended_seconds or begun.started_seconds
    schedule: Schedule | None = None
    if begun.schedule is not None:
        sent = sum(
            line.step == plan.index and line.intended_seconds is not None
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
