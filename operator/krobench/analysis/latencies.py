"""The latencies of every phase of an object's life, from the lines of its operations."""

from collections.abc import Callable, Iterable, Sequence

from krobench.analysis.statistics.percentiles import summarise
from krobench.figures.measures import Latencies, LatencySummary
from krobench.record.lines import ObjectRecord

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
