"""Iterations as the tests of the analysis need them."""

from unit.records import some_iteration

from krobench.figures.summaries import Latencies, LatencySummary
from krobench.record.test import IterationRecord


def iteration(median: float | None, *, index: int = 0, warmup: bool = False) -> IterationRecord:
    """Return an iteration with this median time until ready, in seconds."""
    return some_iteration(
        index=index,
        warmup=warmup,
        latency=Latencies(instance_ready=LatencySummary(n=10, p50_seconds=median)),
    )


def iterations(*medians: float | None) -> list[IterationRecord]:
    """Return measured iterations with these medians."""
    return [iteration(median, index=index) for index, median in enumerate(medians)]
