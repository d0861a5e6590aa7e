"""How figures grow with size: which description fits best, and what it says."""

import math
from collections.abc import Sequence

from krobench.analysis.scaling.figures import points_by_figure
from krobench.analysis.scaling.fits import Described, by_size, describe
from krobench.analysis.scaling.models import Knee, Scalability
from krobench.analysis.scaling.sentences import say_fit, say_knee, say_peak
from krobench.analysis.scaling.words import unit_of
from krobench.api.specs.axis import Axis
from krobench.findings.scaling import Curve, CurveModel, CurvePoint, Parameter, ScaleStep
from krobench.record.test import TestRecord

_FEWEST_OF_KNEE = 5


def measure_curves(
    axis: Axis, steps: Sequence[ScaleStep], tests: Sequence[TestRecord], slos: Sequence[str]
) -> list[Curve]:
    """Return each figure that was measured at some size, against the axis."""
    points = points_by_figure(steps, tests, slos)
    return [curve_of(figure, each, axis) for figure, each in points.items()]


def curve_of(figure: str, points: Sequence[CurvePoint], axis: Axis) -> Curve:
    """Return a figure against the axis, with its fits."""
    curve = Curve(figure=figure, unit=unit_of(figure), axis=axis, points=list(points))
    sizes = {point.size for point in points}
    fits = describe(by_size(points), _models(figure, axis, len(sizes)))
    curve.fits = [fit.record for fit in fits]
    if not fits:
        curve.message = "There are too few sizes to describe it."
        return curve
    best = fits[0]
    match best.fitted:
        case Scalability() as law:
            curve.peak = _peak(best, law, sizes)
            curve.message = say_peak(curve, law)
        case Knee():
            curve.peak = next(each for each in best.record.parameters if each.name == "knee")
            curve.message = say_knee(curve)
        case _:
            curve.message = say_fit(curve)
    return curve


def _models(figure: str, axis: Axis, sizes: int) -> list[CurveModel]:
    if axis is Axis.CONCURRENCY and figure.startswith("throughput."):
        return ["usl", "linear", "power"]
    if axis is Axis.ARRIVAL_RATE and figure.startswith("latency.") and sizes >= _FEWEST_OF_KNEE:
        return ["knee", "linear", "power"]
    return ["linear", "power"]


def _peak(fit: Described, law: Scalability, sizes: set[float]) -> Parameter | None:
    """Return the size of the greatest throughput; None where it was not measured on both sides.

    The interval has no upper end where that may well lie beyond the sizes measured.
    """
    if not min(sizes) < law.peak < max(sizes):
        return None
    peak = Parameter(name="peak", value=law.peak)
    if fit.resampling is None:
        return peak
    # Of two sizes that both lie beyond, an interval needs to know no more.
    beyond = 2 * max(sizes)
    ends = fit.resampling.interval_of(
        [min(each.peak, beyond) if isinstance(each, Scalability) else None for each in fit.redrawn]
    )
    if ends is not None and math.isfinite(ends.low):
        peak.low = min(ends.low, law.peak)
        peak.high = max(ends.high, law.peak) if ends.high <= max(sizes) else None
    return peak
