"""The limit that a scale test found, in a few words."""

from krobench.analysis.scaling.words import at_least, at_most, plain
from krobench.api.common import ErrorInfo
from krobench.api.specs.scaletest import Axis
from krobench.api.status import Verdict
from krobench.api.units import NOT_AVAILABLE
from krobench.findings.scaling import Limit, LimitState, ScaleRecord
from krobench.record.run import RunRecord

LIMIT_NOT_AVAILABLE = "LimitNotAvailable"
MINIMUM_NOT_REACHED = "MinimumNotReached"


def limit_text(limit: Limit, axis: Axis) -> str:
    """Return the limit as ``480 instances (452 to 509)``, ``> 5000 instances`` or such."""
    match limit.state:
        case LimitState.FOUND if limit.size is not None:
            return f"{at_most(limit.size, axis)} {axis.unit}{_interval(limit, axis)}"
        case LimitState.NOT_REACHED if limit.size is not None:
            return f"> {plain(limit.size)} {axis.unit}"
        case LimitState.BELOW_FIRST if limit.first_breach is not None:
            return f"< {plain(limit.first_breach)} {axis.unit}"
    return NOT_AVAILABLE


def shortfall(run: RunRecord) -> ErrorInfo | None:
    """Return in what the limit of a scale test falls short of what was asked for, if it does."""
    if run.verdict is not Verdict.FAILED or run.scale is None:
        return None
    limit, stopped = run.scale.limit, run.scale.stopped
    text = limit_text(limit, run.scale.axis) if limit is not None else NOT_AVAILABLE
    if text == NOT_AVAILABLE or limit is None:
        message = f"no limit was found: {stopped or 'no size could be judged'}"
        return ErrorInfo(reason=LIMIT_NOT_AVAILABLE, message=message)
    if limit.state is LimitState.BELOW_FIRST:
        message = f"kro did not meet the SLOs at the smallest size: {limit.breached or text}"
        return ErrorInfo(reason="SmallestSizeBreached", message=message)
    message = f"the limit is {text}, and {minimum_text(run)}"
    return ErrorInfo(reason=MINIMUM_NOT_REACHED, message=message)


def early_end(scale: ScaleRecord) -> str | None:
    """Return why a scale test ended early; None where it did not, or the limit says it already."""
    why = (scale.stopped or "").rstrip(".")
    said = scale.limit.message if scale.limit is not None else ""
    return why if why and why not in said else None


def minimum_text(run: RunRecord) -> str:
    """Return what was asked for of the limit."""
    return f"spec.minimum is {float(run.spec.get('minimum') or 0):g}"


def _interval(limit: Limit, axis: Axis) -> str:
    if limit.low is None or limit.high is None:
        return ""
    return f" ({at_most(limit.low, axis)} to {at_least(limit.high, axis)})"
