"""Fits of a curve with their intervals, and which one describes it best.

Intervals are a residual bootstrap over sizes and iterations. Sizes of a scale test have one
iteration, or a few: too few to resample each size by itself. So the deviations from the fit are
pooled over all sizes, on two levels, because iterations of one size share conditions: the mean
deviation of a size, and the deviations of its iterations from that mean. Both are drawn with
replacement (Davison and Hinkley, Bootstrap Methods and their Application, 1997, sections 6.2.3 and
3.8). The means already contain the scatter of the iterations, which is taken off so that it does
not count twice. The interval allows for how few deviations there are
(:func:`~krobench.analysis.statistics.bootstrap.expanded_ends`).

Deviations are ratios, taken as logarithms: a value twice as large scatters twice as far.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, median

from krobench.analysis.scaling.models import FITS, Fitted, Values
from krobench.analysis.statistics.bootstrap import expanded_ends, seeded
from krobench.findings.scaling import CurveFit, CurveModel, CurvePoint, Parameter

_RESAMPLES = 400
_MOST_PAIRS = 400_000
_FEWEST_RESAMPLES = 100
_FEWEST_OF_ALL = 0.8


@dataclass(frozen=True)
class Ends:
    """An interval at 95 %."""

    low: float
    high: float


class Resampling:
    """New values like those that were measured, if the fit were the truth."""

    def __init__(self, fitted: Mapping[float, float], values: Values, parameters: int) -> None:
        """``values`` are logarithms, ``fitted`` what the fit with so many parameters gives for each
        size."""
        self._fitted = fitted
        self._counts = {size: len(each) for size, each in values.items()}
        means = {size: fmean(each) - fitted[size] for size, each in values.items()}
        self._within = [
            (value - fmean(each)) * math.sqrt(len(each) / (len(each) - 1))
            for each in values.values()
            if len(each) > 1
            for value in each
        ]
        self._between = self._shrunk(list(means.values()), parameters)
        self.degrees = max(1, sum(self._counts.values()) - parameters)
        """Of freedom: values beyond those that the fit takes."""

    def _shrunk(self, means: Sequence[float], parameters: int) -> list[float]:
        centre = fmean(means)
        spare = max(1, len(means) - parameters)
        between = sum((mean - centre) ** 2 for mean in means) / spare
        within = fmean(value**2 for value in self._within) if self._within else 0.0
        of_iterations = within * fmean(1 / count for count in self._counts.values())
        if between <= of_iterations:
            return [0.0]
        scale = math.sqrt((1 - of_iterations / between) * len(means) / spare)
        return [(mean - centre) * scale for mean in means]

    def draws(self) -> Iterator[dict[float, list[float]]]:
        """Yield such values, fewer times the more there are."""
        between, within = self._between, self._within or [0.0]
        centres = [(size, self._fitted[size]) for size in self._counts]
        for drawn in _draws(len(between), len(within), tuple(self._counts.values())):
            yield {
                size: [shift + within[at] for at in those]
                for (size, centre), (of_size, those) in zip(centres, drawn, strict=True)
                for shift in (centre + between[of_size],)
            }

    def interval_of(self, drawn: Sequence[float | None]) -> Ends | None:
        """Return between what estimates of the draws lie; None if too many could not be made."""
        known = [value for value in drawn if value is not None]
        if not known or len(known) < _FEWEST_OF_ALL * len(drawn):
            return None
        return Ends(*expanded_ends(known, self.degrees))


_Draw = tuple[tuple[int, tuple[int, ...]], ...]
"""For each size, the place of its deviation, and those of its iterations' deviations."""


@lru_cache(maxsize=4)
def _draws(between: int, within: int, counts: tuple[int, ...]) -> tuple[_Draw, ...]:
    """Draw from so many deviations, for so many iterations of each size.

    Each bootstrap has the same random numbers, and the figures of a run have as many values.
    """
    rng = seeded()
    times = min(_RESAMPLES, max(_FEWEST_RESAMPLES, 2 * _MOST_PAIRS // sum(counts) ** 2))
    return tuple(
        tuple(
            (rng.choice(range(between)), tuple(rng.choices(range(within), k=number)))
            for number in counts
        )
        for _ in range(times)
    )


_FEWEST_SIZES = 3
_AS_GOOD = 1.25
"""Times the least error: less of a difference is mere chance."""
_SPARE_VALUES = 3
"""Values beyond the number of parameters that an interval takes at least."""


@dataclass(frozen=True)
class Described:
    """A fit, as fitted and as recorded, and the fits to resampled values."""

    fitted: Fitted
    record: CurveFit
    redrawn: Sequence[Fitted | None]
    """By bootstrap; empty if the points are too few."""
    resampling: Resampling | None


def by_size(points: Sequence[CurvePoint]) -> dict[float, list[float]]:
    """Return the values of each size."""
    values: dict[float, list[float]] = {}
    for point in points:
        values.setdefault(point.size, []).append(point.value)
    return values


def describe(values: Values, models: Sequence[CurveModel]) -> list[Described]:
    """Return the fits of these models that there are, the one with the least error first.

    But of those that are about as good as that, the first of ``models`` comes first.
    """
    if len(values) < _FEWEST_SIZES:
        return []
    found = [fit for model in models if (fit := _describe(values, model)) is not None]
    least = min((_error_of(fit) for fit in found), default=0.0)
    return sorted(
        found, key=lambda fit: 0.0 if _error_of(fit) <= _AS_GOOD * least else _error_of(fit)
    )


def _error_of(fit: Described) -> float:
    error = fit.record.error_ratio
    return math.inf if error is None else error


def _describe(values: Values, model: CurveModel) -> Described | None:
    fit, count = FITS[model]
    fitted = fit(values)
    if fitted is None or not all(math.isfinite(value) for value in fitted.parameters.values()):
        return None
    resampling = _resampling(fitted, values, count)
    redrawn = [
        fit({size: [math.exp(value) for value in each] for size, each in values_drawn.items()})
        for values_drawn in (resampling.draws() if resampling is not None else ())
    ]
    parameters = []
    for name, value in fitted.parameters.items():
        drawn = [each.parameters[name] if each is not None else None for each in redrawn]
        ends = resampling.interval_of(drawn) if resampling is not None else None
        parameter = Parameter(name=name, value=value)
        if ends is not None:
            parameter.low, parameter.high = min(ends.low, value), max(ends.high, value)
        parameters.append(parameter)
    record = CurveFit(model=model, parameters=parameters, error_ratio=_error(values, model))
    return Described(fitted, record, redrawn, resampling)


def _resampling(fitted: Fitted, values: Values, parameters: int) -> Resampling | None:
    """Return new values around the fit; None if they are few, or not all above 0."""
    expected = {size: fitted.at(size) for size in values}
    measured = [value for each in values.values() for value in each]
    if len(measured) < parameters + _SPARE_VALUES:
        return None
    if not all(0 < value < math.inf for value in (*measured, *expected.values())):
        return None
    return Resampling(
        {size: math.log(value) for size, value in expected.items()},
        {size: [math.log(value) for value in each] for size, each in values.items()},
        parameters,
    )


def _error(values: Values, model: CurveModel) -> float | None:
    """Return how far the fit is off at sizes that it was not made of: each is left out in turn."""
    fit, parameters = FITS[model]
    if len(values) <= max(_FEWEST_SIZES - 1, parameters):
        return None
    deviations = []
    for size, each in values.items():
        fitted = fit({other: those for other, those in values.items() if other != size})
        if fitted is not None:
            deviations += [abs(fitted.at(size) / value - 1) for value in each if value]
    known = [deviation for deviation in deviations if math.isfinite(deviation)]
    return median(known) if known else None
