"""Samples that are missing, and counters that went backwards."""

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise

from krobench.api.common import ErrorInfo
from krobench.api.specs.validity import Cause
from krobench.record.lines import Sample, SourceName

MIN_SHARE = 0.5
"""With fewer of the samples that were due, a maximum may have been anywhere between them."""
_MIN_DUE = 6
_SHORTEST_INTERVAL_SECONDS = 1.0
_START_TIME = "process_start_time_seconds"
_COUNTER_ENDINGS = ("_total", "_sum", "_count")
# What kro watches just now: gauges, in spite of their names.
_GAUGE_ENDINGS = ("_watch_count", "_gvr_count")
_SECONDS = 1.0


def samples_missing(
    samples: Iterable[Sample],
    intervals: Mapping[SourceName, float],
    started_seconds: float,
    ended_seconds: float,
) -> list[ErrorInfo]:
    """Return the sources of which fewer samples came than were due between these times.

    One of which there is none at all is not available, and its numbers say so. Below a second,
    sampling itself takes its time, so that no more than a sample a second is due.
    """
    taken: dict[SourceName, set[float]] = {}
    for sample in samples:
        taken.setdefault(sample.source, set()).add(sample.seconds)
    causes = []
    for source, interval in intervals.items():
        seconds = ended_seconds - started_seconds
        due = math.floor(seconds / max(interval, _SHORTEST_INTERVAL_SECONDS))
        came = sum(started_seconds <= at <= ended_seconds for at in taken.get(source, ()))
        if source in taken and due >= _MIN_DUE and came < MIN_SHARE * due:
            causes.append(
                Cause.SAMPLES_MISSING.of(
                    f"{came} of {due} samples of {source} came in {seconds:.1f}s, "
                    f"less than {MIN_SHARE:.0%}"
                )
            )
    return causes


def counters_backwards(samples: Iterable[Sample]) -> list[ErrorInfo]:
    """Return whether a counter of kro fell, as none does in a process that goes on."""
    by_metric: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.source == "kro" and _is_counter(sample.metric.partition("{")[0]):
            by_metric.setdefault(sample.metric, []).append(sample)
    falls = [
        (metric, before, after)
        for metric, line in by_metric.items()
        for before, after in pairwise(line)
        if after.value < before.value
    ]
    if not falls:
        return []
    metric, before, after = falls[0]
    more = len({name for name, _, _ in falls}) - 1
    return [
        Cause.COUNTERS_WENT_BACKWARDS.of(
            f"kro's {metric} went from {before.value:g} to {after.value:g} between "
            f"{before.seconds:.1f}s and {after.seconds:.1f}s of the run"
            + (f", and {more} more counters went backwards" if more else "")
        )
    ]


def api_server_restarts(samples: Iterable[Sample], zero_epoch_seconds: float) -> list[ErrorInfo]:
    """Return whether the API server was started between its samples.

    These may come from several API servers that take turns, so that their counters tell nothing;
    a start that lies within the samples' own time does.
    """
    starts = [
        sample
        for sample in samples
        if sample.source == "apiserver" and sample.metric == _START_TIME
    ]
    for before, after in pairwise(starts):
        at = after.value - zero_epoch_seconds
        if after.value > before.value + _SECONDS and before.seconds < at <= after.seconds:
            return [
                Cause.COUNTERS_WENT_BACKWARDS.of(
                    f"the API server was started anew at about {at:.1f}s of the run: all its "
                    "counters began from zero"
                )
            ]
    return []


def _is_counter(name: str) -> bool:
    return name.endswith(_COUNTER_ENDINGS) and not name.endswith(_GAUGE_ENDINGS)
