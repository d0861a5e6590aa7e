"""What a run in progress shows: the iteration that is running, and how long the rest takes.

It goes out with updates of the progress that are written anyway, and costs a look at what is in
memory already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from krobench.api.status import LiveStatus
from krobench.figures.rawdata import Sample
from krobench.load.iteration import Iteration
from krobench.record.test import TestRecord

_CPU_WINDOW_SECONDS = 5.0
_MOST_LATENCIES = 1_000
"""The median is of the latest ones if there are more."""


@dataclass(frozen=True)
class Remaining:
    """How long a run still takes."""

    seconds: float | None
    """None if it is unknown."""
    at_most: bool = False
    """Whether the run may end earlier, because what is measured decides that."""


def live_status(
    iteration: Iteration, samples: Sequence[Sample], now: float, remaining: Remaining
) -> LiveStatus:
    """Return what an iteration shows so far; ``samples`` are those of it."""
    left = None if remaining.seconds is None else round(max(0.0, remaining.seconds))
    live = LiveStatus(
        remaining_seconds=None if remaining.at_most else left,
        remaining_at_most_seconds=left if remaining.at_most else None,
        kro_cpu_cores=_recent_cores(samples),
        kro_memory_bytes=_latest_memory(samples),
    )
    began = iteration.outcome.run_started_seconds
    if began is None:
        return live
    until = iteration.outcome.run_ended_seconds or now
    latencies = iteration.ready_latencies[-_MOST_LATENCIES:]
    live.instances_ready, live.instances = iteration.ready_count, iteration.instance_count
    if latencies:
        live.instance_ready_p50_seconds = round(median(latencies), 3)
        live.instances_per_second = round(live.instances_ready / max(until - began, 1e-3), 3)
    return live


def remaining_seconds(
    tests: Sequence[TestRecord], iterations_left: int, elapsed_seconds: float
) -> float | None:
    """Return how long a benchmark still takes; ``elapsed_seconds`` are of the current iteration.

    An iteration that is to come is expected to take as long as those of its test did or, before
    there are any, as those of all tests; so is one that no test counts, such as a profiled one.
    None before the first iteration has ended.
    """
    taken = [done.whole_seconds for test in tests for done in test.iterations]
    if not taken:
        return None
    of_all = fmean(taken)
    left, counted = 0.0, 0
    for test in tests:
        if test.success is not None:
            continue
        known = [done.whole_seconds for done in test.iterations]
        planned = test.planned_warmup + test.planned_iterations
        ahead = max(0, planned - len(known))
        counted += ahead
        left += ahead * (fmean(known) if known else of_all)
    left += max(0, iterations_left - counted) * of_all
    return max(0.0, left - elapsed_seconds)


def _recent_cores(samples: Sequence[Sample]) -> float | None:
    """Return kro's CPU use between its last sample and one some seconds before."""
    last: Sample | None = None
    for sample in reversed(samples):
        if sample.source != "kro" or sample.metric != "process_cpu_seconds_total":
            continue
        if last is None:
            last = sample
        elif last.seconds - sample.seconds >= _CPU_WINDOW_SECONDS:
            grown = last.value - sample.value
            return round(grown / (last.seconds - sample.seconds), 3) if grown >= 0 else None
    return None


def _latest_memory(samples: Sequence[Sample]) -> int | None:
    for sample in reversed(samples):
        if sample.source == "kro" and sample.metric == "process_resident_memory_bytes":
            return round(sample.value)
    return None
