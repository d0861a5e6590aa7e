"""Figures with their intervals, in the digits that the interval justifies.

A figure that is known to a tenth of itself has three significant digits, any other has two, and so
have the ends of its interval.
"""

import math
from typing import Protocol

from krobench.analysis.statistics.intervals import FEWEST_FOR_INTERVAL
from krobench.api import units
from krobench.figures.precision import Headline

_WIDE = 0.1
_FINE = 0.05
_FAR = 0.5


class Show(Protocol):
    """How a quantity is written, such as ``units.seconds``."""

    def __call__(self, value: float | None, digits: int = units.DIGITS) -> str: ...


def digits(value: float, low: float | None, high: float | None) -> int:
    """Return how many significant digits of a figure are known."""
    if low is None or high is None:
        return units.DIGITS
    return units.DIGITS if max(high - value, value - low) < _WIDE * abs(value) else 2


def spanned(value: float, low: float, high: float, show: Show) -> tuple[str, str]:
    """Return a figure and its interval, as ``1.2 s`` and ``970 ms to 1.5 s``."""
    known = digits(value, low, high)
    return show(value, known), f"{show(low, known)} to {show(high, known)}"


def precision(ratio: float) -> str:
    """Return how far an end of an interval is off, as ``±3.1 %`` or ``within a factor of 2.4``."""
    if ratio > _FAR:
        return f"within a factor of {1 + ratio:.2g}"
    return f"±{units.percent(ratio, 2)}"


def ratio(value: float, low: float | None = None, high: float | None = None) -> str:
    """Return a ratio with its interval, as ``1.034 (1.021 to 1.047)``."""
    text, ends = spanned_ratio(value, low, high)
    return f"{text} ({ends})" if ends else text


def spanned_ratio(value: float, low: float | None, high: float | None) -> tuple[str, str]:
    """Return a ratio and its interval, which is empty if it has none."""
    known = low is not None and high is not None and (high - low) / 2 < _FINE * value
    decimals = (3 if known else 2) + (max(0, -1 - math.floor(math.log10(value))) if value else 0)
    text = f"{value:.{decimals}f}"
    if low is None or high is None:
        return text, ""
    return text, f"{low:.{decimals}f} to {high:.{decimals}f}"


def headline_text(figure: Headline) -> str:
    """Return the figure alone, in the digits that are known."""
    ends = (figure.low_seconds, figure.high_seconds) if _has_interval(figure) else (None, None)
    return units.seconds(figure.mean_seconds, digits(figure.mean_seconds, *ends))


def headline_interval(figure: Headline) -> tuple[str, str]:
    """Return the figure and its interval, or why it has none."""
    low, high = figure.low_seconds, figure.high_seconds
    if low is None or high is None or not _has_interval(figure):
        count = units.counted(figure.iterations, "iteration")
        few = figure.iterations < FEWEST_FOR_INTERVAL
        why = "too few for an interval" if few else "no interval, as they scatter too much"
        return headline_text(figure), f"{count}: {why}"
    middle, ends = spanned(figure.mean_seconds, low, high, units.seconds)
    return middle, f"95 % interval {ends}, {precision_text(figure)}"


def precision_text(figure: Headline) -> str | None:
    """Return the precision as ``±3.1 % (5 iterations)``; None of too few iterations."""
    if figure.half_width_ratio is None or not _has_interval(figure):
        return None
    return f"{precision(figure.half_width_ratio)} ({figure.iterations} iterations)"


def _has_interval(figure: Headline) -> bool:
    """Whether it has an interval to show: older versions stored some of too few iterations, or
    with an end cut off at zero."""
    return figure.iterations >= FEWEST_FOR_INTERVAL and bool(figure.low_seconds)
