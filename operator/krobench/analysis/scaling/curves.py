"""How figures grow with size: values at each size, the best fit, and what it shows."""

import math
from collections.abc import Iterator, Sequence

from krobench.analysis.names import flat, values_by_name
from krobench.analysis.scaling.fits import Described, by_size, describe
from krobench.analysis.scaling.models import Knee, Scalability
from krobench.analysis.scaling.sentences import say_fit, say_knee, say_peak
from krobench.analysis.scaling.slos import bounded_figures
from krobench.analysis.scaling.words import unit_of
from krobench.api.specs.scaletest import Axis
from krobench.findings.scaling import Curve, CurveModel, CurvePoint, Parameter, ScaleStep
from krobench.record.iteration import IterationRecord
from krobench.record.test import TestRecord

_CPU_TIME = "cpu.kroSeconds"
_FIGURES = (
    "latency.instanceReady.p50",
    "latency.instanceReady.p99",
    "throughput.instancesPerSecond",
    "memory.residentMaxBytes",
    "usage.kroRuntime.liveHeapBytes",
    _CPU_TIME,
    "cpu.kroMeanCores",
    "apiRequests.kroPerSecond",
    "apiRequests.totalPerSecond",
)

Points = dict[str, list[CurvePoint]]
"""By figure."""


def points_by_figure(
    steps: Sequence[ScaleStep], tests: Sequence[TestRecord], slos: Sequence[str]
) -> Points:
    """Return what each repetition measured of each figure, those of the SLOs included.

    A repetition that is invalid or did not get to its end has no point. Where sizes were built
    upon each other, kro's CPU time is of what each added, and nothing that grows with size.
    """
    built_up = any(trial.upon is not None for step in steps for trial in step.trials)
    usual = [figure for figure in _FIGURES if not (built_up and figure == _CPU_TIME)]
    found: Points = {figure: [] for figure in dict.fromkeys((*bounded_figures(slos), *usual))}
    by_name = {test.name: test for test in tests}
    for step in sorted(steps, key=lambda each: each.size):
        for iteration in repetitions(step, by_name.get(step.test)):
            values = _values(iteration)
            for figure, points in found.items():
                value = values.get(figure)
                if value is not None:
                    points.append(CurvePoint(size=step.size, value=value))
    return {figure: points for figure, points in found.items() if points}


def repetitions(step: ScaleStep, test: TestRecord | None) -> Iterator[IterationRecord]:
    """Yield the repetitions of a size that count, and came to their end."""
    told = {trial.iteration for trial in step.trials if trial.met is not None}
    for iteration in test.iterations if test is not None else ():
        if iteration.index in told and iteration.success:
            yield iteration


def _values(iteration: IterationRecord) -> dict[str, float | None]:
    values = flat(values_by_name(iteration, errors_total=0))
    requests = iteration.api_requests
    values["apiRequests.kroPerSecond"] = per_second(requests.kro, iteration.run_seconds)
    values["apiRequests.totalPerSecond"] = per_second(requests.total, iteration.run_seconds)
    return values


def per_second(count: float | None, seconds: float | None) -> float | None:
    """Return a number per second of a run phase; None where either is not known."""
    return count / seconds if count is not None and seconds else None


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
