"""The limits of scale tests as spans of sizes.

A known limit is a span without width. A limit beyond all tried sizes is censored: its span has one
end. So the spans of two runs may leave open which limit is larger.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median, pstdev
from typing import TYPE_CHECKING

from krobench.findings.scaling import Limit, LimitState

if TYPE_CHECKING:  # the operator needs spans, and not what finds crossings
    from krobench.analysis.scaling.limit import Crossing


@dataclass(frozen=True)
class Span:
    """Between which sizes a limit lies."""

    low: float
    """0 if it is below all sizes."""
    high: float
    """Infinite if it is above all sizes."""
    single: float | None = field(default=None, compare=False)
    """How far off a single iteration of that run may put a size: the standard deviation of the
    size's logarithm. None if that is not known."""

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


def span_of(limit: Limit, crossing: "Crossing | None" = None) -> Span | None:
    """Return the span of a limit, which may be that of a crossing; None if no size was judged."""
    match limit:
        case Limit(state=LimitState.FOUND, method="crossing", size=float(size)):
            span = Span(size, size)
        case Limit(state=LimitState.FOUND, low=float(low), high=float(high)):
            span = Span(low, high)
        case Limit(state=LimitState.BELOW_FIRST, first_breach=float(size)):
            span = Span(0, size)
        case Limit(last_met=float(size)):
            span = Span(size, math.inf)
        case _:
            return None
    return span if crossing is None else replace(span, single=pstdev(crossing.draws.single))


def median_span(spans: Sequence[Span]) -> Span:
    """Return the span of the median of several limits; at least one."""
    return Span(median(span.low for span in spans), median(span.high for span in spans))


def rank_scores(spans: Sequence[Span]) -> list[int]:
    """Return for each limit how many others are certainly smaller, minus how many are larger.

    After Gehan (Biometrika 52, 1965). Of limits that are all known, or that lie above all others,
    the scores have the order of the limits, so that a rank test of them is that of the limits.
    """
    return [
        sum((other.high <= span.low) - (span.high <= other.low) for other in spans)
        for span in spans
    ]
