"""The metrics of one test on both sides: estimates, test, interval, verdict."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from krobench.analysis.comparison.rules import WHERE_AVAILABLE, Rules
from krobench.analysis.statistics.bootstrap import Interval, Runs, estimate, ratio_interval
from krobench.analysis.statistics.significance import (
    benjamini_hochberg,
    compare_by_spread,
    mann_whitney,
    smallest_p,
    values_for,
)
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
    TooClose,
)

SIGNIFICANCE = 0.05
MIN_REPLICATES = 4
"""With fewer a side, the exact test cannot go below 0.05, and a spread is not known."""
_TOO_MANY = 500


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
    adjusted_p: float
    tests: int
    """Primary metrics that share the false discovery rate."""

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
    more_needed: int | None = None
    note: AnyInconclusive | None = None

    @property
    def notes(self) -> tuple[AnyInconclusive, ...]:
        return () if self.note is None else (self.note,)


def by_interval(interval: Interval, better: Better, minimum_effect: float) -> MetricVerdict:
    """Return what an interval at 95 % shows about a change.

    Same needs the whole interval within the minimum effect: finding no difference does
    not show that there is none.
    """
    low, ratio, high = (math.log(x) for x in (interval.low, interval.ratio, interval.high))
    effect = math.log1p(minimum_effect)
    if -effect <= low and high <= effect:
        return MetricVerdict.SAME
    if low <= 0 <= high or abs(ratio) < effect:
        return MetricVerdict.INCONCLUSIVE
    improved = (ratio < 0) == (better is Better.LOWER)
    return MetricVerdict.BETTER if improved else MetricVerdict.WORSE


def times_needed(interval: Interval, minimum_effect: float) -> float:
    """Return how many times the replicates a verdict would take if the estimate stays as it is.

    An interval's width falls with the square root of the number of replicates. Infinite if the
    ratio is the minimum effect itself.
    """
    low, ratio, high = (math.log(x) for x in (interval.low, interval.ratio, interval.high))
    effect, change = math.log1p(minimum_effect), abs(ratio)
    width = max(high - ratio, ratio - low)
    reach = effect - change if change < effect else change
    return math.inf if reach == 0 else (width / reach) ** 2


def judge(evidence: Evidence, better: Better, minimum_effect: float, of: Replicates) -> Judgement:
    """Return better or worse only if rank test, interval and effect agree."""
    if evidence.basis is Basis.NOTHING:
        if of is Replicates.ITERATIONS:
            return _inconclusive(MIN_REPLICATES - 1, OnlyIterations(runs=MIN_REPLICATES))
        more = MIN_REPLICATES - max(evidence.old, evidence.new)
        note = MoreReplicates(more=more, of=of, side="either", fewest=evidence.fewest)
        return _inconclusive(more, note)
    if evidence.interval is None:
        return _inconclusive(None, NoRatio())
    verdict = by_interval(evidence.interval, better, minimum_effect)
    found = verdict in (MetricVerdict.BETTER, MetricVerdict.WORSE)
    if verdict is MetricVerdict.SAME or (found and evidence.adjusted_p <= SIGNIFICANCE):
        return Judgement(verdict)
    if evidence.basis is Basis.SPREAD:
        more = MIN_REPLICATES - evidence.fewest
        note = MoreReplicates(more=more, of=of, side="smaller", fewest=evidence.fewest)
        return _inconclusive(more, note)
    return _what_is_missing(evidence, evidence.interval, minimum_effect, of)


def _inconclusive(more_needed: int | None, note: AnyInconclusive) -> Judgement:
    return Judgement(MetricVerdict.INCONCLUSIVE, more_needed, note)


def _what_is_missing(
    evidence: Evidence, interval: Interval, minimum_effect: float, of: Replicates
) -> Judgement:
    """Return how many replicates are needed if the estimates stay as they are."""
    by_width = evidence.fewest * times_needed(interval, minimum_effect)
    large = abs(math.log(interval.ratio)) >= math.log1p(minimum_effect)
    needed_p = SIGNIFICANCE / evidence.tests
    by_rank = values_for(needed_p) if large else 0
    if by_width > _TOO_MANY:
        return _inconclusive(None, TooClose(of=of))
    more = max(1, math.ceil(by_width) - evidence.fewest, by_rank - evidence.fewest)
    note = MoreReplicates(more=more, of=of, side="each", fewest=evidence.fewest)
    if by_rank > evidence.fewest:
        smallest = smallest_p(evidence.old, evidence.new)
        limits = {"smallest_p": smallest, "needed_p": needed_p, "tests": evidence.tests}
        note = note.model_copy(update=limits)
    return _inconclusive(more, note)


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

    @property
    def available(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self.old and self.new)

    def replicates(self, kind: Replicates) -> tuple[list[float], list[float]]:
        """Return the independent values of each side."""
        if kind is not Replicates.ITERATIONS:
            return [estimate([run]) for run in self.old], [estimate([run]) for run in self.new]
        return [x for run in self.old for x in run], [x for run in self.new for x in run]


def measure(
    test: str, old: Sequence[Iterations], new: Sequence[Iterations], rules: Rules
) -> Iterator[Measured]:
    """Yield the primary metrics, then all others that are not the same constant everywhere."""
    primary = rules.primary_metrics
    seen = {name for run in (*old, *new) for iteration in run for name in iteration}
    for metric in (*primary, *sorted(seen - set(primary))):
        measured = Measured(test, metric, _values(old, metric), _values(new, metric))
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
    """Compare all metrics; the primary ones share one false discovery rate."""
    tested = [_tested(m, kind) if m.available else None for m in measured]
    primary = [t for m, t in zip(measured, tested, strict=True) if t and rules.is_primary(m.metric)]
    adjusted = iter(benjamini_hochberg([t.p for t in primary]))
    return [
        _compared(m, rules, t, next(adjusted), len(primary))
        if t and rules.is_primary(m.metric)
        else _shown(m, rules, t)
        for m, t in zip(measured, tested, strict=True)
    ]


def explore(measured: Measured, rules: Rules) -> MetricComparison | None:
    """Return a metric without a verdict, judged by the spread of each side.

    None if there is no ratio with an interval.
    """
    few = compare_by_spread(measured.old, measured.new)
    if few is None:
        return None
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


def _tested(measured: Measured, kind: Replicates) -> _Tested:
    old, new = measured.replicates(kind)
    basis = basis_of(kind, len(old), len(new))
    few = compare_by_spread(measured.old, measured.new) if basis is Basis.SPREAD else None
    p = few.p if few else mann_whitney(old, new)
    interval = few.interval if few else ratio_interval(measured.old, measured.new)
    return _Tested(len(old), len(new), kind, basis, p, interval)


def _compared(
    measured: Measured, rules: Rules, tested: _Tested, adjusted_p: float, tests: int
) -> MetricComparison:
    result = _shown(measured, rules, tested)
    evidence = Evidence(tested.old, tested.new, tested.basis, tested.interval, adjusted_p, tests)
    judgement = judge(evidence, result.better, rules.minimum_effect, tested.of)
    return result.model_copy(
        update={
            "adjusted_p": rounded(adjusted_p),
            "verdict": judgement.verdict,
            "more_needed": judgement.more_needed,
            "note": judgement.note,
        }
    )


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
        ratio = _ratio(measured, tested.interval)
        return result.model_copy(update={"p": rounded(tested.p), **ratio})
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


def _values(runs: Sequence[Iterations], metric: str) -> Runs:
    found = [[value for i in run if (value := i.get(metric)) is not None] for run in runs]
    return [values for values in found if values]


def rounded(value: float) -> float:
    """Return a number with the digits that are stored of a comparison."""
    return float(f"{value:.{_DIGITS}g}")
