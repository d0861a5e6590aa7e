"""How far a fit would have come out otherwise: a bootstrap over sizes and repetitions.

Sizes of a scale test have one repetition each, or a few: too few to draw anew from each by itself.
So the deviations from the fit are pooled over all sizes, in two levels, as repetitions of one size
share what it met: the mean deviation of a size, and the deviations of its repetitions from that.
Both are drawn with replacement (the residual bootstrap: Davison and Hinkley, Bootstrap Methods and
their Application, 1997, sections 6.2.3 and 3.8). The means scatter by what the repetitions do too,
which is taken off, or it would count twice. The interval allows for how few the deviations are
(:func:`~krobench.analysis.statistics.resampling.expanded_ends`).

Deviations are ratios, as their logarithms: what is twice as large scatters twice as far.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from krobench.analysis.statistics.resampling import expanded_ends, seeded

Values = Mapping[float, Sequence[float]]
"""Values by size."""

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
        """``values`` are logarithms, ``fitted`` what the fit of so many parameters says of each
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
        of_repetitions = within * fmean(1 / count for count in self._counts.values())
        if between <= of_repetitions:
            return [0.0]
        scale = math.sqrt((1 - of_repetitions / between) * len(means) / spare)
        return [(mean - centre) * scale for mean in means]

    def draws(self) -> Iterator[dict[float, list[float]]]:
        """Return such values, as often as there is time for."""
        rng = seeded()
        total = sum(self._counts.values())
        count = min(_RESAMPLES, max(_FEWEST_RESAMPLES, 2 * _MOST_PAIRS // total**2))
        within = self._within or [0.0]
        for _ in range(count):
            yield {
                size: [shift + deviation for deviation in rng.choices(within, k=repetitions)]
                for size, repetitions in self._counts.items()
                for shift in (self._fitted[size] + rng.choice(self._between),)
            }

    def interval(self, estimate: Callable[[Values], float | None]) -> Ends | None:
        """Return between what an estimate lies; None where it often cannot be made at all."""
        drawn = [estimate(values) for values in self.draws()]
        return self.interval_of(drawn)

    def interval_of(self, drawn: Sequence[float | None]) -> Ends | None:
        """Return between what estimates lie that were made of the draws."""
        known = [value for value in drawn if value is not None]
        if not known or len(known) < _FEWEST_OF_ALL * len(drawn):
            return None
        return Ends(*expanded_ends(known, self.degrees))
