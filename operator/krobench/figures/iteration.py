"""What an iteration used: each figure of the catalogue, read from the series around its phases."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from krobench.api.notation import labels_of
from krobench.figures.catalogue import ALL, COMPANION, PARTS
from krobench.figures.figure import Figure, How, Metric, Parts, Per, Phase
from krobench.figures.phase import PhaseReader
from krobench.figures.processes import KRO, OWN_KINDS
from krobench.figures.reasons.figures import AnyReason, NotGiven
from krobench.figures.reasons.load import (
    InstancesNotReady,
    NoInstanceReady,
    NoRgdReady,
    RgdsExistedBefore,
)
from krobench.figures.reasons.samples import (
    NoGarbageCollected,
    PhaseTookNoTime,
    SharedNetwork,
    WorkNotByKind,
)
from krobench.figures.series import Series
from krobench.figures.summaries import Part


@dataclass(frozen=True)
class Phases:
    """When an iteration's phases began and ended, on the run's clock."""

    started_seconds: float
    run_started_seconds: float
    run_ended_seconds: float


@dataclass(frozen=True)
class Made:
    """What the phases made."""

    ready: int = 0
    """Instances that became ready."""
    missing: int = 0
    """Instances that did not."""
    rgds: int = 0
    """RGDs that became ready in the set-up."""
    rgds_existed: bool = False
    """Whether the RGDs were there before, so that the set-up shows nothing of them."""

    @property
    def why_not_per_instance(self) -> AnyReason | None:
        """Why a total is not divided by the instances that became ready; None if it is."""
        if not self.ready:
            return NoInstanceReady()
        if not self.missing:
            return None
        return InstancesNotReady(missing=self.missing, total=self.ready + self.missing)


@dataclass
class Measured:
    """Figures by name; one that is missing has its reason in ``unavailable``."""

    figures: dict[str, float] = field(default_factory=dict)
    parts: dict[str, list[Part]] = field(default_factory=dict)
    unavailable: dict[str, AnyReason] = field(default_factory=dict)
    """By the name of the figure, of one of its statistics, or of a source."""

    def set(self, name: str, value: float | None, reason: AnyReason | None = None) -> None:
        """Take a figure that the load Job measured, or why it could not."""
        if value is not None:
            self.figures[name] = round(value, 9)
        else:
            self.unavailable[name] = reason or NotGiven()

    def take(self, other: "Measured", figures: Iterable[Figure]) -> None:
        """Replace figures, and the reasons if they are missing, by those of another window."""
        for figure in figures:
            for name in (figure.name, *figure.names):
                self.figures.pop(name, None)
                self.unavailable.pop(name, None)
                if name in other.figures:
                    self.figures[name] = other.figures[name]
                if name in other.unavailable:
                    self.unavailable[name] = other.unavailable[name]


def measure(
    series: Series, phases: Phases, made: Made, figures: Iterable[Figure] = tuple(ALL.values())
) -> Measured:
    """Read figures, all unless some are named, and the parts of sums, if all are read."""
    measured = Measured()
    reader = _Reader(series, phases, made, measured)
    figures = tuple(figures)
    for figure in figures:
        reader.read(figure)
    if len(figures) == len(ALL):
        for parts in PARTS:
            if parts.phase is not Phase.SET_UP or not made.rgds_existed:
                measured.parts[parts.name] = reader.parts(parts)
    return measured


def _rare(phase: PhaseReader, figure: Figure, metric: Metric) -> float | None:
    companion = figure.second or COMPANION[metric.source]
    return phase.rare(figure.name, metric.source, metric.key, companion.key)


def _ratio(phase: PhaseReader, figure: Figure, metric: Metric) -> float | None:
    assert figure.second is not None
    return phase.stamped_ratio(figure.name, metric.source, metric.key, figure.second.key)


def _work(phase: PhaseReader, figure: Figure, metric: Metric) -> float | None:
    """Return the time that workers spent: the counter has what is in progress only at its end."""
    assert figure.second is not None
    done = phase.delta(figure.name, metric.source, metric.key)
    in_progress = phase.change(figure.name, metric.source, figure.second.key)
    if done is None or in_progress is None:
        return None
    return round(max(0.0, done + in_progress), 6)


def _busy(phase: PhaseReader, figure: Figure, metric: Metric) -> float | None:
    work = _work(phase, figure, metric)
    if work is not None and not phase.seconds:
        phase.note(figure.name, PhaseTookNoTime())
    return round(work / phase.seconds, 6) if work is not None and phase.seconds else None


_READ: dict[How, Callable[[PhaseReader, Figure, Metric], float | None]] = {
    How.DELTA: lambda phase, of, metric: phase.delta(of.name, metric.source, metric.key),
    How.RARE: _rare,
    How.MEAN: lambda phase, of, metric: phase.mean_of(
        of.name, metric.source, metric.key.removesuffix("_sum")
    ),
    How.RATE: lambda phase, of, metric: phase.rate(of.name, metric.source, metric.key),
    How.LAST: lambda phase, of, metric: phase.last(of.name, metric.source, metric.key),
    How.MAXIMUM: lambda phase, of, metric: phase.maximum(of.name, metric.source, metric.key),
    How.STAMPED_DELTA: lambda phase, of, metric: phase.stamped_delta(
        of.name, metric.source, metric.key
    ),
    How.STAMPED_RATE: lambda phase, of, metric: phase.stamped_rate(
        of.name, metric.source, metric.key
    ),
    How.STAMPED_RATIO: _ratio,
    How.WORK: _work,
    How.BUSY: _busy,
}


class _Reader:
    def __init__(self, series: Series, phases: Phases, made: Made, measured: Measured) -> None:
        self._series = series
        self._made = made
        self._measured = measured
        run = (phases.run_started_seconds, phases.run_ended_seconds)
        set_up = (phases.started_seconds, phases.run_started_seconds)
        self._phases = {
            Phase.RUN: PhaseReader(series, *run, measured.unavailable),
            Phase.SET_UP: PhaseReader(series, *set_up, measured.unavailable),
        }

    def read(self, figure: Figure) -> None:
        phase = self._phases[figure.phase]
        if figure.phase is Phase.SET_UP and self._made.rgds_existed:
            phase.note(figure.name, RgdsExistedBefore())
            return
        if figure.statistics:
            self._read_statistics(figure, phase)
            return
        value = self._value(figure, phase)
        if figure.per is not None and value is not None:
            value = self._each(figure, phase, value)
        if value is not None:
            self._measured.figures[figure.name] = value

    def parts(self, parts: Parts) -> list[Part]:
        """Return what grew of a metric that is kept apart by labels, most first."""
        phase = self._phases[parts.phase]
        grown = self._grown(phase, parts.name, parts.metric)
        return [part for part in grown if part.name != OWN_KINDS][: parts.most]

    def _read_statistics(self, figure: Figure, phase: PhaseReader) -> None:
        assert figure.metric is not None
        read = {How.RATES: phase.rates, How.SPREAD: phase.distribution, How.LEVEL: phase.level}
        spread = read[figure.how](figure.name, figure.metric.source, figure.metric.key)
        for statistic in figure.statistics:
            value: float | None = getattr(spread, statistic)
            if value is not None:
                self._measured.figures[f"{figure.name}.{statistic}"] = value

    def _value(self, figure: Figure, phase: PhaseReader) -> float | None:
        metric = figure.metric
        if figure.how is How.TIME:
            return round(phase.seconds, 6)
        if figure.how is How.NEVER:
            phase.note(figure.name, SharedNetwork())
        if metric is None:
            return None
        read = _READ.get(figure.how)
        if read is not None:
            return read(phase, figure, metric)
        if figure.how is How.CHANGE:
            return self._change(figure, metric, phase)
        if figure.how is How.SUM:
            return self._sum(phase, figure.name, metric)
        return self._by_kind(figure, metric, phase)

    def _change(self, figure: Figure, metric: Metric, phase: PhaseReader) -> float | None:
        needs = figure.needs
        if needs is not None and phase.delta(figure.name, needs.source, needs.key) == 0:
            phase.note(figure.name, NoGarbageCollected())
            return None
        return phase.change(figure.name, metric.source, metric.key)

    def _sum(self, phase: PhaseReader, name: str, metric: Metric) -> float | None:
        keys = self._series.labelled(metric.source, metric.key) or [metric.key]
        companion = COMPANION[metric.source].key
        parts = [phase.rare(name, metric.source, key, companion) for key in keys]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None

    def _by_kind(self, figure: Figure, metric: Metric, phase: PhaseReader) -> float | None:
        """Return the sum over the test's own kinds or all others: a kind without work did none."""
        if not self._series.labelled(metric.source, metric.key):
            phase.note(figure.name, WorkNotByKind())
            return None
        if phase.delta(figure.name, KRO, COMPANION[KRO].key) is None:
            return None
        own = figure.how is How.OWN
        grown = self._grown(phase, figure.name, metric)
        return sum(part.value for part in grown if (part.name == OWN_KINDS) is own)

    def _grown(self, phase: PhaseReader, name: str, metric: Metric) -> list[Part]:
        companion = COMPANION[metric.source].key
        parts = []
        for key in self._series.labelled(metric.source, metric.key):
            grown = phase.rare(name, metric.source, key, companion)
            if grown:
                parts.append(Part(name=" ".join(labels_of(key).values()), value=grown))
        return sorted(parts, key=lambda part: (-part.value, part.name))

    def _each(self, figure: Figure, phase: PhaseReader, total: float) -> float | None:
        """Return a total over what was made; None, with the reason, if that would mislead."""
        reason: AnyReason | None
        if figure.per is Per.INSTANCE:
            reason, count = self._made.why_not_per_instance, self._made.ready
        else:
            count = self._made.rgds
            reason = None if count else NoRgdReady()
        if reason is not None:
            phase.note(figure.name, reason)
            return None
        return round(total / count, 9)
