"""The ratio of the limits of two scale tests.

Each limit is where a line through the iterations around it crosses the
SLO's bound, and the bootstrap behind its interval draws such crossings
(:mod:`krobench.analysis.scaling.limit`). The sides are independent, so a ratio is drawn by dividing
any draw of one side by any draw of the other. As for a limit, the percentiles are expanded after
Hesterberg, here by the joint degrees of freedom of both sides (Welch and Satterthwaite).

If one side met or missed the SLOs at all sizes, its limit is only known to be above or below a
size. That may rest on a single lucky iteration, so the size is drawn too, with the scatter that
single iterations have on the other side. The result is a lower or an upper bound of the ratio.

This uses one run a side and can't see a drift between the two runs: what it calls better or worse
holds for these two runs only. Several runs a side can give a verdict about kro
(:mod:`.limitruns`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import variance

from krobench.analysis.comparison.metrics import by_interval
from krobench.analysis.scaling.limit import Crossing, limit_and_crossing
from krobench.analysis.statistics.bootstrap import expanded_ends, seeded
from krobench.analysis.statistics.intervals import combined_error
from krobench.analysis.statistics.significance import Interval
from krobench.findings.comparison import (
    AnyInconclusive,
    Better,
    LimitsUnknown,
    MetricVerdict,
    Side,
)
from krobench.findings.scaling import Limit, LimitState, ScaleRecord

_PAIRS = 4000
_STREAM = 1  # of random numbers: the crossings were drawn with the first
_FURTHEST = 300.0
"""Of a logarithm: a value beyond is not meaningful."""


@dataclass(frozen=True)
class MeasuredLimit:
    """The limit of one scale test, and what its interval is made from."""

    side: Side
    limit: Limit
    crossing: Crossing | None
    """None if it is not known with an interval."""

    @property
    def beyond(self) -> "_Beyond | None":
        """What is known of a limit that lies beyond the sizes that were tried."""
        match self.limit.state:
            case LimitState.NOT_REACHED | LimitState.UNDECIDED if self.limit.last_met is not None:
                return _Beyond(self.limit.last_met, above=True)
            case LimitState.BELOW_FIRST if self.limit.first_breach is not None:
                return _Beyond(self.limit.first_breach, above=False)
        return None


@dataclass(frozen=True)
class _Beyond:
    """A size that a limit lies above, or below."""

    size: float
    above: bool


@dataclass(frozen=True)
class LimitRatio:
    """The new limit over the old one."""

    verdict: MetricVerdict
    ratio: float | None = None
    low: float | None = None
    """Lower end of the interval at 95 %; without a ratio, what it is at least."""
    high: float | None = None
    notes: tuple[AnyInconclusive, ...] = ()
    """Why there is no verdict, and what would decide it."""
    p: float | None = None
    """Of runs; None for single runs, which have no rank test."""

    @property
    def numbers(self) -> dict[str, float]:
        """Return what is known of the ratio, by the names of a :class:`ScaleComparison`."""
        found = {"ratio": self.ratio, "ratio_low": self.low, "ratio_high": self.high, "p": self.p}
        return {name: value for name, value in found.items() if value is not None}


def measure_limit(side: Side, scale: ScaleRecord, slos: Sequence[str]) -> MeasuredLimit:
    """Return the limit that follows from the sizes of a scale test."""
    limit, crossing = limit_and_crossing(scale.sizes, slos, scale.stopped)
    return MeasuredLimit(side, limit, crossing)


def compare_limits(old: MeasuredLimit, new: MeasuredLimit, minimum_effect: float) -> LimitRatio:
    """Return the ratio of two limits along the same axis; a larger limit is better."""
    if old.crossing is not None and new.crossing is not None:
        return _of_crossings(old, new, minimum_effect)
    if old.crossing is not None and new.beyond is not None:
        return _of_beyond(old.crossing, new, new.beyond, minimum_effect)
    if new.crossing is not None and old.beyond is not None:
        return _of_beyond(new.crossing, old, old.beyond, minimum_effect)
    unknown = [side for side in (old, new) if side.crossing is None]
    return LimitRatio(MetricVerdict.INCONCLUSIVE, notes=tuple(map(_unknown, unknown)))


def _of_crossings(old: MeasuredLimit, new: MeasuredLimit, minimum_effect: float) -> LimitRatio:
    assert old.crossing is not None
    assert new.crossing is not None
    before, after = old.crossing.draws, new.crossing.draws
    rng = seeded(_STREAM)
    drawn = [rng.choice(after.crossings) - rng.choice(before.crossings) for _ in range(_PAIRS)]
    spread = combined_error(
        [variance(side.crossings) for side in (before, after)], [before.degrees, after.degrees]
    )
    low, high = expanded_ends(drawn, spread.degrees)
    ratio = math.log(new.crossing.size / old.crossing.size)
    interval = Interval(_exp(ratio), _exp(min(low, ratio)), _exp(max(high, ratio)))
    verdict = by_interval(interval, Better.HIGHER, minimum_effect)
    return LimitRatio(verdict, interval.ratio, interval.low, interval.high)


def _of_beyond(
    crossing: Crossing, unknown: MeasuredLimit, beyond: _Beyond, minimum_effect: float
) -> LimitRatio:
    turn = 1 if unknown.side == "new" else -1
    draws, size = crossing.draws, math.log(beyond.size)
    rng = seeded(_STREAM)
    drawn = [
        turn * (size + rng.choice(draws.single) - rng.choice(draws.crossings))
        for _ in range(_PAIRS)
    ]
    bare = turn * (size - math.log(crossing.size))
    low, high = (_exp(end) for end in expanded_ends(drawn, draws.degrees))
    if beyond.above == (turn > 0):
        interval = Interval(_exp(bare), min(low, _exp(bare)), math.inf)
        found = LimitRatio(by_interval(interval, Better.HIGHER, minimum_effect), low=interval.low)
    else:
        interval = Interval(_exp(bare), 1 / _exp(_FURTHEST), max(high, _exp(bare)))
        found = LimitRatio(by_interval(interval, Better.HIGHER, minimum_effect), high=interval.high)
    if found.verdict is not MetricVerdict.INCONCLUSIVE:
        return found
    return LimitRatio(found.verdict, low=found.low, high=found.high, notes=(_unknown(unknown),))


def _exp(logarithm: float) -> float:
    return math.exp(max(-_FURTHEST, min(logarithm, _FURTHEST)))


def _unknown(measured: MeasuredLimit) -> LimitsUnknown:
    """Return why a limit has no interval."""
    limit, beyond = measured.limit, measured.beyond
    found = LimitsUnknown(side=measured.side, limits=1)
    if beyond is not None and beyond.above:
        return found.model_copy(update={"above": 1, "low": beyond.size})
    if beyond is not None:
        return found.model_copy(update={"below": 1, "high": beyond.size})
    if limit.low is None or limit.high is None:
        return found
    return found.model_copy(update={"bracketed": 1, "low": limit.low, "high": limit.high})
