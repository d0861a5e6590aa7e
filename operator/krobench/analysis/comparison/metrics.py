"""The metrics of one test on both sides: estimates, test, interval, verdict."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from krobench.analysis.comparison.rules import MIN_REPLICATES, WHERE_AVAILABLE, Rules
from krobench.analysis.statistics.permutation import dealt
from krobench.analysis.statistics.significance import (
    Interval,
    Runs,
    compare_by_spread,
    estimate,
    holm,
    mann_whitney,
    rank_interval,
    shift_interval,
)
from krobench.figures.figure import Per, Unit, unit_of
from krobench.findings.comparison import (
    AnyInconclusive,
    Better,
    MetricComparison,
    MetricVerdict,
    MoreReplicates,
    NoRatio,
    NotMeasured,
    OnlyIterations,
    Replicates,
    Side,
    Undecided,
)

SIGNIFICANCE = 0.05
_Z_OF_INTERVAL, _Z_OF_POWER = 1.960, 1.282
"""Of a 95 % interval, and of what is found in 9 of 10 cases."""


class Basis(StrEnum):
    """What a metric is judged by."""

    RANKS = "ranks"
    """Enough replicates on both sides for the exact test."""
    SPREAD = "spread"
    """A few runs against several: the spread of the several."""
    NOTHING = "nothing"


@dataclass(frozen=True)
class Evidence:
    """What is known of a metric on both sides."""

    old: int
    """Replicates of the old side."""
    new: int
    basis: Basis
    interval: Interval | None
    """Of the ratio, new over old."""
    adjusted_p: float
    difference: Interval | None = None
    """New minus old, if a value is zero and there is no ratio."""
    least_difference: float = 0.0
    """The smallest difference that counts."""

    @property
    def fewest(self) -> int:
        """Replicates of the side that has fewer."""
        return min(self.old, self.new)


def basis_of(kind: Replicates, old: int, new: int) -> Basis:
    """Return what so many replicates a side can be judged by.

    Iterations cannot tell a change from the drift between the two runs that they belong to: they
    are shown, and give no verdict.
    """
    if kind is Replicates.ITERATIONS:
        return Basis.NOTHING
    if min(old, new) >= MIN_REPLICATES:
        return Basis.RANKS
    return Basis.SPREAD if max(old, new) >= MIN_REPLICATES else Basis.NOTHING


@dataclass(frozen=True)
class Judgement:
    """A verdict, or why there is none."""

    verdict: MetricVerdict
    note: AnyInconclusive | None = None

    @property
    def notes(self) -> tuple[AnyInconclusive, ...]:
        return () if self.note is None else (self.note,)


def by_interval(interval: Interval, better: Better, minimum_effect: float) -> MetricVerdict:
    """Return what the interval of a ratio at 95 % shows about a change."""
    low, ratio, high = (math.log(x) for x in (interval.low, interval.ratio, interval.high))
    return by_change(Interval(ratio, low, high), better, math.log1p(minimum_effect))


def by_change(change: Interval, better: Better, effect: float) -> MetricVerdict:
    """Return the same of a change that is zero if there is none.

    Same needs the whole interval within the smallest effect: finding no difference does
    not show that there is none.
    """
    if (-effect < change.low and change.high < effect) or change.low == change.high == 0:
        return MetricVerdict.SAME
    if change.low <= 0 <= change.high or abs(change.ratio) < effect:
        return MetricVerdict.INCONCLUSIVE
    improved = (change.ratio < 0) == (better is Better.LOWER)
    return MetricVerdict.BETTER if improved else MetricVerdict.WORSE


def detectable(interval: Interval, minimum_effect: float) -> float:
    """Return the smallest change that runs with this scatter show in 9 of 10 cases, as a share.

    Its interval leaves out no change, and its estimate is at least the minimum effect.
    """
    low, ratio, high = (math.log(x) for x in (interval.low, interval.ratio, interval.high))
    error = max(high - ratio, ratio - low) / _Z_OF_INTERVAL
    least = math.log1p(minimum_effect) + _Z_OF_POWER * error
    return math.expm1(max(least, (_Z_OF_INTERVAL + _Z_OF_POWER) * error))


def judge(evidence: Evidence, better: Better, minimum_effect: float, of: Replicates) -> Judgement:
    """Return better or worse only if test, interval and effect agree.

    An inconclusive verdict asks for no further runs: looking again until something is found would
    find something in 1 of 10 comparisons of alike runs.
    """
    if evidence.basis is Basis.NOTHING:
        if of is Replicates.ITERATIONS:
            return _inconclusive(OnlyIterations(runs=MIN_REPLICATES))
        more = MIN_REPLICATES - max(evidence.old, evidence.new)
        return _inconclusive(
            MoreReplicates(more=more, of=of, side="either", fewest=evidence.fewest)
        )
    if evidence.interval is not None:
        verdict = by_interval(evidence.interval, better, minimum_effect)
        note = Undecided(of=of, detectable=rounded(detectable(evidence.interval, minimum_effect)))
    elif evidence.difference is not None:
        verdict = by_change(evidence.difference, better, evidence.least_difference)
        note = Undecided(of=of)
    else:
        return _inconclusive(NoRatio())
    found = verdict in (MetricVerdict.BETTER, MetricVerdict.WORSE)
    if verdict is MetricVerdict.SAME or (found and evidence.adjusted_p <= SIGNIFICANCE):
        return Judgement(verdict)
    return _inconclusive(note)


def _inconclusive(note: AnyInconclusive) -> Judgement:
    return Judgement(MetricVerdict.INCONCLUSIVE, note)


_DIGITS = 6
Iterations = Sequence[Mapping[str, float | None]]
"""The measured iterations of a run: numbers by name."""


@dataclass(frozen=True)
class Measured:
    """The values of one metric: of each run that has any, one for each iteration."""

    test: str
    metric: str
    old: Runs
    new: Runs
    old_numbers: Sequence[int] = ()
    """Which runs of the old side these are, if some have no value."""
    new_numbers: Sequence[int] = ()

    @property
    def available(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.old and self.new)

    def replicates(self, kind: Replicates) -> tuple[list[float], list[float]]:
        """Return the independent values of each side."""
        if kind is not Replicates.ITERATIONS:
            return [estimate([run]) for run in self.old], [estimate([run]) for run in self.new]
        return [x for run in self.old for x in run], [x for run in self.new for x in run]

    def by_run(self, old: int) -> dict[int, float]:
        """Return the value of each run, by its number; the new side begins with ``old``."""
        numbers = [*self.old_numbers, *(old + number for number in self.new_numbers)]
        values = (estimate([run]) for run in (*self.old, *self.new))
        return dict(zip(numbers, values, strict=True))


def measure(
    test: str, old: Sequence[Iterations], new: Sequence[Iterations], rules: Rules
) -> Iterator[Measured]:
    """Yield the primary metrics, then all others that are not the same constant everywhere."""
    primary = rules.primary_metrics
    seen = {name for run in (*old, *new) for iteration in run for name in iteration}
    for metric in (*primary, *sorted(seen - set(primary))):
        (before, old_numbers), (after, new_numbers) = (_values(side, metric) for side in (old, new))
        measured = Measured(test, metric, before, after, old_numbers, new_numbers)
        if metric in primary:
            absent = not measured.old and not measured.new
            if not (absent and metric in WHERE_AVAILABLE):
                yield measured
        elif measured.available and not metric.endswith(".n"):
            values = {value for run in (*measured.old, *measured.new) for value in run}
            if len(values) > 1:
                yield measured


def judge_all(
    measured: Sequence[Measured], rules: Rules, kind: Replicates
) -> list[MetricComparison]:
    """Compare all metrics; the p-values of the primary ones are corrected together."""
    tested = [_tested(m, kind) if m.available else None for m in measured]
    primary = [
        (m, t)
        for m, t in zip(measured, tested, strict=True)
        if t is not None and rules.is_primary(m.metric)
    ]
    adjusted = iter(_corrected(primary))
    return [
        _compared(m, rules, t, next(adjusted))
        if t and rules.is_primary(m.metric)
        else _shown(m, rules, t)
        for m, t in zip(measured, tested, strict=True)
    ]


def _corrected(primary: "Sequence[tuple[Measured, _Tested]]") -> list[float]:
    """Return the corrected p of each metric: of those with enough runs by dealing these again."""
    by_ranks = [measured for measured, tested in primary if tested.basis is Basis.RANKS]
    others = [tested.p for _, tested in primary if tested.basis is not Basis.RANKS]
    old, new = (
        1 + max(chain.from_iterable(numbers), default=-1)
        for numbers in (
            [measured.old_numbers for measured in by_ranks],
            [measured.new_numbers for measured in by_ranks],
        )
    )
    exact = iter(dealt([measured.by_run(old) for measured in by_ranks], old, new))
    rest = iter(holm(others))
    return [next(exact if tested.basis is Basis.RANKS else rest) for _, tested in primary]


def explore(measured: Measured, rules: Rules) -> MetricComparison | None:
    """Return a metric without a verdict, by the spread of each side if it has enough values.

    None if there is no ratio.
    """
    few = compare_by_spread(measured.old, measured.new)
    if few is None:
        ratio = _ratio(measured, None)
        bare = _shown(measured, rules, None)
        return bare.model_copy(update={**ratio, "verdict": None, "note": None}) if ratio else None
    old, new = map(len, (measured.old, measured.new))
    return _shown(
        measured, rules, _Tested(old, new, Replicates.RUNS, Basis.SPREAD, few.p, few.interval)
    )


def explore_runs(measured: Measured, rules: Rules) -> MetricComparison:
    """Return an available metric without a verdict, with runs as the replicates."""
    return _shown(measured, rules, _tested(measured, Replicates.RUNS))


@dataclass(frozen=True)
class _Tested:
    """A metric with the numbers that a verdict is made from."""

    old: int
    new: int
    of: Replicates
    basis: Basis
    p: float
    interval: Interval | None
    difference: Interval | None = None


def _tested(measured: Measured, kind: Replicates) -> _Tested:
    old, new = measured.replicates(kind)
    basis = basis_of(kind, len(old), len(new))
    few = compare_by_spread(measured.old, measured.new) if basis is Basis.SPREAD else None
    p = few.p if few else mann_whitney(old, new)
    interval = few.interval if few else rank_interval(measured.old, measured.new)
    difference = None
    if min(*old, *new) <= 0:
        difference = shift_interval(measured.old, measured.new)
    return _Tested(len(old), len(new), kind, basis, p, interval, difference)


def _compared(
    measured: Measured, rules: Rules, tested: _Tested, adjusted_p: float
) -> MetricComparison:
    result = _shown(measured, rules, tested)
    evidence = Evidence(
        tested.old,
        tested.new,
        tested.basis,
        tested.interval,
        adjusted_p,
        tested.difference,
        least_difference(measured, rules.minimum_effect),
    )
    judgement = judge(evidence, result.better, rules.minimum_effect, tested.of)
    return result.model_copy(
        update={
            "adjusted_p": rounded(adjusted_p),
            "verdict": judgement.verdict,
            "note": judgement.note,
        }
    )


def least_difference(measured: Measured, minimum_effect: float) -> float:
    """Return the smallest difference that counts if there is no ratio: the minimum effect of the
    larger side, and at least one of what is counted."""
    larger = max(abs(estimate(measured.old)), abs(estimate(measured.new)))
    whole = unit_of(measured.metric) is Unit.COUNT and not measured.metric.startswith(tuple(Per))
    return max(minimum_effect * larger, 1.0 if whole else 0.0)


def _shown(measured: Measured, rules: Rules, tested: _Tested | None) -> MetricComparison:
    """Return a metric without a verdict, or inconclusive because it is missing on a side."""
    result = MetricComparison(
        test=measured.test,
        metric=measured.metric,
        primary=rules.is_primary(measured.metric),
        better=rules.better(measured.metric),
        old_replicates=tested.old if tested else len(measured.old),
        new_replicates=tested.new if tested else len(measured.new),
        old_median=rounded(estimate(measured.old)) if measured.old else None,
        new_median=rounded(estimate(measured.new)) if measured.new else None,
    )
    if tested is not None:
        change = _ratio(measured, tested.interval)
        if tested.difference is not None:
            change = {
                "difference": rounded(tested.difference.ratio),
                "difference_low": rounded(tested.difference.low),
                "difference_high": rounded(tested.difference.high),
            }
        return result.model_copy(update={"p": rounded(tested.p), **change})
    both: list[tuple[Side, Runs]] = [("old", measured.old), ("new", measured.new)]
    sides = [side for side, runs in both if not runs]
    missing = {"verdict": MetricVerdict.INCONCLUSIVE, "note": NotMeasured(sides=sides)}
    return result.model_copy(update=missing)


def _ratio(measured: Measured, interval: Interval | None) -> dict[str, object]:
    if interval is not None:
        return {
            "ratio": rounded(interval.ratio),
            "ratio_low": rounded(interval.low),
            "ratio_high": rounded(interval.high),
        }
    old, new = estimate(measured.old), estimate(measured.new)
    return {"ratio": rounded(new / old)} if old > 0 and new > 0 else {}


def _values(runs: Sequence[Iterations], metric: str) -> tuple[Runs, Sequence[int]]:
    """Return the values of the runs that have any, and which runs these are."""
    found = [[value for i in run if (value := i.get(metric)) is not None] for run in runs]
    numbers = [number for number, values in enumerate(found) if values]
    return [found[number] for number in numbers], numbers


def rounded(value: float) -> float:
    """Return a number with the digits that are stored of a comparison."""
    return float(f"{value:.{_DIGITS}g}")
