"""A test's headline figure with its interval, and why it was not repeated further."""

from krobench.api import units
from krobench.figures.precision import Headline
from krobench.record.test import TestRecord
from krobench.report.words.validity import steady_state_line


def headline_line(test: TestRecord) -> str:
    """Return the figure in a sentence; empty where there is none."""
    figure = test.headline
    if figure is None:
        return ""
    text = (
        f"Median time until an instance was ready: {units.seconds(figure.mean_seconds)}, "
        f"{_interval(figure)}"
    )
    if test.stop is not None:
        text += f" {test.stop.reason}: {test.stop.message}."
    if test.steady_state is not None:
        text += f" Steady state: {steady_state_line(test.steady_state)}."
    return text


def precision_text(figure: Headline) -> str | None:
    """Return the precision as ``±3.1% (5 iterations)``; None for a single iteration."""
    if figure.half_width_ratio is None:
        return None
    return f"±{figure.half_width_ratio:.1%} ({figure.iterations} iterations)"


def _interval(figure: Headline) -> str:
    if figure.half_width_ratio is None:
        return "from one iteration, which says nothing of how much another would differ."
    low, high = units.seconds(figure.low_seconds), units.seconds(figure.high_seconds)
    return f"95% interval {low} to {high}, {precision_text(figure)}."
