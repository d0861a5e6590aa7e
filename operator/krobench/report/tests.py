"""A test: its headline figure with the interval, how its load was sent, and its phases."""

from collections.abc import Iterable, Iterator, Sequence

from krobench.api import units
from krobench.api.specs.load import Arrival
from krobench.api.specs.results import Cause
from krobench.figures.measures import LatencySummary, LoadGenerator
from krobench.figures.precision import Headline, Stop
from krobench.record.iteration import IterationRecord
from krobench.record.test import PhaseSummary, TestRecord
from krobench.report.tables import table
from krobench.report.words.validity import steady_state_line

FEWEST_FOR_INTERVAL = 3
"""Iterations. An interval from two is too wide to be of use."""
_OF_THE_LOAD = (Cause.GENERATOR_LATE, Cause.SHARD_LOST)
_EFFECTS = (
    ("created, until ready", "instance_ready"),
    ("updated, until ready again", "instance_updated"),
    ("RGD updated, until ready again", "rgd_updated"),
    ("RGD updated, until on all children of an instance", "instance_fanned_out"),
    ("deleted, until gone", "instance_gone"),
)


def headline_line(test: TestRecord) -> str:
    """Return the headline figure and why the test was not repeated further; empty without one."""
    figure = test.headline
    if figure is None:
        return ""
    precision = precision_text(figure)
    if precision is None:
        count = units.counted(figure.iterations, "iteration")
        interval = f"{count}: too few for an interval"
    else:
        low, high = units.seconds(figure.low_seconds), units.seconds(figure.high_seconds)
        interval = f"95 % interval {low} to {high}, {precision}"
    text = f"Median time until ready: {units.seconds(figure.mean_seconds)}; {interval}."
    if test.stop is not None:
        text += f" {test.stop.reason}: {stop_line(test.stop)}."
    if test.steady_state is not None:
        text += f" Steady state: {steady_state_line(test.steady_state)}."
    return text


def precision_text(figure: Headline) -> str | None:
    """Return the precision as ``±3.1 % (5 iterations)``; None of too few iterations."""
    if figure.half_width_ratio is None or figure.iterations < FEWEST_FOR_INTERVAL:
        return None
    return f"±{units.percent(figure.half_width_ratio)} ({figure.iterations} iterations)"


def stop_line(stop: Stop) -> str:
    """Return why a test that asks for a precision was not repeated further."""
    if stop.text is not None:
        return stop.text
    ratio = stop.half_width_ratio
    reached = "precision unknown" if ratio is None else f"±{units.percent(ratio)}"
    most = ", the most that are allowed" if stop.reason == "MaxIterations" else ""
    count = units.counted(stop.iterations or 0, "iteration")
    return f"{reached} after {count}{most}; the target is ±{units.percent(stop.target_ratio)}"


def arrivals(test: TestRecord) -> str:
    """Return when instances arrive."""
    load = test.load
    match load.arrival:
        case Arrival.CLOSED:
            return f"{test.concurrency} at a time"
        case Arrival.CONSTANT:
            return f"arriving at {units.rate(load.rate)}"
        case Arrival.POISSON:
            return f"arriving at random, {units.rate(load.rate)} on average"
        case Arrival.BURST:
            assert load.burst is not None
            return f"arriving {load.burst.size} at once every {load.burst.interval}"
        case Arrival.RAMP:
            return (
                f"arriving at {units.rate(load.rate)} to {units.rate(load.to_rate)} "
                f"within {load.ramp_duration}"
            )


def remark(item: IterationRecord) -> str:
    """Return why an iteration is not summarised; empty if it is."""
    if item.profiled:
        return " (profiled)"
    return " (warm-up)" if item.warmup else ""


def load_table(iterations: Iterable[IterationRecord]) -> str:
    """Return for each iteration of an open loop how its schedule was kept."""
    header = (
        "load of iteration",
        "requested",
        "sent",
        "late",
        "failed",
        "retried",
        "requested rate",
        "achieved rate",
        "send lag p50",
        "p99",
        "max",
        "schedule",
    )
    return table(header, [_load_row(item) for item in iterations])


def _load_row(item: IterationRecord) -> Sequence[str]:
    counts, generator = item.counts, item.generator or LoadGenerator()
    return (
        f"{item.index + 1}{remark(item)}",
        units.number(counts.requested),
        units.number(counts.sent),
        units.number(counts.late),
        units.number(counts.failed),
        f"{counts.retried} (429: {counts.throttled}, 5xx: {counts.server_errors})",
        units.rate(generator.requested_per_second),
        units.rate(generator.achieved_per_second),
        units.seconds(generator.send_lag_p50_seconds),
        units.seconds(generator.send_lag_p99_seconds),
        units.seconds(generator.send_lag_max_seconds),
        "**missed**" if item.validity.has(*_OF_THE_LOAD) else "kept",
    )


def phases_table(phases: Sequence[PhaseSummary]) -> str:
    """Return what each operation of each phase took, and what it cost kro."""
    header = (
        "phase",
        "done",
        "errors",
        "operations/s",
        "kro CPU per operation",
        "kro API requests per operation",
        "latency of",
        "n",
        "p50",
        "p99",
        "max",
    )
    return table(header, [row for phase in phases for row in _phase_rows(phase)])


def _phase_rows(phase: PhaseSummary) -> Iterator[Sequence[str]]:
    head: tuple[str, ...] = (
        f"{phase.index + 1} {phase.operation}",
        units.number(phase.done),
        units.number(phase.errors),
        units.rate(phase.operations_per_second),
        units.seconds(phase.kro_cpu_seconds_per_operation),
        units.number(phase.kro_api_requests_per_operation),
    )
    seen: list[tuple[str, LatencySummary]] = [
        (label, summary)
        for label, attribute in _EFFECTS
        if (summary := getattr(phase.latency, attribute)) is not None
    ]
    if not seen:
        yield (*head, *["-"] * 5)
    for label, summary in seen:
        never = f" (+{summary.censored} never)" if summary.censored else ""
        yield (
            *head,
            label,
            f"{summary.n}{never}",
            units.seconds(summary.p50_seconds),
            units.seconds(summary.p99_seconds),
            units.seconds(summary.max_seconds),
        )
        head = ("",) * len(head)
