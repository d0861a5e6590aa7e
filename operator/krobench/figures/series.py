"""Figures of a time window, from sampled series."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from krobench.api.notation import labels_of
from krobench.figures.rawdata import Sample, SourceName
from krobench.figures.reasons.samples import (
    NoSampleAtBorder,
    NotExposed,
    NotSampled,
    SamplesReason,
    TooFewMeasurements,
    WentBackwards,
)

_IN_PODS: tuple[SourceName, ...] = ("apiserver", "etcd")
"""Processes other than kro of whose containers the kubelet reports."""


@dataclass(frozen=True)
class Delta:
    """Growth of a counter over a window."""

    value: float
    seconds: float
    """Time between the two samples that it was taken from."""


class UnavailableError(Exception):
    """A number cannot be given for this window."""

    def __init__(self, reason: SamplesReason) -> None:
        super().__init__(repr(reason))
        self.reason = reason


class Series:
    """The samples of one run, by source and metric."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._by_metric: dict[tuple[str, str], list[Sample]] = {}
        self._times: dict[str, list[float]] = {}
        for sample in samples:
            self._times.setdefault(sample.source, []).append(sample.seconds)
            self._by_metric.setdefault((sample.source, sample.metric), []).append(sample)

    def window(self, source: SourceName, metric: str, start: float, end: float) -> Sequence[Sample]:
        """Return the samples from the last one before ``start`` to the first one after ``end``.

        Raises:
            UnavailableError: if there is none before, or none after.
        """
        samples = self._by_metric.get((source, metric), [])
        if not samples and not self.has_source(source):
            raise UnavailableError(NotSampled(source=source))
        if not samples:
            raise UnavailableError(_not_exposed(source, metric))
        first, last = _borders(samples, start, end)
        if first is None or last is None:
            raise UnavailableError(NoSampleAtBorder(source=source))
        return samples[first : last + 1]

    def around(self, source: SourceName, metric: str, start: float, end: float) -> Sequence[Sample]:
        """Return the samples of a window as :meth:`window` does, or those that there are of it."""
        samples = self._by_metric.get((source, metric), [])
        first, last = _borders(samples, start, end)
        return samples[first or 0 : None if last is None else last + 1]

    def labelled(self, source: str, metric: str) -> list[str]:
        """Return the names of a metric with each combination of labels."""
        return sorted(
            name for of, name in self._by_metric if of == source and name.startswith(metric + "{")
        )

    def has_source(self, source: str) -> bool:
        return source in self._times

    def of(self, source: str, metric: str) -> Sequence[Sample]:
        """Return all samples of a metric; empty if there are none."""
        return self._by_metric.get((source, metric), [])

    def has(self, source: str, metric: str) -> bool:
        return (source, metric) in self._by_metric

    def growth(self, source: SourceName, metric: str, start: float, end: float) -> float:
        """Return how much a counter grew that may have begun, from zero, after ``start``.

        It had not begun if the source was sampled without it: the process that had it before
        may be gone by then.
        """
        samples = self._by_metric[source, metric]
        border = max((at for at in self._times[source] if at <= start), default=None)
        before = [sample.value for sample in samples if sample.seconds == border]
        after = [sample.value for sample in samples if sample.seconds >= end]
        return (after[0] if after else samples[-1].value) - (before[-1] if before else 0.0)

    def delta(self, source: SourceName, metric: str, start: float, end: float) -> Delta:
        """Return how much a counter grew.

        Raises:
            UnavailableError: if it was not sampled, or went backwards.
        """
        samples = self._counted(source, metric, start, end)
        if any(b.value < a.value for a, b in pairwise(samples)):
            raise UnavailableError(WentBackwards(source=source, metric=metric))
        return Delta(samples[-1].value - samples[0].value, samples[-1].seconds - samples[0].seconds)

    def _counted(
        self, source: SourceName, metric: str, start: float, end: float
    ) -> Sequence[Sample]:
        """Return the window of a counter, which has no series before its first event.

        If the source was sampled before ``start`` and the counter came later, it was zero.
        """
        samples = self._by_metric.get((source, metric), [])
        before = [seconds for seconds in self._times.get(source, []) if seconds <= start]
        if not samples or not before or samples[0].seconds <= start:
            return self.window(source, metric, start, end)
        zero = replace(samples[0], seconds=before[-1], value=0.0)
        _, last = _borders(samples, start, end)
        if last is None:
            raise UnavailableError(NoSampleAtBorder(source=source))
        return [zero, *samples[: last + 1]]

    def stamped_delta(self, source: SourceName, metric: str, start: float, end: float) -> Delta:
        """Return how much a counter grew, by the source's own timestamps.

        For sources that hand out figures older than the scrape: several scrapes can show one
        and the same measurement.

        Raises:
            UnavailableError: if fewer than two measurements lie in the window.
        """
        window = self.window(source, metric, start, end)
        inside = [sample for sample in window if sample.seconds >= start]
        stamps = {sample.at: sample.value for sample in inside if sample.at is not None}
        if len(stamps) < 2:
            raise UnavailableError(TooFewMeasurements(source=source))
        first, last = min(stamps), max(stamps)
        if stamps[last] < stamps[first]:
            raise UnavailableError(WentBackwards(source=source, metric=metric))
        return Delta(stamps[last] - stamps[first], last - first)

    def maximum(self, source: SourceName, metric: str, start: float, end: float) -> float:
        """Return the largest value seen.

        Raises:
            UnavailableError: if it was not sampled.
        """
        return max(sample.value for sample in self.window(source, metric, start, end))

    def change(self, source: SourceName, metric: str, start: float, end: float) -> float:
        """Return last minus first value of a gauge.

        Raises:
            UnavailableError: if it was not sampled.
        """
        samples = self.window(source, metric, start, end)
        return samples[-1].value - samples[0].value


def _not_exposed(source: SourceName, metric: str) -> NotExposed:
    for process in _IN_PODS:
        if labels_of(metric) == {"of": process}:
            return NotExposed(source=source, metric=metric.partition("{")[0], process=process)
    return NotExposed(source=source, metric=metric)


def _borders(samples: Sequence[Sample], start: float, end: float) -> tuple[int | None, int | None]:
    """Return the places of the last sample before ``start`` and of the first one after ``end``."""
    first = max((i for i, s in enumerate(samples) if s.seconds <= start), default=None)
    last = min((i for i, s in enumerate(samples) if s.seconds >= end), default=None)
    return first, last
