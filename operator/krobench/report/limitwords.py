"""Limits of scale tests in the cells of a table, without their unit."""

from collections.abc import Sequence

from krobench.analysis.comparison.limitspan import Span, median_span, span_of
from krobench.analysis.scaling.words import at_least, at_most, plain
from krobench.api.notation import units
from krobench.api.specs.axis import Axis
from krobench.findings.scaling import Limit


def limit_in_words(limit: Limit, axis: Axis) -> str:
    """Return a limit as ``47 (44 to 51)``, ``above 320`` or such."""
    span = span_of(limit)
    if span is None:
        return units.NOT_AVAILABLE
    if span.known and limit.low is not None and limit.high is not None:
        interval = f"{at_most(limit.low, axis)} to {at_least(limit.high, axis)}"
        return f"{_span(span, axis)} ({interval})"
    return _span(span, axis)


def limits_in_words(limits: Sequence[Limit], axis: Axis) -> str:
    """Return the median of runs' limits and their range, as ``47 (44 to above 80)``."""
    spans = [span for limit in limits if (span := span_of(limit)) is not None]
    if not spans:
        return units.NOT_AVAILABLE
    middle = _span(median_span(spans), axis)
    if len(set(spans)) == 1:
        return middle
    lowest = min(spans, key=lambda span: (span.low, span.high))
    highest = max(spans, key=lambda span: (span.high, span.low))
    return f"{middle} ({_span(lowest, axis)} to {_span(highest, axis)})"


def _span(span: Span, axis: Axis) -> str:
    if span.known:
        return at_most(span.low, axis)
    if span.below:
        return f"below {plain(span.high)}"
    if span.above:
        return f"above {plain(span.low)}"
    return f"between {at_most(span.low, axis)} and {at_least(span.high, axis)}"
