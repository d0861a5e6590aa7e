"""Iterations as the tests of the analysis need them."""

from krobench.model.iterationrecord import IterationRecord
from krobench.model.measures import Counts, Latencies, LatencySummary


def iteration(median: float | None, *, index: int = 0, warmup: bool = False) -> IterationRecord:
    """Return an iteration with this median time until ready, in seconds."""
    return IterationRecord(
        index=index,
        warmup=warmup,
        start_time="2026-01-01T00:00:00Z",
        end_time="2026-01-01T00:00:01Z",
        duration_seconds=1.0,
        success=True,
        counts=Counts(requested=1),
        latency=Latencies(instance_ready=LatencySummary(n=10, p50_seconds=median)),
    )


def iterations(*medians: float | None) -> list[IterationRecord]:
    """Return measured iterations with these medians."""
    return [iteration(median, index=index) for index, median in enumerate(medians)]
