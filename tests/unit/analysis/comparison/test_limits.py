"""What is said of two limits, held against simulated searches whose truth is known."""

import math
import random

import pytest

from bench.searches import FIGURE, SLO, TRUTHS, Search, size_record
from krobench.analysis.comparison.limits import LimitRatio, MeasuredLimit, compare_limits
from krobench.analysis.comparison.limits import measure_limit as measure
from krobench.api.specs.scaletest import Axis
from krobench.findings.comparison import (
    LimitsUnknown,
    MetricVerdict,
    Side,
)
from krobench.findings.scaling import (
    AnyStop,
    BudgetUsedUp,
    LimitState,
    ScaleRecord,
    SizeRecord,
    SizeVerdict,
    SloMissed,
)

EFFECT = 0.05
SHAPES = ("proportional", "queue")
PAIRS = 30
WRONG = (MetricVerdict.BETTER, MetricVerdict.WORSE)


def limit(side: Side, *measured: SizeRecord, stopped: AnyStop | None = None) -> MeasuredLimit:
    scale = ScaleRecord(axis=Axis.INSTANCES, sizes=list(measured), stopped=stopped)
    return measure(side, scale, [SLO])


def searched(side: Side, shape: str, scatter: float, seed: int, factor: float = 1) -> MeasuredLimit:
    """Return what a search finds of a limit that is ``factor`` times 1000."""

    def truth(size: float) -> float:
        return TRUTHS[shape](size / factor)

    return limit(side, *Search(truth, scatter, seed).sizes())


def once(side: Side, shape: str, scatter: float, seed: int, *sizes: float) -> MeasuredLimit:
    """Return what is known after each size was measured once."""
    rng = random.Random(seed)
    measured = [size_record(s, TRUTHS[shape](s) * math.exp(rng.gauss(0, scatter))) for s in sizes]
    return limit(side, *measured)


def compared(shape: str, scatter: float, factor: float) -> list[LimitRatio]:
    found = [
        compare_limits(
            searched("old", shape, scatter, seed),
            searched("new", shape, scatter, 1000 + seed, factor),
            EFFECT,
        )
        for seed in range(PAIRS)
    ]
    return [each for each in found if each.ratio is not None]


def holds(found: LimitRatio, truth: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


# Seeds are fixed: these are figures, and no draw of lots.
@pytest.mark.parametrize("scatter", [0.02, 0.2])
@pytest.mark.parametrize("shape", SHAPES)
def test_alike_limits_are_seldom_called_better_or_worse(shape: str, scatter: float) -> None:
    found = compared(shape, scatter, 1)
    assert len(found) >= 0.8 * PAIRS
    assert sum(each.verdict in WRONG for each in found) <= 0.05 * len(found)
    assert sum(holds(each, 1) for each in found) >= 0.95 * len(found)


@pytest.mark.parametrize(("scatter", "share"), [(0.02, 0.8), (0.2, 0.2)])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_limit_that_is_larger_by_a_third_is_found_by_what_scatter_allows(
    shape: str, scatter: float, share: float
) -> None:
    found = compared(shape, scatter, 4 / 3)
    assert sum(holds(each, 4 / 3) for each in found) >= 0.95 * len(found)
    assert sum(each.verdict is MetricVerdict.BETTER for each in found) >= share * len(found)
    assert not any(each.verdict is MetricVerdict.WORSE for each in found)


def test_turned_around_the_ratio_is_its_inverse_and_better_is_worse() -> None:
    old, new = searched("old", "square", 0.02, 3, 1.0), searched("new", "square", 0.02, 3, 1.5)
    there = compare_limits(old, new, EFFECT)
    old, new = searched("old", "square", 0.02, 3, 1.5), searched("new", "square", 0.02, 3, 1.0)
    back = compare_limits(old, new, EFFECT)
    assert (there.verdict, back.verdict) == (MetricVerdict.BETTER, MetricVerdict.WORSE)
    assert there.ratio == pytest.approx(1 / (back.ratio or 0))
    assert there.low == pytest.approx(1 / (back.high or 0), rel=0.01)


def test_same_needs_the_whole_interval_within_the_minimum_effect() -> None:
    old, new = searched("old", "square", 0.02, 1), searched("new", "square", 0.02, 2)
    assert compare_limits(old, new, 0.05).verdict is MetricVerdict.SAME
    assert compare_limits(old, new, 0.001).verdict is MetricVerdict.INCONCLUSIVE


@pytest.mark.parametrize(("last", "state"), [(1050, LimitState.NOT_REACHED), (3000, None)])
def test_a_limit_beyond_all_sizes_is_better_only_if_luck_does_not_explain_it(
    last: float, state: LimitState | None
) -> None:
    """With 20 % of scatter, 1050 is met by chance now and then where the limit is 1000."""
    verdicts = []
    for seed in range(PAIRS):
        old = searched("old", "proportional", 0.2, seed)
        new = once("new", "proportional", 0.2, 500 + seed, 100, last)
        if old.crossing is not None and new.limit.state is LimitState.NOT_REACHED:
            verdicts.append(compare_limits(old, new, EFFECT).verdict)
    assert bool(verdicts) == (state is LimitState.NOT_REACHED)
    assert sum(verdict in WRONG for verdict in verdicts) <= 0.05 * len(verdicts)


def test_a_limit_far_beyond_all_sizes_is_better_by_at_least_so_much() -> None:
    old = searched("old", "proportional", 0.02, 1)
    new = limit("new", size_record(100, 0.01), size_record(8000, 0.4))
    found = compare_limits(old, new, EFFECT)
    assert (found.verdict, found.ratio, found.high) == (MetricVerdict.BETTER, None, None)
    assert 7.2 < (found.low or 0) < 8
    turned = compare_limits(
        limit("old", size_record(100, 0.01), size_record(8000, 0.4)),
        searched("new", "proportional", 0.02, 1),
        EFFECT,
    )
    assert (turned.verdict, turned.low) == (MetricVerdict.WORSE, None)
    assert turned.high == pytest.approx(1 / (found.low or 0), rel=0.01)


def test_a_limit_below_the_smallest_size_is_worse_by_at_least_so_much() -> None:
    old = searched("old", "proportional", 0.02, 1)
    found = compare_limits(old, limit("new", size_record(100, 3.0)), EFFECT)
    assert (found.verdict, found.low) == (MetricVerdict.WORSE, None)
    assert 0.1 <= (found.high or 0) < 0.12


def test_a_test_that_was_stopped_before_a_breach_counts_as_far_as_it_got() -> None:
    new = limit(
        "new", size_record(100, 0.01), size_record(8000, 0.4), stopped=BudgetUsedUp(duration="1h")
    )
    assert new.limit.state is LimitState.UNDECIDED
    found = compare_limits(searched("old", "proportional", 0.02, 1), new, EFFECT)
    assert found.verdict is MetricVerdict.BETTER


def test_beyond_but_close_is_inconclusive_and_says_which_sizes_to_add() -> None:
    old = searched("old", "proportional", 0.2, 1)
    found = compare_limits(
        old, limit("new", size_record(100, 0.01), size_record(1000, 0.9)), EFFECT
    )
    assert found.verdict is MetricVerdict.INCONCLUSIVE
    assert found.notes == (LimitsUnknown(side="new", limits=1, above=1, low=1000),)


def test_two_limits_that_were_not_found_have_no_ratio() -> None:
    beyond = limit("old", size_record(320, 0.1)), limit("new", size_record(100, 2.0))
    found = compare_limits(*beyond, EFFECT)
    assert (found.verdict, found.numbers) == (MetricVerdict.INCONCLUSIVE, {})
    assert found.notes == (
        LimitsUnknown(side="old", limits=1, above=1, low=320),
        LimitsUnknown(side="new", limits=1, below=1, high=100),
    )


def test_a_bracket_has_no_interval_and_says_what_would_give_one() -> None:
    old = searched("old", "proportional", 0.02, 1)
    found = compare_limits(old, limit("new", size_record(10, 0.1), size_record(20, 2.0)), EFFECT)
    assert (found.verdict, found.numbers) == (MetricVerdict.INCONCLUSIVE, {})
    assert found.notes == (LimitsUnknown(side="new", limits=1, bracketed=1, low=10, high=20),)
    nothing = compare_limits(old, limit("new"), EFFECT)
    assert nothing.notes == (LimitsUnknown(side="new", limits=1),)


def test_the_figure_may_be_another_on_each_side() -> None:
    assert FIGURE in SLO
    slos = [f"{FIGURE} < 1.0", "throughput.instancesPerSecond > 5.0"]
    old = searched("old", "proportional", 0.02, 1)
    measured = []
    for size in (900.0, 1000.0, 1100.0):
        made = size_record(size, *[0.5] * 3)
        for index, trial in enumerate(made.iterations):
            rate = 5.0 * (1000 / size) ** 2 * (1 + 0.002 * index)
            trial.values["throughput.instancesPerSecond"] = rate
            trial.met = rate > 5.0
            missed = SloMissed(slo=slos[1], measured={"throughput.instancesPerSecond": rate})
            trial.breached = [] if trial.met else [missed]
        met = sum(trial.met is True for trial in made.iterations) >= 2
        made.verdict = SizeVerdict.MET if met else SizeVerdict.BREACHED
        measured.append(made)
    new = measure("new", ScaleRecord(axis=Axis.INSTANCES, sizes=measured), slos)
    assert new.limit.breached == slos[1]
    found = compare_limits(old, new, EFFECT)
    assert found.ratio == pytest.approx(1, abs=0.03)
