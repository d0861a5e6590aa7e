"""The latencies of every phase of an object's life, from the lines of its operations."""

import math
from collections.abc import Callable, Iterable, Sequence

from krobench.figures.lines import ObjectRecord
from krobench.figures.measures import Latencies, LatencySummary

# A percentile q needs 1/(1-q) observations, or it is but another name for the maximum.
MIN_OBSERVATIONS = {0.5: 1, 0.9: 10, 0.99: 100}
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
NEEDED_BY_STATISTIC = {name: MIN_OBSERVATIONS[q] for name, q in _QUANTILES.items()}
"""Observations without which a statistic is not available, by its name."""
_Timing = Callable[[ObjectRecord], float | None]


def latencies(objects: Sequence[ObjectRecord]) -> Latencies:
    """Summarise the phases of all objects, each from the time of its request."""
    deleted = [line for line in objects if line.operation == "delete-instance"]
    return Latencies(
        instance_ready=_summary(objects, "create-instance", lambda line: line.ready_seconds),
        instance_first_child=_children(objects, lambda line: line.first_child_seconds),
        instance_last_child=_children(objects, lambda line: line.last_child_seconds),
        instance_active=_summary(objects, "create-instance", lambda line: line.active_seconds),
        rgd_picked_up=_summary(objects, "create-rgd", lambda line: line.picked_up_seconds),
        rgd_accepted=_summary(objects, "create-rgd", lambda line: line.accepted_seconds),
        rgd_compiled=_summary(objects, "create-rgd", lambda line: line.compiled_seconds),
        rgd_established=_summary(objects, "create-rgd", lambda line: line.established_seconds),
        rgd_ready=_summary(objects, "create-rgd", lambda line: line.ready_seconds),
        instance_updated=_summary(objects, "update-instance", lambda line: line.ready_seconds),
        rgd_updated=_summary(objects, "update-rgd", lambda line: line.ready_seconds),
        instance_fanned_out=_summary(objects, "fan-out", lambda line: line.ready_seconds),
        instance_gone=_summary(
            [line for line in deleted if line.phase is not None] or deleted,
            "delete-instance",
            lambda line: line.gone_seconds,
        ),
    )


def _summary(
    objects: Iterable[ObjectRecord], operation: str, reached: _Timing
) -> LatencySummary | None:
    lines = [
        line
        for line in objects
        if line.operation == operation and line.acknowledged_seconds is not None
    ]
    if not lines:
        return None
    ends = [(line.start_seconds, reached(line)) for line in lines]
    durations = [end - start for start, end in ends if end is not None]
    return summarise(durations, censored=len(lines) - len(durations))


def _children(objects: Iterable[ObjectRecord], seen: _Timing) -> LatencySummary | None:
    """Summarise sightings of children, or None where none was seen: they were not looked for."""
    lines = list(objects)
    known = any(seen(line) is not None for line in lines)
    return _summary(lines, "create-instance", seen) if known else None


def summarise(durations: Iterable[float], censored: int = 0) -> LatencySummary:
    """Summarise durations in seconds, of which ``censored`` further ones never ended.

    A censored duration is longer than any that was seen, so it takes a top rank; percentiles
    that touch one are unknown.
    """
    values = sorted(durations)
    complete = bool(values) and censored == 0
    return LatencySummary(
        n=len(values),
        censored=censored,
        p50_seconds=_percentile(values, censored, 0.5),
        p90_seconds=_percentile(values, censored, 0.9),
        p99_seconds=_percentile(values, censored, 0.99),
        max_seconds=round(values[-1], 6) if complete else None,
        mean_seconds=round(math.fsum(values) / len(values), 6) if complete else None,
    )


def why_absent(summary: LatencySummary | None, statistic: str) -> str | None:
    """Return why a statistic (``p99``, ``max``) is absent, as far as the sample tells."""
    total = summary.n + summary.censored if summary is not None else 0
    if summary is None or total == 0:
        return "nothing of the kind was observed"
    needed = NEEDED_BY_STATISTIC.get(statistic, 0)
    if total < needed:
        return f"it needs {needed} observations, and there were {total}"
    if summary.censored:
        return f"{summary.censored} of {total} never got there, and took longer than any that did"
    return None


def _percentile(values: Sequence[float], censored: int, q: float) -> float | None:
    """Return the q-quantile by linear interpolation (Hyndman and Fan's type 7)."""
    total = len(values) + censored
    if total < MIN_OBSERVATIONS[q]:
        return None
    position = q * (total - 1)
    low, high = math.floor(position), math.ceil(position)
    if high >= len(values):
        return None
    return round(values[low] + (values[high] - values[low]) * (position - low), 6)
