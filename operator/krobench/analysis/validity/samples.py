"""Samples that are missing, counters that went backwards, and percentiles of too few values."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from krobench.figures.environment import Replacement
from krobench.figures.latencies import NEEDED_BY_STATISTIC
from krobench.figures.rawdata import Sample, SourceName
from krobench.figures.summaries import LatencySummary
from krobench.findings.validity import (
    AnyCause,
    APIServerRestarted,
    CounterFell,
    SamplesMissing,
    TooFewSamples,
)
from krobench.record.test import TestRecord

MIN_SHARE = 0.5
"""With fewer of the due samples, a maximum may lie anywhere between them."""
_MIN_DUE = 6
_SHORTEST_INTERVAL_SECONDS = 1.0
_START_TIME = "process_start_time_seconds"
_COUNTER_ENDINGS = ("_total", "_sum", "_count")
# What kro watches at the moment: gauges, despite their names.
_GAUGE_ENDINGS = ("_watch_count", "_gvr_count")
_BOOT_TIME_SECONDS = 1.0
"""Linux gives its boot time in whole seconds, rounded down: what is counted from it, such as the
start time of a process, may be up to a second too early."""


def samples_missing(
    samples: Iterable[Sample],
    intervals: Mapping[SourceName, float],
    started_seconds: float,
    ended_seconds: float,
    replacements: Sequence[Replacement] = (),
) -> list[AnyCause]:
    """Return the sources that delivered fewer samples than were due between these times.

    While kro was replaced, none of kro were due. A source with no sample at all is unavailable, and
    its figures say so. Sampling takes time itself, so at most one sample a second is due.
    """
    taken: dict[SourceName, set[float]] = {}
    for sample in samples:
        taken.setdefault(sample.source, set()).add(sample.seconds)
    causes: list[AnyCause] = []
    for source, interval in intervals.items():
        away = [
            (each.started_seconds, min(each.ended_seconds, ended_seconds)) for each in replacements
        ]
        away = away if source == "kro" else []
        seconds = ended_seconds - started_seconds - sum(end - start for start, end in away)
        due = math.floor(seconds / max(interval, _SHORTEST_INTERVAL_SECONDS))
        came = sum(
            started_seconds <= at <= ended_seconds
            and not any(start <= at <= end for start, end in away)
            for at in taken.get(source, ())
        )
        if source in taken and due >= _MIN_DUE and came < MIN_SHARE * due:
            causes.append(
                SamplesMissing(
                    source=source, taken=came, due=due, seconds=seconds, least_ratio=MIN_SHARE
                )
            )
    return causes


def counters_backwards(samples: Iterable[Sample]) -> list[AnyCause]:
    """Return whether a counter of kro fell, which does not happen within one process."""
    by_metric: dict[str, list[Sample]] = {}
    for sample in samples:
        name = sample.metric.partition("{")[0]
        counts = name.endswith(_COUNTER_ENDINGS) and not name.endswith(_GAUGE_ENDINGS)
        if sample.source == "kro" and counts:
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
    return [
        CounterFell(
            metric=metric,
            before=before.value,
            after=after.value,
            before_seconds=before.seconds,
            after_seconds=after.seconds,
            more=len({name for name, _, _ in falls}) - 1,
        )
    ]


def api_server_restarts(samples: Iterable[Sample], zero_epoch_seconds: float) -> list[AnyCause]:
    """Return whether the API server was restarted between its samples.

    Several API servers may answer in turn, so a counter that falls proves nothing; a start time
    between two samples does. One that follows soon after a sample seems to precede it.
    """
    starts = [
        sample
        for sample in samples
        if sample.source == "apiserver" and sample.metric == _START_TIME
    ]
    for before, after in pairwise(starts):
        at = after.value - zero_epoch_seconds
        seems_between = before.seconds - _BOOT_TIME_SECONDS < at <= after.seconds
        if after.value > before.value + _BOOT_TIME_SECONDS and seems_between:
            return [APIServerRestarted(at_seconds=max(at, before.seconds))]
    return []


def too_few_samples(test: TestRecord) -> list[AnyCause]:
    """Return which thresholds use a percentile that needs more observations than there are.

    Such a threshold is neither met nor missed. Objects that never became ready are observations
    too: a percentile that falls among them is kro's result, and no matter of samples.
    """
    if test.summary is None:
        return []
    summaries = {
        field.alias or name: getattr(test.summary.latency, name)
        for name, field in type(test.summary.latency).model_fields.items()
    }
    names = dict.fromkeys(
        name
        for result in test.thresholds
        if result.passed is None
        for name, value in result.values.items()
        if value is None and name.startswith("latency.")
    )
    causes: list[AnyCause] = []
    for name in names:
        group, _, statistic = name.removeprefix("latency.").partition(".")
        needed, found = NEEDED_BY_STATISTIC.get(statistic, 0), summaries.get(group)
        if isinstance(found, LatencySummary) and found.n + found.censored < needed:
            causes.append(
                TooFewSamples(figure=name, needed=needed, observations=found.n + found.censored)
            )
    return causes
