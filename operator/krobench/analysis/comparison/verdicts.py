"""From estimates to a verdict on one metric, and what is missing where there is none."""

import math
from dataclasses import dataclass
from enum import StrEnum

from krobench.analysis.statistics.bootstrap import Interval
from krobench.analysis.statistics.ranks import smallest_p, values_for
from krobench.findings.comparison import Better, MetricVerdict, Replicates

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
    note: str | None = None


def by_interval(interval: Interval, better: Better, minimum_effect: float) -> MetricVerdict:
    """Return what an interval at 95 % says of a change.

    Same needs the whole interval within the minimum effect: that no difference was found is no
    evidence that there is none.
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

    An interval's width falls with the square root of the number of replicates. Infinite where the
    ratio is the minimum effect itself.
    """
    low, ratio, high = (math.log(x) for x in (interval.low, interval.ratio, interval.high))
    effect, change = math.log1p(minimum_effect), abs(ratio)
    width = max(high - ratio, ratio - low)
    reach = effect - change if change < effect else change
    return math.inf if reach == 0 else (width / reach) ** 2


def judge(evidence: Evidence, better: Better, minimum_effect: float, unit: str) -> Judgement:
    """Return better or worse only where rank test, interval and effect agree.

    ``unit`` names the replicates, as "runs".
    """
    if evidence.basis is Basis.NOTHING:
        return _too_few(evidence, unit)
    if evidence.interval is None:
        note = "no ratio: a value is zero or negative"
        return Judgement(MetricVerdict.INCONCLUSIVE, note=note)
    verdict = by_interval(evidence.interval, better, minimum_effect)
    found = verdict in (MetricVerdict.BETTER, MetricVerdict.WORSE)
    if verdict is MetricVerdict.SAME or (found and evidence.adjusted_p <= SIGNIFICANCE):
        return Judgement(verdict)
    if evidence.basis is Basis.SPREAD:
        more = MIN_REPLICATES - evidence.fewest
        allow = "allows" if more == 1 else "allow"
        side = f"of the side with {evidence.fewest}"
        note = f"{_more(more, unit)} {side} {allow} the exact test"
        return Judgement(MetricVerdict.INCONCLUSIVE, more, note)
    return _what_is_missing(evidence, evidence.interval, minimum_effect, unit)


def _too_few(evidence: Evidence, unit: str) -> Judgement:
    if unit != Replicates.ITERATIONS.lower():
        more = MIN_REPLICATES - max(evidence.old, evidence.new)
        note = f"{_more(more, unit)} of one side at least, better of both"
        return Judgement(MetricVerdict.INCONCLUSIVE, more, note)
    note = (
        f"{MIN_REPLICATES} runs of one side at least, better of both: iterations cannot tell a "
        "change from the drift between two runs"
    )
    return Judgement(MetricVerdict.INCONCLUSIVE, MIN_REPLICATES - 1, note)


def _more(count: int, unit: str) -> str:
    return f"{count} more {unit.removesuffix('s') if count == 1 else unit}"


def _what_is_missing(
    evidence: Evidence, interval: Interval, minimum_effect: float, unit: str
) -> Judgement:
    """Say how many replicates would do if the estimates stay as they are."""
    by_width = evidence.fewest * times_needed(interval, minimum_effect)
    large = abs(math.log(interval.ratio)) >= math.log1p(minimum_effect)
    by_rank = values_for(SIGNIFICANCE / evidence.tests) if large else 0
    if by_width > _TOO_MANY:
        note = f"too close to the minimum effect for any sensible number of {unit}"
        return Judgement(MetricVerdict.INCONCLUSIVE, note=note)
    more = max(1, math.ceil(by_width) - evidence.fewest, by_rank - evidence.fewest)
    note = f"about {_more(more, unit)} a side"
    if by_rank > evidence.fewest:
        least = smallest_p(evidence.old, evidence.new)
        note += (
            f": with {evidence.old} and {evidence.new}, p cannot be below {least:.2g}, and "
            f"{evidence.tests} primary metrics may need {SIGNIFICANCE / evidence.tests:.2g}"
        )
    return Judgement(MetricVerdict.INCONCLUSIVE, more, note)
