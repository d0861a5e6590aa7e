"""Whether a kro that is left alone has come to rest, by what it says of itself.

Trends over the last samples are Theil-Sen slopes (P. K. Sen, Estimates of the Regression
Coefficient Based on Kendall's Tau, Journal of the American Statistical Association 63 (1968)): the
median of the slopes between all pairs of samples. A leap at a share f of the window is in
2 f (1 - f) of the pairs, which is half of them in its middle: so a single one does not count, or
only until some samples later. Growth in several leaps, or in none, is in most pairs.

That is not enough for the memory of a Go program. Garbage fills the heap up to twice of what lives,
and only the end of that touches pages that were not touched before. A kro of 25 RGDs that did
nothing more kept to 108 MiB for 33 s, had 115 MiB ten seconds later, and stayed there. So memory is
also compared from one garbage collection to another, where the heap was at its fullest, both after
the load: kro's collector runs every two minutes at least (forcegcperiod in Go's runtime/proc.go).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from krobench.analysis.statistics.theilsen import fit_line
from krobench.api import units
from krobench.figures.lines import Sample
from krobench.figures.series import Series, UnavailableError

FEWEST_SAMPLES = 6
MEMORY_SHARE = 0.01
"""Of itself, by which memory may change in a minute, or in the window where that is longer."""
CPU_CORES = 0.02
"""By which use of CPU may change in the window: being sampled takes some of that."""
CPU_SHARE = 0.2
"""Of itself, by which use of CPU may change instead, where kro always has something to do."""
_MINUTE_SECONDS = 60.0
_MEMORY = "process_resident_memory_bytes"
_CPU = "process_cpu_seconds_total"
_QUEUE = "instance_queue_depth"
_COLLECTIONS = "go_gc_duration_seconds_count"
METRICS = frozenset({_MEMORY, _CPU, _QUEUE, _COLLECTIONS})
"""Of kro, by which it is judged."""
COLLECTION_SECONDS = 120.0
"""Longest time from a collection of garbage to the next."""


@dataclass(frozen=True)
class Settling:
    """Whether kro has come to rest."""

    steady: bool | None
    """None where that cannot be told."""
    memory_bytes_per_second: float | None
    """How fast its resident memory grows, or falls (negative): over the window, or from one
    garbage collection to another where that is more; None where that cannot be told."""
    message: str
    """Why it is not steady, or why that cannot be told; empty where it is."""


def judge_settling(series: Series, began_seconds: float, window_seconds: float) -> Settling:
    """Judge kro by its samples of the last ``window_seconds``, and by its collections of garbage.

    What was sampled before ``began_seconds``, when the load ended, does not count. kro is steady
    if its resident memory, were it to go on as in the window, would change by no more than 1 % in
    a minute (or in the window, where that is longer), and likewise from a collection of garbage to
    the last one; if its use of CPU did not go up or down by more than 0.02 cores and a fifth of
    itself; and if its queue of instances, where it shows one, was empty in most samples and is in
    the last.
    """
    try:
        memory = _window(series, _MEMORY, began_seconds, window_seconds)
        busy = _busy(_window(series, _CPU, began_seconds, window_seconds))
        fullest = _at_collections(series, began_seconds)
    except UnavailableError as error:
        return Settling(None, None, str(error))
    slope = _slope([(sample.seconds, sample.value) for sample in memory])
    between = _between(fullest, window_seconds)
    if between is not None and abs(between) > abs(slope):
        slope = between
    problems = [
        _of_memory(slope, median(sample.value for sample in memory), window_seconds),
        _of_cpu(_slope(busy) * window_seconds, median(rate for _, rate in busy)),
        _of_queue([s.value for s in series.of("kro", _QUEUE) if s.seconds >= memory[0].seconds]),
    ]
    found = [problem for problem in problems if problem]
    unknown = between is None and not found
    if unknown:
        found = [
            f"garbage was collected {len(fullest)} times since the load, and it takes 2 to tell"
        ]
    if found and not problems[0]:
        found.append(f"its memory {_trend(slope)}")
    return Settling(None if unknown else not found, slope, ", ".join(found))


def _at_collections(series: Series, began_seconds: float) -> Sequence[Sample]:
    """Return the samples of memory just before which garbage was collected, since the load.

    Raises:
        UnavailableError: if it is not known how often it was.
    """
    counts = series.of("kro", _COLLECTIONS)
    if not counts:
        raise UnavailableError(f"no {_COLLECTIONS} of kro was sampled")
    memory = {sample.seconds: sample for sample in series.of("kro", _MEMORY)}
    return [
        memory[later.seconds]
        for sooner, later in pairwise(counts)
        if sooner.seconds >= began_seconds
        and later.value > sooner.value
        and later.seconds in memory
    ]


def _between(fullest: Sequence[Sample], window_seconds: float) -> float | None:
    """Return how fast memory grew from a collection to the last one, a window later or more where
    there is such a one; None where there are no two."""
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
        UnavailableError: if there are too few, or none that are so old.
    """
    known = [sample for sample in series.of("kro", metric) if sample.seconds >= began_seconds]
    if not known:
        raise UnavailableError(f"no {metric} of kro was sampled")
    start = known[-1].seconds - window_seconds
    inside = [sample for sample in known if sample.seconds >= start]
    if known[0].seconds > start or len(inside) < FEWEST_SAMPLES:
        raise UnavailableError(
            f"{len(inside)} samples of kro in {known[-1].seconds - inside[0].seconds:.1f}s are too "
            f"few: it takes {FEWEST_SAMPLES}, over {window_seconds:g}s"
        )
    return inside


def _busy(cpu: Sequence[Sample]) -> Sequence[tuple[float, float]]:
    """Return the cores used between each sample and the next, by the time half-way."""
    return [
        ((a.seconds + b.seconds) / 2, (b.value - a.value) / (b.seconds - a.seconds))
        for a, b in pairwise(cpu)
        if b.seconds > a.seconds
    ]


def _slope(points: Sequence[tuple[float, float]]) -> float:
    line = fit_line({at: [value] for at, value in points})
    return line.slope if line is not None else 0.0


def _of_memory(slope: float, usual: float, window_seconds: float) -> str:
    change = abs(slope) * max(window_seconds, _MINUTE_SECONDS)
    return f"its memory still {_trend(slope)}" if change > MEMORY_SHARE * usual else ""


def _of_cpu(change: float, usual: float) -> str:
    if abs(change) <= max(CPU_CORES, CPU_SHARE * usual):
        return ""
    went = "rose" if change > 0 else "fell"
    return f"its use of CPU still {went}, by {units.number(abs(change))} cores in the window"


def _of_queue(depths: Sequence[float]) -> str:
    if not depths or (depths[-1] == 0 and median(depths) == 0):
        return ""
    return f"up to {max(depths):g} instances were still in its queue"


def _trend(slope: float) -> str:
    if slope == 0:
        return "did not change"
    went = "fell" if slope < 0 else "grew"
    return f"{went} by {units.size(abs(slope) * _MINUTE_SECONDS)}/min"
