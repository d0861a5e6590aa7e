"""The ratio of two limits, with its interval, and the verdict.

Each limit is where a line through the repetitions around it crosses the SLO's bound, and the
bootstrap that makes its interval draws such crossings (:mod:`krobench.analysis.scaling.crossing`).
The sides are independent of each other, so a ratio is drawn by dividing any draw of the one by any
of the other. As for a limit, percentiles of the draws are expanded after Hesterberg, here by the
degrees of freedom of both sides together, after Welch and Satterthwaite.

Where one side has met, or missed, the SLOs at all sizes, its limit is only known to lie beyond a
size. That rests on as little as one repetition there, which may have been a lucky one: so this size
is drawn too, with the scatter that single repetitions have on the other side. What follows is what
the ratio is at least, or at most.

All of that is within one run each: of a drift between the two runs, it knows nothing. Several runs
a side do (:mod:`.limitruns`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import variance

from krobench.analysis.comparison.verdicts import by_interval, times_needed
from krobench.analysis.scaling.crossing import Crossing
from krobench.analysis.scaling.limit import limit_and_crossing
from krobench.analysis.scaling.words import at_least, at_most, sized
from krobench.analysis.statistics.bootstrap import Interval
from krobench.analysis.statistics.resampling import expanded_ends, seeded
from krobench.analysis.statistics.welch import combined_error
from krobench.api.specs.axis import Axis
from krobench.api.specs.scaletest import MAX_REPEATS
from krobench.findings.comparison import Better, MetricVerdict
from krobench.findings.scaling import Limit, LimitState, ScaleRecord

_PAIRS = 4000
_STREAM = 1  # of random numbers: the crossings were drawn with the first
_FURTHEST = 300.0
"""Of a logarithm: what lies further is no number of anything."""


@dataclass(frozen=True)
class MeasuredLimit:
    """The limit of one scale test, and what its interval is made from."""

    side: str
    """``old`` or ``new``."""
    axis: Axis
    limit: Limit
    crossing: Crossing | None
    """None where it is not known with an interval."""
    repetitions: int
    """The fewest of the two sizes that it lies between."""

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
    note: str | None = None
    """Why there is no verdict, and what would do."""
    p: float | None = None
    """Of runs; None within a run each, which is no matter of ranks."""

    @property
    def numbers(self) -> dict[str, float]:
        """Return what is known of the ratio, by the names of a :class:`ScaleComparison`."""
        found = {"ratio": self.ratio, "ratio_low": self.low, "ratio_high": self.high, "p": self.p}
        return {name: value for name, value in found.items() if value is not None}


def measure_limit(side: str, scale: ScaleRecord, slos: Sequence[str]) -> MeasuredLimit:
    """Return the limit that the steps of a scale test tell."""
    limit, crossing = limit_and_crossing(scale.steps, slos, scale.axis, scale.stopped)
    around = {limit.last_met, limit.first_breach}
    judged = [
        sum(trial.met is not None for trial in step.trials)
        for step in scale.steps
        if step.size in around
    ]
    return MeasuredLimit(side, scale.axis, limit, crossing, min(judged, default=0))


def compare_limits(old: MeasuredLimit, new: MeasuredLimit, minimum_effect: float) -> LimitRatio:
    """Return the ratio of two limits along the same axis; a larger limit is better."""
    if old.crossing is not None and new.crossing is not None:
        return _of_crossings(old, new, minimum_effect)
    if old.crossing is not None and new.beyond is not None:
        return _of_beyond(old.crossing, new, new.beyond, minimum_effect)
    if new.crossing is not None and old.beyond is not None:
        return _of_beyond(new.crossing, old, old.beyond, minimum_effect)
    unknown = [side for side in (old, new) if side.crossing is None]
    return LimitRatio(MetricVerdict.INCONCLUSIVE, note="; ".join(map(_why_unknown, unknown)))


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
    note = None
    if verdict is MetricVerdict.INCONCLUSIVE:
        note = _what_would_do(interval, minimum_effect, min(old.repetitions, new.repetitions))
    return LimitRatio(verdict, interval.ratio, interval.low, interval.high, note)


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
    return LimitRatio(found.verdict, low=found.low, high=found.high, note=_why_unknown(unknown))


def _exp(logarithm: float) -> float:
    return math.exp(max(-_FURTHEST, min(logarithm, _FURTHEST)))


def _what_would_do(interval: Interval, minimum_effect: float, repetitions: int) -> str:
    needed = repetitions * times_needed(interval, minimum_effect)
    if needed > MAX_REPEATS:
        return (
            f"too close to the minimum effect even for {MAX_REPEATS} repetitions (spec.repeats), "
            "the most there may be"
        )
    more = max(repetitions + 1, math.ceil(needed))
    return (
        f"about {more} repetitions of the sizes that decide (spec.repeats) on both sides, where "
        f"there were {repetitions}"
    )


def _why_unknown(unknown: MeasuredLimit) -> str:
    """Say why a limit has no interval, and what would give it one."""
    limit, axis, beyond = unknown.limit, unknown.axis, unknown.beyond
    if beyond is not None:
        steps = "larger" if beyond.above else "smaller"
        return (
            f"the limit of the {unknown.side} side lies {'above' if beyond.above else 'below'} "
            f"{sized(beyond.size, axis)}: {steps} steps would find it"
        )
    if limit.low is None or limit.high is None:
        return f"no step of the {unknown.side} side says whether kro met the SLOs"
    return (
        f"the limit of the {unknown.side} side is known without an interval, between "
        f"{at_most(limit.low, axis)} and {at_least(limit.high, axis)}: it takes an SLO that is a "
        "bound of one figure, and repetitions of both sizes (spec.repeats)"
    )
