"""The limit that a scale test found, in a few words."""

from krobench.model.scaling import Axis, Limit, LimitState
from krobench.report.units import NOT_AVAILABLE


def limit_text(limit: Limit, axis: Axis) -> str:
    """Return the limit as ``480 instances (452 to 509)``, ``> 5000 instances`` or such."""
    match limit.state:
        case LimitState.FOUND if limit.size is not None:
            return f"{size_text(limit.size)} {axis.unit}{_interval(limit)}"
        case LimitState.NOT_REACHED if limit.size is not None:
            return f"> {size_text(limit.size)} {axis.unit}"
        case LimitState.BELOW_FIRST if limit.first_breach is not None:
            return f"< {size_text(limit.first_breach)} {axis.unit}"
    return NOT_AVAILABLE


def size_text(size: float) -> str:
    """Return a size without a thousands separator, as it stands in a spec."""
    return f"{round(size, 2):.10g}" if abs(size) < 100 else f"{size:.0f}"


def _interval(limit: Limit) -> str:
    if limit.low is None or limit.high is None:
        return ""
    return f" ({size_text(limit.low)} to {size_text(limit.high)})"
