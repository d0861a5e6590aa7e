"""The load of a test: what was asked for, and what became of it."""

from collections.abc import Iterable, Sequence

from krobench.api import units
from krobench.api.specs.load import Arrival
from krobench.api.specs.results import Cause
from krobench.figures.measures import LoadGenerator
from krobench.record.iteration import IterationRecord
from krobench.record.test import TestRecord
from krobench.report.tables import table

_OF_THE_LOAD = (Cause.GENERATOR_LATE, Cause.SHARD_LOST)


def arrivals(test: TestRecord) -> str:
    """Say in words when instances arrive."""
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
    """Say why an iteration is not summarised; empty where it is."""
    if item.profiled:
        return " (profiled)"
    return " (warm-up)" if item.warmup else ""


def load_table(iterations: Iterable[IterationRecord]) -> str:
    """Show for each iteration of an open loop how its schedule was kept."""
    header = (
        "load of iteration",
        "requested",
        "sent",
        "late",
        "failed",
        "retried",
        "rate asked for",
        "rate achieved",
        "send lag p50",
        "p99",
        "max",
        "schedule",
    )
    return table(header, [_row(item) for item in iterations])


def _row(item: IterationRecord) -> Sequence[str]:
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
