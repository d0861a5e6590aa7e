"""From what an iteration did, and the samples taken meanwhile, to what it used."""

from dataclasses import replace

from krobench.analysis.usage.measure import Phases, Usage, measure_usage
from krobench.analysis.usage.windows import Series
from krobench.analysis.watchlag import watch_lag_metrics
from krobench.load.iteration import Outcome, StepOutcome
from krobench.record.lines import ObjectRecord

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
    if outcome.phases_unavailable is not None:
        usage.unavailable["latency.rgdCompiled"] = outcome.phases_unavailable
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
    first = outcome.steps[0] if len(outcome.steps) > 1 else None
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


def _phases(outcome: Outcome, step: StepOutcome) -> Phases:
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
        line for line in outcome.records if line.operation == "create-instance" and line.step == 0
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
