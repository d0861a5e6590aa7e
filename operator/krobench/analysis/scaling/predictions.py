"""The limit as foretold by smaller steps alone, and how far off that was.

The figure of an SLO is fitted at the sizes below the limit, without those that the limit rests on,
and the better of a straight line and a power law is followed to the bound. Where that is beyond
the sizes used, it is an extrapolation: its interval tells what scatter may do, and nothing of what
else may happen on the way, such as kro being saturated. So the error, against the limit that was
measured, is the part of it to look at.

What would tell more of the limit than the test did.
"""

from collections.abc import Sequence

from krobench.analysis.margins import Bound
from krobench.analysis.scaling.fits import Described, describe
from krobench.analysis.scaling.models import Fitted, Linear, Power
from krobench.analysis.scaling.slos import decided, growing_bounds, upward, values_of
from krobench.analysis.scaling.words import (
    about,
    at_least,
    at_most,
    figure_name,
    shown,
    sized,
    unit_of,
)
from krobench.api import units
from krobench.api.specs.scaletest import Axis, KroScaleTestSpec
from krobench.findings.scaling import (
    Limit,
    LimitState,
    Prediction,
    ScaleRecord,
    ScaleStep,
    StepVerdict,
)

_FURTHEST = 100.0
"""Times the largest size used: what lies further is no prediction any more."""


def predict(
    steps: Sequence[ScaleStep], slos: Sequence[str], axis: Axis, limit: Limit
) -> list[Prediction]:
    """Return the prediction for the SLO that broke, or for each where none has yet."""
    told = decided(steps)
    found = limit.state is LimitState.FOUND
    below = [step for step in told if not found or _is_below(step, limit)]
    asked = [limit.breached] if found and limit.breached is not None else slos
    measured = limit.size if found else None
    predictions = (
        _predict(bound, below, axis, measured) for slo in asked for bound in growing_bounds(slo)
    )
    return [prediction for prediction in predictions if prediction is not None]


def _is_below(step: ScaleStep, limit: Limit) -> bool:
    decisive = step.decisive or step.size in {limit.last_met, limit.first_breach}
    return limit.last_met is not None and step.size < limit.last_met and not decisive


def _predict(
    bound: Bound, steps: Sequence[ScaleStep], axis: Axis, measured: float | None
) -> Prediction | None:
    values = values_of(bound, steps)
    level = upward(bound, bound.value)
    for fit in describe(values, ["linear", "power"]):
        size = _size_of(fit.fitted, level)
        if size is not None and 0 < size <= _FURTHEST * max(values):
            prediction = Prediction(
                figure=bound.figure,
                bound=bound.value,
                model=fit.record.model,
                largest_used=max(values),
                size=size,
                extrapolated=size > max(values),
                measured=measured,
                error_ratio=(size - measured) / measured if measured else None,
            )
            _add_interval(prediction, fit, level)
            prediction.message = _in_words(prediction, axis)
            return prediction
    return None


def _size_of(fitted: Fitted | None, level: float) -> float | None:
    return fitted.size_of(level) if isinstance(fitted, Linear | Power) else None


def _add_interval(prediction: Prediction, fit: Described, level: float) -> None:
    if fit.resampling is None:
        return
    ends = fit.resampling.interval_of([_size_of(drawn, level) for drawn in fit.redrawn])
    if ends is not None and ends.low > 0 and ends.high <= _FURTHEST * prediction.largest_used:
        prediction.low = min(ends.low, prediction.size)
        prediction.high = max(ends.high, prediction.size)


def _in_words(prediction: Prediction, axis: Axis) -> str:
    if prediction.low is None or prediction.high is None:
        interval = "without an interval, as the values are too few or scatter too much"
    else:
        low, high = at_most(prediction.low, axis), at_least(prediction.high, axis)
        interval = f"95 % interval {low} to {high}"
    by = "a straight line" if prediction.model == "linear" else "a power law"
    beyond = "extrapolated" if prediction.extrapolated else "predicted"
    text = (
        f"By {by} through sizes up to {sized(prediction.largest_used, axis)}, "
        f"{figure_name(prediction.figure)} reaches "
        f"{shown(prediction.bound, unit_of(prediction.figure))} at {about(prediction.size, axis)} "
        f"({beyond}, {interval})"
    )
    if prediction.measured is None or prediction.error_ratio is None:
        return f"{text}; that was not measured."
    side = "more" if prediction.error_ratio > 0 else "less"
    return (
        f"{text}: {units.percent(abs(prediction.error_ratio))} {side} than the "
        f"{about(prediction.measured, axis)} that were measured."
    )


_WIDE = 0.25
"""Width of an interval, against the limit, from which on more repetitions are worth their time."""
_FEW_ITERATIONS = 3


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
        f"Repeat the steps that decide more often (spec.iterations above {spec.iterations}): the "
        f"limit is known from {low} to {high} only."
    )


def _towards_an_interval(spec: KroScaleTestSpec, between: str, width: float) -> str | None:
    if spec.adds_at_once:
        return f"Take smaller steps between {between}: each size must add as many."
    if not spec.search.refine:
        return "Search between the last good and the first bad step: spec.search.refine."
    if spec.iterations < _FEW_ITERATIONS:
        return f"Repeat the steps that decide: spec.iterations {_FEW_ITERATIONS} gives an interval."
    if width > spec.search.resolution_ratio:
        return (
            "Give it more time (spec.budget): the search had not come to its end between "
            f"{between}."
        )
    return None
