"""The ratio of two sides' limits if a side has several runs: runs are the replicates.

It is judged like any metric of benchmarks: by the exact rank test, its interval, and, if
one side has few runs, by the spread of the other. Runs whose limit is beyond their sizes need more:
the rank test takes them by their scores (:func:`~krobench.analysis.comparison.spans.rank_scores`),
and the interval is made twice, once with each limit at the end of its span that makes the ratio
small, and once at the other end. The outer ends hold for any limits within the spans.

A single run whose limit is beyond its sizes is compared with the spread of several by its last
size; its limit is still further off. Whether the run met or missed the SLOs there may be the luck
of one iteration, so the scatter of single iterations of the several runs is added to their spread.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from krobench.analysis.comparison.limits import LimitRatio
from krobench.analysis.comparison.metrics import (
    Basis,
    Evidence,
    Judgement,
    basis_of,
    judge,
)
from krobench.analysis.comparison.rules import MIN_REPLICATES
from krobench.analysis.comparison.spans import Span, median_span, rank_scores
from krobench.analysis.statistics.significance import (
    Interval,
    Runs,
    compare_by_spread,
    mann_whitney,
    rank_interval,
)
from krobench.findings.comparison import (
    AnyInconclusive,
    Better,
    LimitsUnknown,
    MetricVerdict,
    MoreReplicates,
    Replicates,
    Side,
)

_LEAST, _MOST = 1e-150, 1e150
"""Represent sizes without an end: finite, so that their quantiles and logarithms are numbers."""
_NO_END = 1e50
"""A ratio beyond is one of them."""


def compare_limit_runs(
    old: Sequence[Span], new: Sequence[Span], minimum_effect: float
) -> LimitRatio:
    """Return the ratio of the sides' median limits; each side has one run at least.

    The limits are along one axis, and a larger one is better.
    """
    basis = basis_of(Replicates.RUNS, len(old), len(new))
    found = _by_spread(old, new) if basis is Basis.SPREAD else _by_ranks(old, new)
    if found is None:
        return LimitRatio(MetricVerdict.INCONCLUSIVE, notes=_spread_unknown(old, new))
    p, interval = found
    nearest = interval.nearest if interval is not None else None
    evidence = Evidence(len(old), len(new), basis, nearest, p)
    judgement = judge(evidence, Better.HIGHER, minimum_effect, Replicates.RUNS)
    before, after = median_span(old), median_span(new)
    ratio = after.low / before.low if before.known and after.known else None
    if interval is None:
        return LimitRatio(judgement.verdict, ratio, notes=judgement.notes, p=p)
    low, high = interval.ends
    notes = _notes(judgement, interval, old, new)
    return LimitRatio(judgement.verdict, ratio, low, high, notes, p)


@dataclass(frozen=True)
class _Bounds:
    """The intervals of what the ratio is at least, and at most."""

    least: Interval
    most: Interval

    @property
    def nearest(self) -> Interval:
        """Both as one, with the smallest change that the medians leave possible."""
        change = 1.0
        if self.least.ratio > 1:
            change = self.least.ratio
        elif self.most.ratio < 1:
            change = self.most.ratio
        return Interval(change, self.least.low, self.most.high)

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """Lower and upper end; None if limits beyond the sizes leave none."""
        low, high = self.least.low, self.most.high
        return (low if low > 1 / _NO_END else None, high if high < _NO_END else None)

    @property
    def turned(self) -> "_Bounds":
        """The same of old over new."""
        return _Bounds(_turned(self.most), _turned(self.least))

    @property
    def open(self) -> bool:
        """Whether limits that are not known widen it."""
        return self.least != self.most


def _turned(interval: Interval) -> Interval:
    return Interval(1 / interval.ratio, 1 / interval.high, 1 / interval.low)


def _by_ranks(old: Sequence[Span], new: Sequence[Span]) -> tuple[float, _Bounds | None]:
    scores = rank_scores([*old, *new])
    p = mann_whitney(scores[: len(old)], scores[len(old) :])
    least = rank_interval(_highs(old), _lows(new))
    most = least if _all_known(old, new) else rank_interval(_lows(old), _highs(new))
    return p, _Bounds(least, most) if least is not None and most is not None else None


def _by_spread(old: Sequence[Span], new: Sequence[Span]) -> tuple[float, _Bounds] | None:
    """Return None if limits are not known well enough for it."""
    if _all_known(old, new):
        few = compare_by_spread(_lows(old), _lows(new))
        assert few is not None  # sizes are above zero, and one side has several
        return few.p, _Bounds(few.interval, few.interval)
    if len(old) == 1:
        found = _one_beyond(old[0], new)
        return found and (found[0], found[1].turned)
    return _one_beyond(new[0], old) if len(new) == 1 else None


def _one_beyond(one: Span, several: Sequence[Span]) -> tuple[float, _Bounds] | None:
    """Compare a limit beyond its sizes with several that are known, as the new side."""
    singles = [span.single for span in several if span.known and span.single is not None]
    if len(singles) < len(several) or one.above == one.below:
        return None
    size = one.low if one.above else one.high
    few = compare_by_spread(
        _lows(several), [[size]], further=math.sqrt(fmean(s**2 for s in singles))
    )
    assert few is not None  # sizes are above zero, and one side has several
    ratio, low, high = few.interval.ratio, few.interval.low, few.interval.high
    if one.above:
        return few.p, _Bounds(Interval(ratio, low, high), Interval(_MOST, low, _MOST))
    return few.p, _Bounds(Interval(_LEAST, _LEAST, high), Interval(ratio, low, high))


def _lows(side: Sequence[Span]) -> Runs:
    return [[max(span.low, _LEAST)] for span in side]


def _highs(side: Sequence[Span]) -> Runs:
    return [[min(span.high, _MOST)] for span in side]


def _all_known(old: Sequence[Span], new: Sequence[Span]) -> bool:
    return all(span.known for span in (*old, *new))


def _notes(
    judgement: Judgement, interval: _Bounds, old: Sequence[Span], new: Sequence[Span]
) -> tuple[AnyInconclusive, ...]:
    """Return what would decide it: more runs, unless limits are unknown."""
    if judgement.verdict is not MetricVerdict.INCONCLUSIVE or not interval.open:
        return judgement.notes
    if min(len(old), len(new)) < MIN_REPLICATES:
        return _spread_unknown(old, new)
    return (*_unknown("old", old), *_unknown("new", new))


def _spread_unknown(old: Sequence[Span], new: Sequence[Span]) -> tuple[AnyInconclusive, ...]:
    fewest = min(len(old), len(new))
    more = MoreReplicates(
        more=MIN_REPLICATES - fewest, of=Replicates.RUNS, side="smaller", fewest=fewest
    )
    return (*_unknown("old", old), *_unknown("new", new), more)


def _unknown(side: Side, spans: Sequence[Span]) -> Iterator[LimitsUnknown]:
    """Yield which limits of a side are not known, if any."""
    above, below = sum(span.above for span in spans), sum(span.below for span in spans)
    bracketed = sum(not span.known for span in spans) - above - below
    if above or below or bracketed:
        yield LimitsUnknown(
            side=side, limits=len(spans), above=above, below=below, bracketed=bracketed
        )
