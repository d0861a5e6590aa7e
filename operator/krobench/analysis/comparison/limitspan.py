"""What a run says of its limit, as the span of sizes that it lies in.

A limit that is known is a span of no width. One that lies beyond all sizes that were tried is
censored: its span has one end alone. So spans of two runs may leave open which limit is larger.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median, pstdev

from krobench.analysis.scaling.crossing import Crossing
from krobench.findings.scaling import Limit, LimitState


@dataclass(frozen=True)
class Span:
    """Between which sizes a limit lies."""

    low: float
    """0 where it lies below all sizes."""
    high: float
    """Infinite where it lies above all sizes."""
    single: float | None = field(default=None, compare=False)
    """How far off a single repetition of that run may put a size: the standard deviation of the
    size's logarithm. None where that is not known."""

    @property
    def known(self) -> bool:
        """Whether it is a single size."""
        return self.low == self.high

    @property
    def above(self) -> bool:
        """Whether the limit lies above all sizes that were tried."""
        return math.isinf(self.high)

    @property
    def below(self) -> bool:
        """Whether it lies below all of them."""
        return self.low == 0


def span_of(limit: Limit, crossing: Crossing | None = None) -> Span | None:
    """Return the span of a limit, which may be that of a crossing; None where no step says
    anything."""
    span = _span(limit)
    if span is None or crossing is None:
        return span
    return replace(span, single=pstdev(crossing.draws.single))


def _span(limit: Limit) -> Span | None:
    match limit:
        case Limit(state=LimitState.FOUND, method="crossing", size=float(size)):
            return Span(size, size)
        case Limit(state=LimitState.FOUND, low=float(low), high=float(high)):
            return Span(low, high)
        case Limit(state=LimitState.BELOW_FIRST, first_breach=float(size)):
            return Span(0, size)
        case Limit(last_met=float(size)):
            return Span(size, math.inf)
    return None


def median_span(spans: Sequence[Span]) -> Span:
    """Return the span of the median of several limits; at least one."""
    return Span(median(span.low for span in spans), median(span.high for span in spans))


def rank_scores(spans: Sequence[Span]) -> list[int]:
    """Return of each limit how many others are smaller for certain, less how many are larger.

    After Gehan (Biometrika 52, 1965). Of limits that are all known, or that lie above all others,
    the scores have the order of the limits, so that a rank test of them is that of the limits.
    """
    return [sum(_order(other, span) for other in spans) for span in spans]


def _order(one: Span, other: Span) -> int:
    """Return 1 where ``one`` is smaller for certain, -1 where it is larger, else 0."""
    return (one.high <= other.low) - (other.high <= one.low)
