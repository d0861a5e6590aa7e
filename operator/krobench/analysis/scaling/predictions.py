"""The limit as predicted from smaller sizes alone, how far off that was, and what to try next.

The figure of an SLO is fitted at the sizes below the limit, without the decisive ones, and the
better of a straight line and a power law is followed to the bound. Beyond the sizes used, this is
an extrapolation: its interval covers scatter, but nothing else that may happen on the way, such as
kro reaching a bottleneck. So look at its error against the limit that was measured.
"""

from collections.abc import Sequence

from krobench.analysis.scaling.fits import describe
from krobench.analysis.scaling.models import Fitted, Linear, Power
from krobench.analysis.scaling.slos import decided, growing_bounds, upward, values_of
from krobench.analysis.thresholds import Bound
from krobench.api.specs.scaletest import KroScaleTestSpec
from krobench.findings.scaling import (
    BudgetUsedUp,
    Limit,
    LimitState,
    NextStep,
    NextToTry,
    Prediction,
    ScaleRecord,
    SizeRecord,
    SizesLeftOut,
    SizeVerdict,
)

_FURTHEST = 100.0
"""Times the largest size used: a size beyond is not predicted."""
_WIDE = 0.25
"""Width of an interval, as a share of the limit, above which more iterations are worth their
time."""
_FEW_ITERATIONS = 3


def predict(sizes: Sequence[SizeRecord], slos: Sequence[str], limit: Limit) -> list[Prediction]:
    """Return the prediction for the SLO that broke, or for each SLO if none has."""
    judged = decided(sizes)
    found = limit.state is LimitState.FOUND
    below = judged
    if found:
        last = 0.0 if limit.last_met is None else limit.last_met
        below = [size for size in judged if size.size < last and not size.decisive]
    asked = [limit.breached] if found and limit.breached is not None else slos
    measured = limit.size if found else None
    predictions = (
        _predict(bound, below, measured) for slo in asked for bound in growing_bounds(slo)
    )
    return [prediction for prediction in predictions if prediction is not None]


def _predict(
    bound: Bound, sizes: Sequence[SizeRecord], measured: float | None
) -> Prediction | None:
    values = values_of(bound, sizes)
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
            if fit.resampling is None:
                return prediction
            ends = fit.resampling.interval_of([_size_of(each, level) for each in fit.redrawn])
            if ends is not None and ends.low > 0 and ends.high <= _FURTHEST * max(values):
                prediction.low, prediction.high = min(ends.low, size), max(ends.high, size)
            return prediction
    return None


def _size_of(fitted: Fitted | None, level: float) -> float | None:
    return fitted.size_of(level) if isinstance(fitted, Linear | Power) else None


def next_to_try(
    spec: KroScaleTestSpec, scale: ScaleRecord, limit: Limit, predictions: Sequence[Prediction]
) -> NextToTry | None:
    """Return what to change in the spec; None if no other spec would show more."""
    match limit.state:
        case LimitState.NOT_REACHED:
            ahead = [each for each in predictions if each.size > (limit.size or 0.0)]
            nearest = min(ahead, key=lambda each: each.size, default=None)
            return NextToTry(
                step=NextStep.GO_FURTHER,
                size=limit.size,
                figure=nearest.figure if nearest is not None else None,
                predicted=nearest.size if nearest is not None else None,
            )
        case LimitState.BELOW_FIRST:
            return NextToTry(step=NextStep.START_SMALLER, size=limit.first_breach)
        case LimitState.UNDECIDED:
            return _after_early_end(scale)
        case _:
            return _look_closer(spec, limit)


def _after_early_end(scale: ScaleRecord) -> NextToTry:
    """Return what to do about the end of a test before a breach."""
    not_judged = (SizeVerdict.INVALID, SizeVerdict.FAILED)
    for each in scale.sizes:
        if each.verdict in not_judged:
            return NextToTry(step=NextStep.MAKE_SIZE_VALID, size=each.size)
    if isinstance(scale.stopped, SizesLeftOut):
        return NextToTry(step=NextStep.ALLOW_LARGER_SIZES)
    if isinstance(scale.stopped, BudgetUsedUp):
        return NextToTry(step=NextStep.ALLOW_MORE_TIME)
    return NextToTry(step=NextStep.RUN_AGAIN)


def _look_closer(spec: KroScaleTestSpec, limit: Limit) -> NextToTry | None:
    if limit.size is None or limit.low is None or limit.high is None:
        return None
    width = (limit.high - limit.low) / limit.size
    step: NextStep | None = None
    iterations: int | None = None
    if limit.method != "bracket":
        step, iterations = (
            (NextStep.REPEAT_MORE, spec.iterations) if width > _WIDE else (None, None)
        )
    elif spec.adds_at_once:
        step = NextStep.SMALLER_INCREMENTS
    elif not spec.search.refine:
        step = NextStep.REFINE
    elif spec.iterations < _FEW_ITERATIONS:
        step, iterations = NextStep.REPEAT, _FEW_ITERATIONS
    elif width > spec.search.resolution_ratio:
        step = NextStep.FINISH_SEARCH
    if step is None:
        return None
    return NextToTry(step=step, low=limit.low, high=limit.high, iterations=iterations)
