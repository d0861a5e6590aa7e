"""Percentiles that say no more than the sample does."""

import math
from collections.abc import Iterable, Sequence

from krobench.figures.measures import LatencySummary

# A percentile q needs 1/(1-q) observations, or it is but another name for the maximum.
MIN_OBSERVATIONS = {0.5: 1, 0.9: 10, 0.99: 100}
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
NEEDED_BY_STATISTIC = {name: MIN_OBSERVATIONS[q] for name, q in _QUANTILES.items()}
"""Observations without which a statistic is not available, by its name."""


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
