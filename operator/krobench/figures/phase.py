"""Reading figures of one phase out of series, with a reason for each that is not available."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from krobench.figures.rawdata import Sample, SourceName
from krobench.figures.reasons.figures import AnyReason
from krobench.figures.reasons.samples import (
    DidNotGrow,
    HistogramEmpty,
    PhaseTookNoTime,
    PhaseTooShort,
    ProcessRestarted,
    TooFewSamples,
)
from krobench.figures.series import Delta, Series, UnavailableError

_START_TIME = "process_start_time_seconds"
# Two samples at the border of a phase can be so close that the counter's own steps, of 10 ms of
# CPU time, would show as bursts.
_SHORTEST_INTERVAL_SECONDS = 0.5
_P95_SAMPLES = 20


@dataclass
class Spread:
    """Values of samples over a phase; all None if there are none."""

    mean: float | None = None
    """Each sample counts for the time that it stands for."""
    p95: float | None = None
    """Given from 20 samples on."""
    max: float | None = None
    delta: float | None = None
    """Last minus first; None for rates, and for what keeps no level."""


class PhaseReader:
    """Reads what happened between two moments.

    A figure that is not available is None, and ``unavailable`` has the reason under its name.
    """

    def __init__(
        self, series: Series, start: float, end: float, unavailable: dict[str, AnyReason]
    ) -> None:
        self._series = series
        self._start = start
        self._end = end
        self._unavailable = unavailable

    @property
    def seconds(self) -> float:
        return self._end - self._start

    def restarted(self, process: SourceName) -> bool:
        """Whether another process answered in the end than in the beginning."""
        starts = self._series.around(process, _START_TIME, self._start, self._end)
        return len({sample.value for sample in starts}) > 1

    def delta(self, name: str, source: SourceName, metric: str) -> float | None:
        return self._try(name, lambda: self._delta(source, metric))

    def rare(self, name: str, source: SourceName, metric: str, companion: str) -> float | None:
        """Return how much a counter grew that has no series before its event first occurred.

        If ``companion``, which the same exposition has, was sampled and ``metric`` was not, there
        was no such event.
        """

        def get() -> float:
            self._delta(source, companion)
            if not self._series.has(source, metric):
                return 0.0
            return self._series.growth(source, metric, self._start, self._end)

        return self._try(name, get)

    def mean_of(self, name: str, source: SourceName, histogram: str) -> float | None:
        """Return the mean observation of a histogram; its percentiles would be its buckets'."""

        def get() -> float:
            count = self._delta(source, f"{histogram}_count")
            if count == 0:
                raise UnavailableError(HistogramEmpty(metric=histogram))
            return self._delta(source, f"{histogram}_sum") / count

        return self._try(name, get)

    def change(self, name: str, source: SourceName, metric: str) -> float | None:
        """Return last minus first of a gauge."""

        def get() -> float:
            self._refuse_restart(source)
            return self._series.change(source, metric, self._start, self._end)

        return self._try(name, get)

    def maximum(self, name: str, source: SourceName, metric: str) -> float | None:
        return self._try(name, lambda: self._series.maximum(source, metric, self._start, self._end))

    def last(self, name: str, source: SourceName, metric: str) -> float | None:
        return self._try(name, lambda: self._window(source, metric)[-1].value)

    def distribution(self, name: str, source: SourceName, metric: str) -> Spread:
        """Return the values of a gauge without its change over the phase."""
        try:
            return self._distribution(name, _weighted(self._window(source, metric)))
        except UnavailableError as error:
            self._unavailable[name] = error.reason
            return Spread()

    def level(self, name: str, source: SourceName, metric: str) -> Spread:
        """Return the values of a gauge, and its change over the phase."""
        try:
            samples = self._window(source, metric)
        except UnavailableError as error:
            self._unavailable[name] = error.reason
            return Spread()
        values = self._distribution(name, _weighted(samples))
        return replace(values, delta=self.change(f"{name}.delta", source, metric))

    def rate(self, name: str, source: SourceName, metric: str) -> float | None:
        """Return how fast a counter grew over the whole phase."""

        def get() -> float:
            self._refuse_restart(source)
            delta = self._series.delta(source, metric, self._start, self._end)
            if not delta.seconds:
                raise UnavailableError(PhaseTookNoTime())
            return delta.value / delta.seconds

        return self._try(name, get)

    def rates(self, name: str, source: SourceName, metric: str) -> Spread:
        """Return how fast a counter grew, from sample to sample."""
        try:
            self._delta(source, metric)
        except UnavailableError as error:
            self._unavailable[name] = error.reason
            return Spread()
        kept = spaced(self._window(source, metric))
        weighted = [
            ((b.value - a.value) / (b.seconds - a.seconds), b.seconds - a.seconds)
            for a, b in pairwise(kept)
        ]
        return self._distribution(name, weighted)

    def stamped_delta(self, name: str, source: SourceName, metric: str) -> float | None:
        """Return how much a counter grew between two measurements of a source that hands out
        older ones."""
        return self._try(name, lambda: self._stamped(source, metric).value)

    def stamped_rate(self, name: str, source: SourceName, metric: str) -> float | None:
        """Return how fast such a counter grew between these measurements."""

        def get() -> float:
            delta = self._stamped(source, metric)
            return delta.value / delta.seconds

        return self._try(name, get)

    def stamped_ratio(self, name: str, source: SourceName, part: str, whole: str) -> float | None:
        """Return the growth of one such counter over that of another."""

        def get() -> float:
            base = self._stamped(source, whole).value
            if base == 0:
                raise UnavailableError(DidNotGrow(source=source, metric=whole))
            return self._stamped(source, part).value / base

        return self._try(name, get)

    def note(self, name: str, reason: AnyReason) -> None:
        self._unavailable[name] = reason

    def _try(self, name: str, get: Callable[[], float]) -> float | None:
        try:
            return round(get(), 9)
        except UnavailableError as error:
            self._unavailable[name] = error.reason
            return None

    def _window(self, source: SourceName, metric: str) -> list[Sample]:
        return list(self._series.window(source, metric, self._start, self._end))

    def _delta(self, source: SourceName, metric: str) -> float:
        self._refuse_restart(source)
        return self._series.delta(source, metric, self._start, self._end).value

    def _stamped(self, source: SourceName, metric: str) -> Delta:
        self._refuse_restart(source)
        return self._series.stamped_delta(source, metric, self._start, self._end)

    def _refuse_restart(self, source: SourceName) -> None:
        """A new process counts from zero, and may have counted beyond the old one unseen."""
        # The kubelet's figures are of kro's container.
        process: SourceName = "kro" if source == "kubelet" else source
        if self.restarted(process):
            raise UnavailableError(ProcessRestarted(process=process))

    def _distribution(self, name: str, weighted: list[tuple[float, float]]) -> Spread:
        values = sorted(value for value, _ in weighted)
        if not values:
            self._unavailable[name] = PhaseTooShort()
            return Spread()
        whole = sum(weight for _, weight in weighted)
        mean = (
            sum(value * weight for value, weight in weighted) / whole
            if whole
            else sum(values) / len(values)
        )
        p95 = None
        if len(values) >= _P95_SAMPLES:
            p95 = round(values[math.ceil(0.95 * len(values)) - 1], 6)
        else:
            self._unavailable[f"{name}.p95"] = TooFewSamples(needed=_P95_SAMPLES)
        return Spread(mean=round(mean, 6), p95=p95, max=round(values[-1], 6))


def _weighted(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    """Give each sample the time of half of the way to its neighbours."""
    times = [sample.seconds for sample in samples]
    before, after = [times[0], *times[:-1]], [*times[1:], times[-1]]
    return [
        (sample.value, (later - earlier) / 2)
        for sample, earlier, later in zip(samples, before, after, strict=True)
    ]


def spaced(samples: Iterable[Sample]) -> list[Sample]:
    """Leave out samples that come too soon after another: a counter that grows by hundredths of a
    second would seem to stand still, or to leap, between them."""
    kept: list[Sample] = []
    for sample in samples:
        if not kept or sample.seconds - kept[-1].seconds >= _SHORTEST_INTERVAL_SECONDS:
            kept.append(sample)
    return kept
