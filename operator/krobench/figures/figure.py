"""What a figure is: a number with a name, a unit, and a way to read it from sampled metrics."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from functools import cached_property

from krobench.figures.rawdata import SourceName

Labels = Mapping[str, str]
Groups = frozenset[str]
"""API groups whose kinds are the test's own."""


class Unit(StrEnum):
    """What a figure is counted in; its name ends with it, unless it is a plain count."""

    SECONDS = "seconds"
    BYTES = "bytes"
    CORES = "cores"
    RATIO = "ratio"
    PER_SECOND = "per second"
    COUNT = "count"


class Phase(StrEnum):
    """The part of an iteration in which a figure is measured."""

    RUN = "run"
    SET_UP = "set-up"


class Per(StrEnum):
    """What a total is divided by; the value is the prefix of the quotient's name."""

    INSTANCE = "perInstance"
    """Over the run phase, by the instances that became ready."""
    RGD = "perRgd"
    """Over the set-up, by the RGDs that became ready."""


class How(Enum):
    """How a figure is read from the samples around its phase."""

    DELTA = "growth of the counter"
    RARE = "growth of the counter, which is absent until its event first occurs"
    MEAN = "mean observation of the histogram"
    RATE = "growth of the counter over the time of the phase"
    RATES = "growth of the counter between two samples, over the time between them"
    LEVEL = "the gauge, sampled over the phase"
    SPREAD = "the gauge, sampled over the phase, without its change"
    LAST = "the gauge at the end"
    MAXIMUM = "largest value of the gauge"
    CHANGE = "last minus first value of the gauge"
    STAMPED_DELTA = "growth of the counter, by the kubelet's own timestamps"
    STAMPED_RATE = "growth of the counter over time, by the kubelet's own timestamps"
    STAMPED_RATIO = "growth of the first counter over that of the second, by the kubelet"
    WORK = "growth of the counter, and of what is still in progress"
    BUSY = "growth of the counter, and of what is still in progress, over the time of the phase"
    SUM = "growth of the counter, over all its parts"
    OWN = "growth of the counter, over the test's own kinds"
    OTHERS = "growth of the counter, over all other kinds"
    TIME = "length of the phase"
    GIVEN = "measured by the load Job itself"
    NEVER = "not measured"


_STATISTICS: dict[How, tuple[str, ...]] = {
    How.LEVEL: ("mean", "p95", "max", "delta"),
    How.SPREAD: ("mean", "p95", "max"),
    How.RATES: ("mean", "p95", "max"),
}


_ENDS = {
    "persecond": Unit.PER_SECOND,
    "seconds": Unit.SECONDS,
    "bytes": Unit.BYTES,
    "cores": Unit.CORES,
    "ratio": Unit.RATIO,
}
_STATISTIC = re.compile(r"\.(mean|p\d+|max|delta)$")
_PER = re.compile(r"(Per(?!Second)[A-Z]|_per_)\w*$")


def unit_of(name: str) -> Unit:
    """Return the unit that a figure's name ends with, before its statistic."""
    quantity = _PER.sub("", _STATISTIC.sub("", name)).lower()
    return next((unit for end, unit in _ENDS.items() if quantity.endswith(end)), Unit.COUNT)


@dataclass(frozen=True)
class Metric:
    """A metric of a source, summed over its series that match: a line to sample."""

    source: SourceName
    name: str
    """Name of the sample, with its suffix: ``x_total``. Of a histogram, without: ``y_seconds``."""
    match: Mapping[str, str | frozenset[str]] = field(default_factory=dict)
    """Label values, one or several, of the series that are summed."""
    exclude: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Label values whose series are left out."""
    stored_as: str | None = None
    """Name in ``series.jsonl``, if ``match`` distinguishes it from another; else ``name``."""
    by: Callable[[Labels, Groups], Labels] | None = None
    """From a series' labels to those by which sums are kept apart; they must be few."""
    older: str | None = None
    """The name in older versions of the source, read if the present one is absent."""
    derived: bool = False
    """Computed from other metrics when they are read, and not exposed by the source."""

    @property
    def key(self) -> str:
        return self.stored_as or self.name

    def of_histogram(self) -> tuple["Metric", "Metric"]:
        ends = ("_sum", "_count")
        total, count = (
            replace(
                self,
                name=self.name + end,
                stored_as=None if self.stored_as is None else self.stored_as + end,
                older=None if self.older is None else self.older + end,
            )
            for end in ends
        )
        return total, count


@dataclass(frozen=True)
class Figure:
    """A line of the catalogue: one number, or several statistics of the same samples."""

    name: str
    metric: Metric | None
    how: How
    title: str
    """A row of a report, without the process that its name begins with."""
    text: str = ""
    """What else a reader needs to know."""
    second: Metric | None = None
    """The counter that divides, or the gauge of what is still in progress."""
    needs: Metric | None = None
    """Counter without whose growth the figure says nothing."""
    phase: Phase = Phase.RUN
    also: tuple[Per | Phase, ...] = ()
    """What the same metric is measured for as well, each under a name with a prefix."""
    per: Per | None = None
    higher_is_better: bool = False
    short: str = ""
    """What comparisons and sentences call it, if that is shorter than the title."""

    @property
    def unit(self) -> Unit:
        """The unit that its name ends with."""
        return unit_of(self.name)

    @property
    def statistics(self) -> tuple[str, ...]:
        """The statistics that are names below that of the figure; none for a single number."""
        return _STATISTICS.get(self.how, ())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its numbers."""
        return tuple(f"{self.name}.{each}" for each in self.statistics) or (self.name,)

    @cached_property
    def mean(self) -> "Figure":
        """The mean of its samples, each weighed by the time that it stands for."""
        return self._statistic("mean")

    @cached_property
    def p95(self) -> "Figure":
        """The 95th percentile of its samples, from 20 samples on."""
        return self._statistic("p95")

    @cached_property
    def max(self) -> "Figure":
        """The largest of its samples."""
        return self._statistic("max")

    @cached_property
    def delta(self) -> "Figure":
        """The last of its samples minus the first."""
        return self._statistic("delta")

    @cached_property
    def per_instance(self) -> "Figure":
        """The figure over the instances that became ready."""
        return self._for(Per.INSTANCE)

    @cached_property
    def per_rgd(self) -> "Figure":
        """The growth over the set-up, over the RGDs that became ready."""
        return self._for(Per.RGD)

    @cached_property
    def set_up(self) -> "Figure":
        """The figure in the set-up."""
        return self._for(Phase.SET_UP)

    def all(self) -> Iterator["Figure"]:
        """Yield the figure and what else it is measured for."""
        yield self
        for other in self.also:
            yield self._for(other)

    @property
    def metrics(self) -> Iterator[Metric]:
        """The lines to sample for it."""
        if self.metric is not None:
            histogram = self.how is How.MEAN and self.second is None
            yield from self.metric.of_histogram() if histogram else (self.metric,)
        for each in (self.second, self.needs):
            if each is not None:
                yield each

    def _statistic(self, name: str) -> "Figure":
        if name not in self.statistics:
            raise AttributeError(f"{self.name} has no {name}")
        return replace(self, name=f"{self.name}.{name}", how=How.GIVEN, also=())

    def _for(self, other: Per | Phase) -> "Figure":
        if other not in self.also:
            raise AttributeError(f"{self.name} is not measured for {other}")
        if isinstance(other, Phase):
            return replace(self, name=f"setUp.{self.name}", phase=other, also=())
        gauge = self.how in {How.LEVEL, How.LAST}
        return replace(
            self,
            name=f"{other}.{self.name}",
            how=How.CHANGE if gauge else self.how,
            phase=Phase.SET_UP if other is Per.RGD else self.phase,
            per=other,
            also=(),
        )


@dataclass(frozen=True)
class Parts:
    """What a sum consists of: a list in the record, and no number of its own."""

    name: str
    metric: Metric
    title: str
    phase: Phase = Phase.RUN
    most: int | None = 20
    """Largest parts that are kept."""
