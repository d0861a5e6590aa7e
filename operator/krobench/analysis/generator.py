"""Whether the load generator kept its schedule.

One that did not makes a run invalid, and not kro slow: the load was not the one asked for.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from krobench.analysis.medians import known_median
from krobench.api.specs.load import Load
from krobench.figures.lines import ObjectRecord
from krobench.figures.measures import LoadGenerator
from krobench.findings.validity import (
    AnyCause,
    RateNotReached,
    RequestsNotSent,
    SendLagTooLong,
)

_MIN_ACHIEVED = 0.98
_DIGITS = 6


@dataclass(frozen=True)
class Schedule:
    """What an open loop was to send, until when it could, and how far it came."""

    load: Load
    times: Sequence[float]
    """Intended times of all instances, in order."""
    ended_seconds: float
    """When the run phase ended, on the same clock."""
    sent: int
    """Requests that were sent, which are the first of them."""

    @cached_property
    def due(self) -> Sequence[float]:
        """The times of what was sent, and of what could have been before the end."""
        end = self.ended_seconds - self.load.max_send_lag_seconds
        return self.times[: max(self.sent, bisect_right(self.times, end))]

    @property
    def span_seconds(self) -> float:
        """From the first to the last of the due times."""
        return self.due[-1] - self.due[0] if self.due else 0.0


def measure_generator(schedule: Schedule, objects: Iterable[ObjectRecord]) -> LoadGenerator:
    """Compare what was sent with the schedule."""
    lines = [line for line in objects if line.intended_seconds is not None]
    lags = sorted(line.sent_seconds - line.start_seconds for line in lines)
    span = schedule.span_seconds
    taken = span
    if lines and span > 0:
        last = max(line.sent_seconds for line in lines)
        taken = max(span, last - schedule.due[0] - schedule.load.max_send_lag_seconds)
    return LoadGenerator(
        requested_per_second=_rate(len(schedule.due), span),
        achieved_per_second=_rate(len(lines), taken),
        send_lag_p50_seconds=_nearest_rank(lags, 0.5),
        send_lag_p99_seconds=_nearest_rank(lags, 0.99),
        send_lag_max_seconds=_nearest_rank(lags, 1.0),
    )


def lateness(generator: LoadGenerator, schedule: Schedule) -> list[AnyCause]:
    """Return in which ways the schedule was missed; empty if it was kept."""
    causes: list[AnyCause] = []
    lag, allowed = generator.send_lag_p99_seconds, schedule.load.max_send_lag_seconds
    if lag is not None and lag > allowed:
        causes.append(SendLagTooLong(p99_seconds=lag, allowed_seconds=allowed))
    sent, due = schedule.sent, len(schedule.due)
    if sent < _MIN_ACHIEVED * due:
        causes.append(RequestsNotSent(sent=sent, due=due))
    requested, achieved = generator.requested_per_second, generator.achieved_per_second
    if requested and achieved is not None and achieved < _MIN_ACHIEVED * requested:
        causes.append(
            RateNotReached(
                achieved_per_second=achieved,
                requested_per_second=requested,
                least_ratio=_MIN_ACHIEVED,
            )
        )
    return causes


def summarise_generators(generators: Iterable[LoadGenerator | None]) -> LoadGenerator | None:
    """Take iterations together: medians of the rates, and the worst of the lags."""
    known = [generator for generator in generators if generator is not None]
    if not known:
        return None
    return LoadGenerator(
        requested_per_second=known_median(g.requested_per_second for g in known),
        achieved_per_second=known_median(g.achieved_per_second for g in known),
        send_lag_p50_seconds=_worst(g.send_lag_p50_seconds for g in known),
        send_lag_p99_seconds=_worst(g.send_lag_p99_seconds for g in known),
        send_lag_max_seconds=_worst(g.send_lag_max_seconds for g in known),
    )


def _rate(count: int, seconds: float) -> float | None:
    """Return the rate of events whose first and last are ``seconds`` apart."""
    return round(max(0, count - 1) / seconds, _DIGITS) if seconds > 0 else None


def _nearest_rank(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that ``share`` of the sorted values do not exceed."""
    if not values:
        return None
    return round(values[math.ceil(share * len(values)) - 1], _DIGITS)


def _worst(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
