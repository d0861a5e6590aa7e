"""What decided a threshold, in words."""

from krobench.model.record import ThresholdResult
from krobench.report import units


def measured(result: ThresholdResult) -> str:
    """Return the values that a threshold was decided by, or why it could not be."""
    values = ", ".join(f"{name} = {units.number(value)}" for name, value in result.values.items())
    return result.message or values
