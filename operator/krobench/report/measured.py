"""What decided a threshold, in words."""

from collections.abc import Mapping

from krobench.api import units
from krobench.record.test import Margin, ThresholdResult


def measured(result: ThresholdResult) -> str:
    """Return the values that a threshold was decided by and how far it was missed, or why not."""
    if result.text is not None:
        return result.text
    if result.error is not None:
        return f"cannot be evaluated: {result.error}"
    if result.missing:
        return f"not available in this run: {missing_line(result.missing)}"
    values = [f"{name} = {units.number(value)}" for name, value in result.values.items()]
    return ", ".join(values + [_margin(margin) for margin in result.margins])


def missing_line(missing: Mapping[str, str | None]) -> str:
    """Return which metrics are not available, and why."""
    return "; ".join(f"{name} ({why})" if why else name for name, why in missing.items())


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
