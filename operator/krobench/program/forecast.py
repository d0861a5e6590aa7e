"""How long the search for a limit still takes at most.

At which size kro misses the SLOs is not known before. So the search is tried with several limits in
the interval where it is known to lie, or below the largest size, and the longest way counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.findings.scaling import SizeIteration, SizeRecord
from krobench.program.actions import Entry, Result, RunIteration, TakeDown, results_in
from krobench.program.search import bracket_of, next_size, verdict_of
from krobench.program.sizes import next_upon

_LIMITS = 8


def longest_seconds(
    spec: KroScaleTestSpec,
    usable: Sequence[float],
    records: Sequence[SizeRecord],
    entries: Sequence[Entry],
    action: RunIteration,
    elapsed_seconds: float,
) -> float:
    """Return about how long a search takes at most from the beginning of an iteration on.

    ``elapsed_seconds`` had passed by then. Before an iteration has ended, it is the budget's rest.
    """
    budget = spec.budget.duration_seconds - elapsed_seconds
    by_size: dict[float, list[float]] = {}
    for result in results_in(entries):
        if result.iteration is not None and result.action.size is not None:
            seconds = result.iteration.whole_seconds
            by_size.setdefault(result.action.size, []).append(seconds)
    if not by_size:
        return budget
    took = {size: fmean(seconds) for size, seconds in by_size.items()}
    between = max(1.0, elapsed_seconds / sum(map(sum, by_size.values())))
    if action.profiled and action.size is not None:
        return between * expected_seconds([action.size], took)
    warmups = sum(result.action.warmup for result in results_in(entries))
    warmup = [usable[0]] * (max(0, spec.warmup - warmups) if action.warmup else 0)
    profiled = 1 if spec.collect.profiles else 0
    longest = max(
        expected_seconds(way + way[-1:] * profiled, took)
        for way in ways(spec, usable, records, in_place(entries))
    )
    return min(budget, between * (expected_seconds(warmup, took) + longest))


def in_place(entries: Sequence[Entry]) -> list[float]:
    """Return the cumulative sizes whose objects exist, in the order in which they were built."""
    built: list[float] = []
    for entry in entries:
        if isinstance(entry, TakeDown):
            built = []
        elif (
            isinstance(entry, Result)
            and entry.action.plan.leaves_objects
            and entry.action.size is not None
        ):
            built.append(entry.action.size)
    return built


def ways(
    spec: KroScaleTestSpec,
    usable: Sequence[float],
    records: Sequence[SizeRecord],
    built: Sequence[float] = (),
) -> Iterator[list[float]]:
    """Yield the sizes of the iterations that follow, in order, for several limits.

    ``built`` are the cumulative sizes in place. Iterations that turn out to be invalid are repeated
    and not foreseen.
    """
    bracket = bracket_of(records)
    high = bracket.first_breach.size if bracket.first_breach is not None else usable[-1]
    below = [each for each in usable if each < high]
    low = bracket.last_met.size if bracket.first_breach and bracket.last_met else max([0.0, *below])
    for number in range(_LIMITS):
        limit = low + (high - low) * number / _LIMITS
        ahead = _way(spec, usable, records, limit)
        yield list(_rebuilt(ahead, usable, built)) if spec.sizes.cumulative else ahead


def _way(
    spec: KroScaleTestSpec, usable: Sequence[float], records: Sequence[SizeRecord], limit: float
) -> list[float]:
    tried = [record.model_copy(deep=True) for record in records]
    ahead: list[float] = []
    while (size := next_size(spec, usable, tried)) is not None:
        record = next((each for each in tried if each.size == size), None)
        if record is None:
            record = SizeRecord(size=size, test="")
            tried.append(record)
        met = size <= limit
        record.iterations.append(SizeIteration(iteration=len(record.iterations), met=met))
        record.verdict = verdict_of(record)
        ahead.append(size)
    return ahead


def _rebuilt(
    ahead: Sequence[float], usable: Sequence[float], built: Sequence[float]
) -> Iterator[float]:
    """Yield cumulative sizes with those that each is built on."""
    there = list(built)
    for size in ahead:
        following: float | None = None
        while following != size:
            following = next_upon(there, size, usable)
            if following is None:
                there = []
                continue
            yield following
            there.append(following)


def expected_seconds(sizes: Sequence[float], took: Mapping[float, float]) -> float:
    """Return about how long iterations of these sizes take; ``took`` has those that are known.

    Between two known sizes and beyond them, the time follows a line through the nearest two; of a
    single one, it is proportional to the size.
    """
    return sum(took[size] if size in took else _expected(size, took) for size in sizes)


def _expected(size: float, took: Mapping[float, float]) -> float:
    known = sorted(took)
    if len(known) == 1:
        return took[known[0]] * max(1.0, size / known[0])
    above = next((index for index, each in enumerate(known) if each > size), len(known) - 1)
    low, high = known[max(above, 1) - 1], known[max(above, 1)]
    slope = max(0.0, (took[high] - took[low]) / (high - low))
    return max(0.0, took[high] + slope * (size - high))
