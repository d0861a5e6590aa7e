"""What decided a threshold, in words."""

from krobench.api import units
from krobench.record.test import Margin, ThresholdResult


def measured(result: ThresholdResult) -> str:
    """Return the values that a threshold was decided by and how far it was missed, or why not."""
    if result.message is not None:
        return result.message
    values = [f"{name} = {units.number(value)}" for name, value in result.values.items()]
    return ", ".join(values + [_margin(margin) for margin in result.margins])


def _margin(margin: Margin) -> str:
    distance = abs(margin.value - margin.bound)
    what = " and ".join(margin.names) or "the value"
    if distance == 0:
        return f"{what} is at the bound {units.number(margin.bound)}"
    side = "above" if margin.value > margin.bound else "below"
    share = f" ({units.percent(distance / abs(margin.bound))})" if margin.bound else ""
    return (
        f"{what} is {units.number(distance)}{share} {side} the bound {units.number(margin.bound)}"
    )
