"""Whether kro is steady after a load, judged by its own metrics.

Trends over the last samples are Theil-Sen slopes (P. K. Sen, Estimates of the Regression
Coefficient Based on Kendall's Tau, Journal of the American Statistical Association 63 (1968)): the
median of the slopes between all pairs of samples. A jump at a share f of the window is in
2 f (1 - f) of the pairs, half of them if it is in the middle: so a single jump does not count, or
only until a few samples later. Growth in several jumps, or gradual growth, is in most pairs.

That is not enough for the memory of a Go program. Garbage fills the heap up to twice its live size,
and only the end of that touches new pages. An idle kro with 25 RGDs stayed at 108 MiB for 33 s, had
115 MiB ten seconds later, and stayed there. So memory is also compared between garbage collections,
when the heap was fullest, both after the load: kro's collector runs at least every two minutes
(forcegcperiod in Go's runtime/proc.go).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from krobench.analysis.statistics.theilsen import fit_line
from krobench.figures.rawdata import Sample
from krobench.figures.series import Series
from krobench.findings.steady import (
    AnyUnsteady,
    CpuChanging,
    MemoryChanging,
    NotSampled,
    QueueNotEmpty,
    TooFewCollections,
    WindowTooShort,
)

FEWEST_SAMPLES = 6
MEMORY_SHARE = 0.01
"""Of itself, by which memory may change in a minute, or in the window if that is longer."""
CPU_CORES = 0.02
"""By which CPU use may change in the window: sampling itself takes some."""
CPU_SHARE = 0.2
"""Of itself, by which CPU use may change instead, if kro is always busy."""
_MINUTE_SECONDS = 60.0
_MEMORY = "process_resident_memory_bytes"
_CPU = "process_cpu_seconds_total"
_QUEUE = "instance_queue_depth"
_COLLECTIONS = "go_gc_duration_seconds_count"
METRICS = frozenset({_MEMORY, _CPU, _QUEUE, _COLLECTIONS})
"""The metrics of kro that the check needs."""
COLLECTION_SECONDS = 120.0
"""Longest time from a collection of garbage to the next."""


@dataclass(frozen=True)
class SteadyCheck:
    """Whether kro is steady."""

    steady: bool | None = None
    """None if that is unknown."""
    memory_bytes_per_second: float | None = None
    """How fast its resident memory grows, or falls (negative): over the window, or between garbage
    collections if that is faster; None if that is unknown."""
    findings: tuple[AnyUnsteady, ...] = ()
    """Why it is not steady, or why that is unknown."""


class _UnknownError(Exception):
    """The samples do not suffice."""

    def __init__(self, finding: AnyUnsteady) -> None:
        super().__init__(finding.code)
        self.finding = finding


def check_steady(series: Series, began_seconds: float, window_seconds: float) -> SteadyCheck:
    """Judge kro by its samples of the last ``window_seconds``, and by its garbage collections.

    Samples from before ``began_seconds``, the end of the load, do not count. kro is steady if its
    resident memory, at the rate of the window, changes by at most 1 % in a minute (or in the
    window, if that is longer), and likewise between garbage collections; if its CPU use changed
    by at most 0.02 cores or a fifth of itself; and if its queue of instances, if it exposes one,
    was empty in most samples and is in the last.
    """
    try:
        memory = _window(series, _MEMORY, began_seconds, window_seconds)
        cpu = _window(series, _CPU, began_seconds, window_seconds)
        fullest = _at_collections(series, began_seconds)
    except _UnknownError as error:
        return SteadyCheck(findings=(error.finding,))
    slope = _slope([(sample.seconds, sample.value) for sample in memory])
    between = _between(fullest, window_seconds)
    if between is not None and abs(between) > abs(slope):
        slope = between
    found: list[AnyUnsteady] = []
    change = abs(slope) * max(window_seconds, _MINUTE_SECONDS)
    if change > MEMORY_SHARE * median(sample.value for sample in memory):
        found.append(MemoryChanging(bytes_per_second=slope))
    # The cores used between each sample and the next, by the time half-way.
    busy = [
        ((a.seconds + b.seconds) / 2, (b.value - a.value) / (b.seconds - a.seconds))
        for a, b in pairwise(cpu)
        if b.seconds > a.seconds
    ]
    cores = _slope(busy) * window_seconds
    if abs(cores) > max(CPU_CORES, CPU_SHARE * median(rate for _, rate in busy)):
        found.append(CpuChanging(cores=cores))
    depths = [s.value for s in series.of("kro", _QUEUE) if s.seconds >= memory[0].seconds]
    if depths and (depths[-1] != 0 or median(depths) != 0):
        found.append(QueueNotEmpty(instances=int(max(depths))))
    if between is None and not found:
        return SteadyCheck(None, slope, (TooFewCollections(collections=len(fullest)),))
    return SteadyCheck(not found, slope, tuple(found))


def _at_collections(series: Series, began_seconds: float) -> Sequence[Sample]:
    """Return the samples of memory just before which garbage was collected, since the load.

    Raises:
        _UnknownError: if collections were not sampled.
    """
    counts = series.of("kro", _COLLECTIONS)
    if not counts:
        raise _UnknownError(NotSampled(metric=_COLLECTIONS))
    memory = {sample.seconds: sample for sample in series.of("kro", _MEMORY)}
    return [
        memory[later.seconds]
        for sooner, later in pairwise(counts)
        if sooner.seconds >= began_seconds
        and later.value > sooner.value
        and later.seconds in memory
    ]


def _between(fullest: Sequence[Sample], window_seconds: float) -> float | None:
    """Return how fast memory grew up to the last garbage collection, from one at least a window
    before if there is any; None for fewer than two collections."""
    if len(fullest) < 2:
        return None
    *sooner, last = fullest
    before = [sample for sample in sooner if sample.seconds <= last.seconds - window_seconds]
    first = before[-1] if before else sooner[0]
    return (last.value - first.value) / (last.seconds - first.seconds)


def _window(
    series: Series, metric: str, began_seconds: float, window_seconds: float
) -> Sequence[Sample]:
    """Return the samples of the last so many seconds.

    Raises:
        _UnknownError: if there are too few, or they do not go back far enough.
    """
    known = [sample for sample in series.of("kro", metric) if sample.seconds >= began_seconds]
    if not known:
        raise _UnknownError(NotSampled(metric=metric))
    start = known[-1].seconds - window_seconds
    inside = [sample for sample in known if sample.seconds >= start]
    if known[0].seconds > start or len(inside) < FEWEST_SAMPLES:
        raise _UnknownError(
            WindowTooShort(
                samples=len(inside),
                seconds=known[-1].seconds - inside[0].seconds,
                needed_samples=FEWEST_SAMPLES,
                needed_seconds=window_seconds,
            )
        )
    return inside


def _slope(points: Sequence[tuple[float, float]]) -> float:
    line = fit_line({at: [value] for at, value in points})
    return line.slope if line is not None else 0.0
