"""What would tell more of the limit than the test did."""

from collections.abc import Sequence

from krobench.analysis.scaling.words import about, at_least, at_most, sized
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.findings.scaling import (
    Limit,
    LimitState,
    Prediction,
    ScaleRecord,
    StepVerdict,
)

_WIDE = 0.25
"""Width of an interval, against the limit, from which on more repetitions are worth their time."""
_FEW_REPEATS = 3


def next_to_try(
    spec: KroScaleTestSpec, scale: ScaleRecord, limit: Limit, predictions: Sequence[Prediction]
) -> str | None:
    """Return what to change in the spec, in a sentence; None where nothing would tell more."""
    match limit.state:
        case LimitState.NOT_REACHED:
            return _go_further(spec, limit, predictions)
        case LimitState.BELOW_FIRST:
            return (
                f"Begin with smaller steps, below {sized(limit.first_breach or 0.0, spec.axis)}, "
                "or ask for less in spec.slo."
            )
        case LimitState.UNDECIDED:
            return _get_further(spec, scale)
        case _:
            return _look_closer(spec, limit)


def _get_further(spec: KroScaleTestSpec, scale: ScaleRecord) -> str:
    """Return what to do about that which ended the test before a breach."""
    reached = "so that a size is reached at which an SLO is missed"
    unjudged = [s for s in scale.steps if s.verdict in (StepVerdict.INVALID, StepVerdict.FAILED)]
    if unjudged:
        at = sized(unjudged[0].size, spec.axis)
        return f"See to it that {at} can be judged: what is above says why not."
    if "left out" in (scale.stopped or ""):
        return (
            "Allow larger sizes (spec.budget.maxInstances, the chart's load.maxObjects, or what "
            f"is above says), or ask for more in spec.slo, {reached}."
        )
    if "budget.duration" in (scale.stopped or ""):
        return (
            "Give it more room: a longer spec.budget.duration, or fewer and larger steps, "
            f"{reached}."
        )
    return f"Run it again, {reached}: what ended it is not of its sizes."


def _go_further(spec: KroScaleTestSpec, limit: Limit, predictions: Sequence[Prediction]) -> str:
    ahead = [each for each in predictions if limit.size is not None and each.size > limit.size]
    if not ahead:
        return f"Go further: steps beyond {sized(limit.size or 0.0, spec.axis)}, or a stricter SLO."
    nearest = min(ahead, key=lambda each: each.size)
    return (
        f"Go further: by extrapolation, {nearest.figure} reaches its bound at about "
        f"{about(nearest.size, spec.axis)} {spec.axis.unit}."
    )


def _look_closer(spec: KroScaleTestSpec, limit: Limit) -> str | None:
    if limit.size is None or limit.low is None or limit.high is None:
        return None
    width = (limit.high - limit.low) / limit.size
    low, high = at_most(limit.low, spec.axis), at_least(limit.high, spec.axis)
    if limit.method == "bracket":
        return _towards_an_interval(spec, f"{low} and {high}", width)
    if width <= _WIDE:
        return None
    return (
        f"Repeat the steps that decide more often (spec.repeats above {spec.repeats}): the "
        f"limit is known from {low} to {high} only."
    )


def _towards_an_interval(spec: KroScaleTestSpec, between: str, width: float) -> str | None:
    if spec.adds_at_once:
        return f"Take smaller steps between {between}: each size must add as many."
    if not spec.search.refine:
        return "Search between the last good and the first bad step: spec.search.refine."
    if spec.repeats < _FEW_REPEATS:
        return f"Repeat the steps that decide: spec.repeats {_FEW_REPEATS} gives an interval."
    if width > spec.search.resolution_ratio:
        return (
            "Give it more time (spec.budget): the search had not come to its end between "
            f"{between}."
        )
    return None
