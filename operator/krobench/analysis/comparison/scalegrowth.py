"""How figures grow with size in two scale tests, or in two sides of several.

Compared are the slopes of figures that grow along a straight line in all of the runs. They have no
verdicts: of single runs, the intervals come from iterations, which do not show the drift between
the two runs.
"""

import math
from collections.abc import Sequence
from statistics import median

from krobench.analysis.comparison.metrics import rounded
from krobench.findings.scale_comparison import GrowthComparison
from krobench.findings.scaling import Curve, Parameter, ScaleRecord, Trend


def compare_growth(
    old: Sequence[ScaleRecord], new: Sequence[ScaleRecord]
) -> list[GrowthComparison]:
    """Return the slopes of both sides and their ratios, for each figure that has them."""
    found = []
    for curve in old[0].curves:
        sides = [[_slope(scale, curve.figure) for scale in side] for side in (old, new)]
        known = [[each for each in side if each is not None] for side in sides]
        if known != sides:
            continue
        before, after = (median(each.value for each in side) for side in known)
        single = len(old) == len(new) == 1
        low, high = _interval(known[0][0], known[1][0]) if single else (None, None)
        found.append(
            GrowthComparison(
                figure=curve.figure,
                unit=curve.unit,
                old=rounded(before),
                new=rounded(after),
                ratio=rounded(after / before),
                ratio_low=None if low is None else rounded(low),
                ratio_high=None if high is None else rounded(high),
            )
        )
    return found


def _slope(scale: ScaleRecord, figure: str) -> Parameter | None:
    """Return the slope of a figure; None if it does not clearly grow along a straight line."""
    curve = next((each for each in scale.curves if each.figure == figure), None)
    if curve is None or curve.trend is not Trend.LINEAR:
        return None
    slope = _linear(curve)
    return slope if slope is not None and slope.value > 0 else None


def _linear(curve: Curve) -> Parameter | None:
    return next((fit.parameter("slope") for fit in curve.fits if fit.model == "linear"), None)


def _interval(old: Parameter, new: Parameter) -> tuple[float | None, float | None]:
    """Return the ends at 95 % of the ratio of two slopes, whose errors are independent.

    Each end is as far from the ratio, in logarithms, as both slopes' ends together, by the square
    root of the sum of squares.
    """
    ends = (old.low, old.high, new.low, new.high)
    if any(end is None or end <= 0 for end in ends):
        return None, None
    ratio = math.log(new.value / old.value)
    below = math.hypot(_apart(new.value, new.low), _apart(old.high, old.value))
    above = math.hypot(_apart(new.high, new.value), _apart(old.value, old.low))
    return math.exp(ratio - below), math.exp(ratio + above)


def _apart(high: float | None, low: float | None) -> float:
    assert high is not None
    assert low is not None
    return math.log(high / low)
