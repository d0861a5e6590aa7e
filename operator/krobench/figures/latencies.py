"""Latencies, from the lines of operations; the catalogue is the fields of ``Latencies``."""

import math
from collections.abc import Iterable, Sequence

from krobench.figures.rawdata import ObjectRecord
from krobench.figures.reasons.figures import AnyReason
from krobench.figures.reasons.load import (
    NothingObserved,
    ProbeFailed,
    ProbesMissing,
    TimedOut,
    TooFewObservations,
    TooFewProbes,
)
from krobench.figures.summaries import Latencies, LatencySummary, Timed

# A percentile q needs 1/(1-q) observations, or it is but another name for the maximum.
MIN_OBSERVATIONS = {0.5: 1, 0.9: 10, 0.99: 100}
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
NEEDED_BY_STATISTIC = {name: MIN_OBSERVATIONS[q] for name, q in _QUANTILES.items()}
"""Observations without which a statistic is not available, by its name."""
STATISTICS = {
    "p50": "p50_seconds",
    "p90": "p90_seconds",
    "p99": "p99_seconds",
    "max": "max_seconds",
    "mean": "mean_seconds",
    "n": "n",
    "censored": "censored",
}
"""Field of a summary by the name of its statistic."""
_LAG_P50, _LAG_P99, _LAG_MAX = (
    f"krobench.watch.lagSeconds.{each}" for each in ("p50", "p99", "max")
)
_OF_CHILDREN = ("first_child_seconds", "last_child_seconds")
_TIMED: dict[str, tuple[str, Timed]] = {
    field.alias or name: (name, next(each for each in field.metadata if isinstance(each, Timed)))
    for name, field in Latencies.model_fields.items()
}
LATENCIES: dict[str, Timed] = {alias: timed for alias, (_, timed) in _TIMED.items()}
"""Each latency by its name, such as ``instanceReady``, in the order of reports."""
LATENCY_NAMES = tuple(f"latency.{alias}.{each}" for alias in _TIMED for each in STATISTICS)
"""Their names in thresholds and comparisons, such as ``latency.instanceReady.p99``."""


def latencies(objects: Sequence[ObjectRecord]) -> Latencies:
    """Summarise all latencies of these objects, each from the time of its request."""
    return Latencies(**{name: _summary(objects, timed) for name, timed in _TIMED.values()})


def latency_of(of: Latencies, name: str) -> LatencySummary | None:
    """Return a latency by its name, such as ``instanceReady``."""
    found: LatencySummary | None = getattr(of, _TIMED[name][0])
    return found


def latency_numbers(of: Latencies) -> dict[str, float | None]:
    """Return every statistic of every latency by its full name; None if it is not available."""
    numbers: dict[str, float | None] = {}
    for alias, (name, _) in _TIMED.items():
        summary: LatencySummary | None = getattr(of, name)
        for statistic, field in STATISTICS.items():
            value = None if summary is None else getattr(summary, field)
            numbers[f"latency.{alias}.{statistic}"] = value
    return numbers


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


def why_absent(summary: LatencySummary | None, statistic: str) -> AnyReason | None:
    """Return why a statistic (``p99``, ``max``) is absent; None if the sample does not show it."""
    total = summary.n + summary.censored if summary is not None else 0
    if summary is None or total == 0:
        return NothingObserved()
    needed = NEEDED_BY_STATISTIC.get(statistic, 0)
    if total < needed:
        return TooFewObservations(needed=needed, had=total)
    if summary.censored:
        return TimedOut(censored=summary.censored, total=total)
    return None


def watch_lag_figures(
    seconds: Sequence[float], missing: int, failure: str | None
) -> tuple[dict[str, float | None], dict[str, AnyReason]]:
    """Return the figures, and for each that is None the reason.

    ``seconds`` are the lags of the probe's writes, ``missing`` the number of those whose event
    never came, ``failure`` why the probe gave up, if it did.
    """
    summary = summarise(seconds, censored=missing)
    figures = {
        _LAG_P50: summary.p50_seconds,
        _LAG_P99: summary.p99_seconds,
        _LAG_MAX: summary.max_seconds,
    }
    seen, needed = len(seconds), NEEDED_BY_STATISTIC["p99"]
    reason: AnyReason
    if failure is not None:
        reason = ProbeFailed(detail=failure)
    elif summary.max_seconds is not None:
        reason = TooFewProbes(needed=needed, seen=seen, missing=missing)
    else:
        reason = ProbesMissing(seen=seen, missing=missing)
    return figures, {name: reason for name, value in figures.items() if value is None}


def _summary(objects: Sequence[ObjectRecord], timed: Timed) -> LatencySummary | None:
    made = [line for line in objects if line.operation == timed.operation]
    if timed.operation == "delete-instance":
        # Deletions of the cleanup count only if no phase deletes.
        made = [line for line in made if line.phase is not None] or made
    lines = [line for line in made if line.acknowledged_seconds is not None]
    ends = [(line.start_seconds, getattr(line, timed.until)) for line in lines]
    durations = [end - start for start, end in ends if end is not None]
    # If no child was seen at all, nobody looked for them.
    children_seen = any(getattr(line, timed.until) is not None for line in made)
    if not lines or (timed.until in _OF_CHILDREN and not children_seen):
        return None
    return summarise(durations, censored=len(lines) - len(durations))


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
