"""The section of a test: headline figure, load, thresholds, phases, latencies, iterations."""

from collections.abc import Iterable, Iterator, Sequence
from math import inf

from krobench.api import units
from krobench.api.specs.load import Arrival
from krobench.api.specs.validity import Cause
from krobench.figures.catalogue import KRO_CPU_SECONDS, KRO_REQUESTS, THROUGHPUT
from krobench.figures.latencies import LATENCIES, NEEDED_BY_STATISTIC, latency_of
from krobench.figures.precision import Stop
from krobench.figures.summaries import Latencies, LatencySummary, LoadGenerator
from krobench.record.run import RunRecord
from krobench.record.test import IterationRecord, PhaseSummary, TestRecord, TestState, TestSummary
from krobench.report.cel import cel_section
from krobench.report.intervals import headline_interval, precision
from krobench.report.tables import Column, column, columns, table, without_empty_columns
from krobench.report.usage import usage_section
from krobench.report.words.evidence import measured
from krobench.report.words.validity import steady_state_line

_OF_THE_LOAD = (Cause.GENERATOR_LATE, Cause.SHARD_LOST)
_EFFECTS = (
    ("created, until ready", "instance_ready"),
    ("updated, until ready again", "instance_updated"),
    ("RGD updated, until ready again", "rgd_updated"),
    ("RGD updated, until on all children of an instance", "instance_fanned_out"),
    ("deleted, until gone", "instance_gone"),
)


def test_section(test: TestRecord) -> str:
    """Return the section on a test, finished or not."""
    parts = [f"## {test.name}", _test_line(test)]
    if test.error is not None:
        parts.append(f"**{test.error.reason}**: {test.error.message}")
    if test.headline is not None:
        parts.append(headline_line(test))
    if test.load.arrival.open_loop and test.iterations:
        parts.append(load_table(test.iterations))
    if test.thresholds:
        words = {True: "met", False: "**missed**", None: "**undecided**"}
        rows = [
            (f"`{each.expression}`", words[each.passed], measured(each)) for each in test.thresholds
        ]
        parts.append(table(("threshold", "result", "measured"), rows))
    if test.summary is not None and test.summary.phases:
        parts.append(phases_table(test.summary.phases))
    if test.summary is not None:
        parts += [_latency_table(test.summary.latency), usage_section(test)]
    if test.iterations:
        parts.append(_iterations(test.iterations))
    if test.cel is not None:
        parts.append(cel_section(test.cel))
    return "\n\n".join(parts)


def _test_line(test: TestRecord) -> str:
    warm = f" after {test.planned_warmup} warm-up" if test.planned_warmup else ""
    iterations = units.counted(test.planned_iterations, "iteration")
    if test.cel is not None:
        expressions = units.counted(len(test.cel.expressions), "expression")
        return (
            f"{test.workload}: {expressions}, each in its own RGD, "
            f"{iterations}{warm}. {test.state}."
        )
    rgds = f" of {test.rgds} RGDs" if test.rgds > 1 else ""
    beside = f" beside {test.ballast_crds} CRDs" if test.ballast_crds else ""
    phases = f"; phases: {', '.join(test.phases)}" if test.phases else ""
    ready = f"; ready by {test.ready_by}" if test.ready_by else ""
    return (
        f"{test.workload}: {units.counted(test.instances, 'instance')}{rgds}{beside}, "
        f"{arrivals(test)}{_background(test)}{_cloud(test)}{phases}, {iterations}{warm}{ready}. "
        f"{test.state}."
    )


def _background(test: TestRecord) -> str:
    """Return what was asked for beside the load, and what was answered."""
    asked = test.load.background
    if asked is None:
        return ""
    found = [each.background for each in test.iterations if each.background is not None]
    seconds = sum(each.seconds for each in found)
    answered = ""
    if seconds:
        reads, writes = sum(each.reads for each in found), sum(each.writes for each in found)
        missed = sum(each.failed + each.skipped for each in found)
        answered = (
            f" (answered: {units.rate(reads / seconds)} and {units.rate(writes / seconds)}, "
            f"{missed} failed or not sent)"
        )
    return (
        f", beside {units.rate(asked.reads)} lists and {units.rate(asked.writes)} updates in the "
        f"background{answered}"
    )


def _cloud(test: TestRecord) -> str:
    """Return how long an instance waits for the simulated cloud, and how late that was."""
    found = [each.cloud for each in test.iterations if each.cloud is not None]
    if not found:
        return ""
    lags = [each.lag_max_seconds for each in found if each.lag_max_seconds is not None]
    worst = f", at most {units.seconds(max(lags))} late" if lags else ""
    writes = units.counted(sum(each.writes for each in found), "write")
    return (
        f", each waiting {units.seconds(found[0].delay_seconds)} for the simulated cloud ({writes}"
        f"{worst})"
    )


def headline_line(test: TestRecord) -> str:
    """Return the headline figure and why the test was not repeated further; empty without one."""
    figure = test.headline
    if figure is None:
        return ""
    middle, interval = headline_interval(figure)
    text = f"Median time until ready: {middle}; {interval}."
    if test.stop is not None:
        text += f" {test.stop.reason}: {stop_line(test.stop)}."
    if test.steady_state is not None:
        text += f" Steady state: {steady_state_line(test.steady_state)}."
    return text


INVALID, MISSED, UNDECIDED = "invalid", "threshold missed", "threshold undecided"


def in_order(run: RunRecord) -> Sequence[TestRecord]:
    """Return the tests of a run; those of a scale test by size, and then those of no size."""
    if run.scale is None:
        return run.tests
    sizes = {size.test: size.size for size in run.scale.sizes}
    return sorted(run.tests, key=lambda test: sizes.get(test.name, inf))


def result(test: TestRecord) -> str:
    """Return how a test ended, in a word or two."""
    if not test.validity.valid:
        return INVALID
    outcomes = {threshold.passed for threshold in test.thresholds}
    if test.state is TestState.SUCCEEDED and outcomes & {False, None}:
        return MISSED if False in outcomes else UNDECIDED
    return test.state


def stop_line(stop: Stop) -> str:
    """Return why a test that asks for a precision was not repeated further."""
    if stop.text is not None:
        return stop.text
    ratio = stop.half_width_ratio
    reached = "precision unknown" if ratio is None else precision(ratio)
    most = ", the most that are allowed" if stop.reason == "MaxIterations" else ""
    count = units.counted(stop.iterations or 0, "iteration")
    return f"{reached} after {count}{most}; the target is ±{units.percent(stop.target_ratio)}"


def arrivals(test: TestRecord) -> str:
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
    rows = []
    for item in iterations:
        counts, generator = item.counts, item.generator or LoadGenerator()
        rows.append(
            (
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
        )
    return table(header, rows)


def summary_columns(summaries: Sequence[TestSummary | None]) -> list[Column]:
    """Return the time until ready and the throughput of each test, or size."""
    ready = [each.latency.instance_ready if each else None for each in summaries]
    rates = [each.figures[THROUGHPUT] if each else None for each in summaries]
    return [
        column("ready p50", [each.p50_seconds if each else None for each in ready], "seconds"),
        column("ready p99", [each.p99_seconds if each else None for each in ready], "seconds"),
        column("instances/s", rates, "per_second"),
    ]


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
    if phase.operation.replaces_kro:
        # It has no operations; its figures are among those of the test.
        to = f" to {phase.image}" if phase.image else ""
        yield (f"{phase.index + 1} {phase.operation}{to}", *["-"] * 10)
        return
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


def _latency_table(latency: Latencies) -> str:
    found = [
        (of.title, each) for name, of in LATENCIES.items() if (each := latency_of(latency, name))
    ]
    rows = []
    for label, each in found:
        count = f"{each.n}" + (f" (+{each.censored} never)" if each.censored else "")
        values = (each.p50_seconds, each.p90_seconds, each.p99_seconds, each.max_seconds)
        rows.append((label, count, *map(units.seconds, values)))
    header = ("latency", "n", "p50", "p90", "p99", "max")
    shown, kept = without_empty_columns(header, rows)
    most = max((each.n + each.censored for _, each in found), default=0)
    missing = []
    for name in header[2:]:
        needed = NEEDED_BY_STATISTIC.get(name, 0)
        if name not in shown and most < needed:
            missing.append(f"{name} takes {needed} observations")
        elif name not in shown:
            missing.append(f"{name} is not known, because too many never got there")
    note = f"\n\nNot available: {'; '.join(missing)}." if missing and rows else ""
    return table(shown, kept) + note


def _iterations(iterations: Sequence[IterationRecord]) -> str:
    ready = [item.latency.instance_ready for item in iterations]
    return columns(
        Column("iteration", [f"{item.index + 1}{remark(item)}" for item in iterations]),
        Column(
            "result",
            [
                "ok" if item.success else (item.error.reason if item.error else "failed")
                for item in iterations
            ],
        ),
        Column("ready", [f"{i.counts.ready}/{i.counts.requested}" for i in iterations]),
        column("ready p50", [each.p50_seconds if each else None for each in ready], "seconds"),
        column("instances/s", [item.figures[THROUGHPUT] for item in iterations], "per_second"),
        column("kro CPU", [item.figures[KRO_CPU_SECONDS] for item in iterations], "seconds"),
        column("kro API requests", [item.figures[KRO_REQUESTS] for item in iterations], "number"),
        column(
            "cleanup",
            [i.teardown.duration_seconds if i.teardown else None for i in iterations],
            "seconds",
        ),
    )
