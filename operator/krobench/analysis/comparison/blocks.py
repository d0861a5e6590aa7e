"""Comparing the variants of one run, block by block.

A block starts kro with each variant once, in an order that a coin draws, and measures the same with
each. So what drifts from block to block is on both sides, and the two values of a block are a pair.
The tests are exact by flipping whole blocks (:mod:`krobench.analysis.statistics.flips`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from krobench.analysis.comparison.estimates import numbers_of
from krobench.analysis.comparison.metrics import by_change, detectable, rounded
from krobench.analysis.comparison.rules import WHERE_AVAILABLE, Rules
from krobench.analysis.statistics.flips import (
    ALPHA,
    Differences,
    Look,
    crossed,
    p_values,
    shift_of,
)
from krobench.analysis.statistics.significance import Interval
from krobench.api.specs.decide import MOST_BLOCKS
from krobench.figures.figure import Per, Unit, unit_of
from krobench.findings.comparison import (
    AnyInconclusive,
    Better,
    MetricComparison,
    MetricVerdict,
    NotMeasured,
    Replicates,
    TooFewBlocks,
    Undecided,
)
from krobench.record.test import IterationRecord

FEWEST_BLOCKS = 6
"""With fewer, the smallest p of flipping blocks is above 0.05."""
LOOKS = (8, 12, 16, 20, MOST_BLOCKS)

Numbers = Mapping[str, float | None]
Blocks = Mapping[int, Numbers]
"""The numbers of one test with one variant, by the block."""


def blocks_of(iterations: Sequence[IterationRecord]) -> Blocks:
    """Return the numbers of the measured iterations, by the block (one an iteration)."""
    return {each.visit: numbers_of(each) for each in iterations if each.success and not each.warmup}


@dataclass(frozen=True)
class Paired:
    """A metric of a test in the blocks that both variants have."""

    test: str
    metric: str
    old: Sequence[float | None]
    new: Sequence[float | None]

    @property
    def pairs(self) -> Sequence[tuple[float, float] | None]:
        both = zip(self.old, self.new, strict=True)
        return [None if a is None or b is None else (a, b) for a, b in both]

    @property
    def has_ratio(self) -> bool:
        return all(min(pair) > 0 for pair in self.pairs if pair is not None)

    @property
    def differences(self) -> Differences:
        """Of logarithms; of the values themselves if one is zero."""
        scale = math.log if self.has_ratio else float
        return [None if pair is None else scale(pair[1]) - scale(pair[0]) for pair in self.pairs]


def pair(
    old: Mapping[str, Blocks], new: Mapping[str, Blocks], rules: Rules
) -> tuple[list[Paired], int]:
    """Return the primary metrics of all tests, and how many blocks they have."""
    both = [block for side in (old, new) for test in side.values() for block in test]
    count = 1 + max(both, default=-1)
    found = []
    for test in old:
        for metric in rules.primary_metrics:
            sides = [
                [side[test].get(block, {}).get(metric) for block in range(count)]
                for side in (old, new)
            ]
            if metric not in rules.primary and metric in WHERE_AVAILABLE:
                continue  # in blocks of a few seconds, a tail is of a handful of instances
            found.append(Paired(test, metric, sides[0], sides[1]))
    return found, count


def judge_blocks(
    metrics: Sequence[Paired], blocks: int, rules: Rules, *, sequential: bool
) -> list[MetricComparison]:
    """Return each metric with a verdict.

    ``sequential``: the run looks at its blocks several times, and may end after each look.
    """
    known = [metric for metric in metrics if any(metric.pairs)]
    differences = [metric.differences for metric in known]
    adjusted: list[float | None] = [None] * len(known)
    if sequential:
        found = set().union(*crossed(differences, looks_of(blocks), MOST_BLOCKS))
    else:
        corrected = p_values(differences, blocks)
        found = {index for index, p in enumerate(corrected) if p <= ALPHA}
        adjusted = list(corrected)
    position = {id(metric): index for index, metric in enumerate(known)}
    return [
        _judged(
            metric,
            rules,
            position[id(metric)] in found,
            adjusted[position[id(metric)]],
            by_decide=sequential,
        )
        if id(metric) in position
        else _missing(metric, rules)
        for metric in metrics
    ]


def looks_of(blocks: int) -> list[Look]:
    """Return the looks at so many blocks; one that no look was planned for spends what is left."""
    earlier = [Look(look, ALPHA * look / MOST_BLOCKS) for look in LOOKS if look < blocks]
    spent = ALPHA * blocks / MOST_BLOCKS if blocks in LOOKS else ALPHA
    return [*earlier, Look(blocks, spent)]


def counts(metric: MetricComparison, rules: Rules) -> bool:
    """Whether a comparison of blocks is undecided as long as this metric is.

    By default, latencies do not count: they follow the throughput, and scatter more.
    """
    return bool(rules.primary) or not metric.metric.startswith("latency.")


def decided(metrics: Sequence[MetricComparison], rules: Rules) -> bool:
    """Whether a run may end: something is worse, or nothing that counts is inconclusive."""
    if any(metric.verdict is MetricVerdict.WORSE for metric in metrics):
        return True
    return all(m.verdict is not MetricVerdict.INCONCLUSIVE for m in metrics if counts(m, rules))


def _judged(
    metric: Paired, rules: Rules, found: bool, adjusted_p: float | None, *, by_decide: bool
) -> MetricComparison:
    pairs = [each for each in metric.pairs if each is not None]
    shift, better = shift_of(metric.differences), rules.better(metric.metric)
    result = _shown(metric, rules, pairs)
    shares = (rules.minimum_effect, rules.excluded)
    effects = [math.log1p(each) for each in shares]
    changes: dict[str, object] = {"adjusted_p": adjusted_p and rounded(adjusted_p)}
    numbers = (shift.estimate, shift.low, shift.high)
    if metric.has_ratio:
        shown = [None if each is None else rounded(math.exp(each)) for each in numbers]
        changes |= dict(zip(("ratio", "ratio_low", "ratio_high"), shown, strict=True))
    else:
        shown = [None if each is None else rounded(each) for each in numbers]
        names = ("difference", "difference_low", "difference_high")
        changes |= dict(zip(names, shown, strict=True))
        effects = [_least_difference(metric.metric, pairs, each) for each in shares]
    verdict = MetricVerdict.INCONCLUSIVE
    note: AnyInconclusive | None = TooFewBlocks(
        had=len(pairs), needed=FEWEST_BLOCKS, by_decide=by_decide
    )
    if shift.low is not None and shift.high is not None:
        interval = Interval(shift.estimate, shift.low, shift.high)
        verdict, note = _verdict(interval, better, effects, found=found), None
        if verdict is MetricVerdict.INCONCLUSIVE:
            least = _detectable(interval, rules.minimum_effect) if metric.has_ratio else None
            note = Undecided(of=Replicates.BLOCKS, detectable=least)
    return result.model_copy(update={**changes, "verdict": verdict, "note": note})


def _verdict(
    change: Interval, better: Better, effects: Sequence[float], *, found: bool
) -> MetricVerdict:
    """``effects`` are the smallest change that counts, and the slow-down to be ruled out."""
    counting, excluded = effects
    verdict = by_change(change, better, counting)
    if verdict is MetricVerdict.SAME or (
        found and verdict in (MetricVerdict.BETTER, MetricVerdict.WORSE)
    ):
        return verdict
    slower = change.high if better is Better.LOWER else -change.low
    return MetricVerdict.NO_SLOWDOWN if slower < excluded else MetricVerdict.INCONCLUSIVE


def _detectable(interval: Interval, minimum_effect: float) -> float:
    ratio = Interval(*(math.exp(x) for x in (interval.ratio, interval.low, interval.high)))
    return rounded(detectable(ratio, minimum_effect))


def _least_difference(
    metric: str, pairs: Sequence[tuple[float, float]], minimum_effect: float
) -> float:
    larger = max(abs(median(old for old, _ in pairs)), abs(median(new for _, new in pairs)))
    whole = unit_of(metric) is Unit.COUNT and not metric.startswith(tuple(Per))
    return max(minimum_effect * larger, 1.0 if whole else 0.0)


def _shown(metric: Paired, rules: Rules, pairs: Sequence[tuple[float, float]]) -> MetricComparison:
    return MetricComparison(
        test=metric.test,
        metric=metric.metric,
        primary=True,
        better=rules.better(metric.metric),
        old_replicates=len(pairs),
        new_replicates=len(pairs),
        old_median=rounded(median(old for old, _ in pairs)) if pairs else None,
        new_median=rounded(median(new for _, new in pairs)) if pairs else None,
    )


def _missing(metric: Paired, rules: Rules) -> MetricComparison:
    known = {"old": metric.old, "new": metric.new}
    sides = [side for side, values in known.items() if all(value is None for value in values)]
    note = NotMeasured.model_validate({"sides": sides or ["old", "new"]})
    return _shown(metric, rules, []).model_copy(
        update={"verdict": MetricVerdict.INCONCLUSIVE, "note": note}
    )
