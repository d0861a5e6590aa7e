"""From estimates to a verdict on one metric, and what is missing where there is none."""

import math
from dataclasses import dataclass
from enum import StrEnum

from krobench.analysis.statistics.bootstrap import Interval
from krobench.analysis.statistics.ranks import smallest_p, values_for
from krobench.model.comparison import Better, MetricVerdict, Replicates

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


def judge(evidence: Evidence, better: Better, minimum_effect: float, unit: str) -> Judgement:
    """Return better or worse only where rank test, interval and effect agree.

    Same needs the whole interval within the minimum effect: that no difference was found is no
    evidence that there is none. ``unit`` names the replicates, as "runs".
    """
    if evidence.basis is Basis.NOTHING:
        return _too_few(evidence, unit)
    if evidence.interval is None:
        note = "no ratio: a value is zero or negative"
        return Judgement(MetricVerdict.INCONCLUSIVE, note=note)
    low, ratio, high = (
        math.log(x)
        for x in (evidence.interval.low, evidence.interval.ratio, evidence.interval.high)
    )
    effect = math.log1p(minimum_effect)
    if -effect <= low and high <= effect:
        return Judgement(MetricVerdict.SAME)
    found = evidence.adjusted_p <= SIGNIFICANCE and not low <= 0 <= high
    if found and abs(ratio) >= effect:
        improved = (ratio < 0) == (better is Better.LOWER)
        return Judgement(MetricVerdict.BETTER if improved else MetricVerdict.WORSE)
    if evidence.basis is Basis.SPREAD:
        more = MIN_REPLICATES - evidence.fewest
        allow = "allows" if more == 1 else "allow"
        side = f"of the side with {evidence.fewest}"
        note = f"{_more(more, unit)} {side} {allow} the exact test"
        return Judgement(MetricVerdict.INCONCLUSIVE, more, note)
    width = max(high - ratio, ratio - low)
    return _what_is_missing(evidence, abs(ratio), width, effect, unit)


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
    evidence: Evidence, ratio: float, width: float, effect: float, unit: str
) -> Judgement:
    """Say how many replicates would do if the estimates stay as they are.

    An interval's width falls with the square root of the number of replicates.
    """
    reach = abs(ratio - effect) if ratio < effect else ratio
    by_width = math.inf if reach == 0 else evidence.fewest * (width / reach) ** 2
    by_rank = values_for(SIGNIFICANCE / evidence.tests) if ratio >= effect else 0
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
