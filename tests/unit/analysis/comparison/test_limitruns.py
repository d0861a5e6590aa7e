"""What is said of sides of several scale tests, where runs drift and limits are cut off."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from krobench.analysis.comparison.limitruns import compare_limit_runs
from krobench.analysis.comparison.limits import LimitRatio
from krobench.analysis.comparison.spans import Span, median_span, rank_scores, span_of
from krobench.analysis.statistics.significance import mann_whitney
from krobench.findings.comparison import (
    LimitsUnknown,
    MetricVerdict,
    MoreReplicates,
    Replicates,
    Undecided,
)
from krobench.findings.scaling import Limit, LimitState

EFFECT = 0.05
THREE_MORE = MoreReplicates(more=3, of=Replicates.RUNS, side="smaller", fewest=1)
PAIRS = 20
WRONG = (MetricVerdict.BETTER, MetricVerdict.WORSE)


def at(*sizes: float) -> list[Span]:
    return [Span(size, size) for size in sizes]


def above(size: float) -> Span:
    return Span(size, math.inf)


def below(size: float) -> Span:
    return Span(0, size)


def drifting(
    rng: random.Random, drift: float, runs: int, limit: float = 1000, largest: float = math.inf
) -> list[Span]:
    """Return limits of alike runs of which each drifts, by tests of sizes up to ``largest``."""
    found = [limit * math.exp(rng.gauss(0, drift)) for _ in range(runs)]
    return [Span(size, size) if size < largest else above(largest) for size in found]


def compared(old: Sequence[Span], new: Sequence[Span], effect: float = EFFECT) -> LimitRatio:
    return compare_limit_runs(old, new, effect)


# Seeds are fixed: these are figures, and no draw of lots.
@pytest.mark.parametrize("drift", [0.03, 0.1])
@pytest.mark.parametrize("largest", [math.inf, 1000])
def test_a_drift_between_runs_raises_few_false_alarms(drift: float, largest: float) -> None:
    rng = random.Random(1)
    found = [
        compared(drifting(rng, drift, 4, largest=largest), drifting(rng, drift, 4, largest=largest))
        for _ in range(PAIRS)
    ]
    assert sum(each.verdict in WRONG for each in found) <= 0.05 * PAIRS
    held = [(each.low or 0) <= 1 <= (each.high or math.inf) for each in found]
    assert sum(held) >= 0.9 * PAIRS


def test_a_change_that_is_larger_than_the_drift_is_found() -> None:
    rng = random.Random(2)
    found = [compared(drifting(rng, 0.03, 4), drifting(rng, 0.03, 4, 1300)) for _ in range(PAIRS)]
    assert all(each.verdict is MetricVerdict.BETTER for each in found)
    assert all(each.p == pytest.approx(0.0286, abs=1e-4) for each in found)


def test_without_drift_it_is_the_same() -> None:
    found = compared(at(1000, 1001, 1002, 1003), at(1001, 1002, 1003, 1004))
    assert found.verdict is MetricVerdict.SAME
    assert found.notes == ()
    assert found.ratio == pytest.approx(1.001, abs=1e-4)


def test_an_inconclusive_verdict_says_what_would_have_been_found() -> None:
    found = compared(at(900, 1000, 1100, 1000), at(990, 1090, 1190, 1090))
    assert found.verdict is MetricVerdict.INCONCLUSIVE
    [note] = found.notes
    assert isinstance(note, Undecided)
    assert note.detectable is not None
    assert note.detectable > 0.1
    few = compared(at(1000, 1001), at(1500, 1501))
    assert (few.verdict, few.low, few.high) == (MetricVerdict.INCONCLUSIVE, None, None)
    assert few.ratio == pytest.approx(1.5, abs=0.001)
    assert few.notes == (MoreReplicates(more=2, of=Replicates.RUNS, side="either", fewest=2),)


def test_a_few_runs_are_held_against_the_spread_of_several() -> None:
    several = at(980, 1000, 1010, 1020)
    assert compared(several, at(1500)).verdict is MetricVerdict.BETTER
    assert compared(several, at(500, 510)).verdict is MetricVerdict.WORSE
    assert compared(several, at(1040)).verdict is MetricVerdict.INCONCLUSIVE


def test_limits_above_all_sizes_are_better_by_at_least_so_much() -> None:
    old = at(990, 1000, 1010, 1020)
    found = compared(old, [above(1600)] * 4)
    assert (found.verdict, found.ratio, found.high) == (MetricVerdict.BETTER, None, None)
    assert 1.56 < (found.low or 0) < 1.62
    turned = compared([above(1600)] * 4, old)
    assert (turned.verdict, turned.low) == (MetricVerdict.WORSE, None)
    assert turned.high == pytest.approx(1 / (found.low or 0), rel=0.01)


def test_limits_below_all_sizes_are_worse_by_at_least_so_much() -> None:
    found = compared(at(990, 1000, 1010, 1020), [below(100)] * 4)
    assert (found.verdict, found.ratio, found.low) == (MetricVerdict.WORSE, None, None)
    assert 0.09 < (found.high or 0) < 0.11


def test_one_run_of_several_above_all_sizes_leaves_the_median_known() -> None:
    found = compared(at(990, 1000, 1010, 1020, 1030), [*at(1300, 1310, 1320, 1330), above(1600)])
    assert found.verdict is MetricVerdict.BETTER
    assert found.ratio == pytest.approx(1320 / 1010)


def test_limits_that_were_not_reached_but_may_be_alike_are_inconclusive_with_the_reason() -> None:
    found = compared(at(990, 1000, 1010, 1020), [*at(1000, 1010), above(1000), above(1000)])
    assert found.verdict is MetricVerdict.INCONCLUSIVE
    assert found.notes == (LimitsUnknown(side="new", limits=4, above=2),)
    neither = compared([above(320)] * 4, [above(320)] * 4)
    assert (neither.verdict, neither.low, neither.high) == (MetricVerdict.INCONCLUSIVE, None, None)


def test_smaller_sizes_on_one_side_are_no_evidence() -> None:
    """The old tests ended at 320 while the new ones went on: nothing says which limit is larger."""
    found = compared([above(320)] * 4, at(1000, 1010, 1020, 1030))
    assert found.verdict is MetricVerdict.INCONCLUSIVE
    assert found.p == 1


def test_brackets_count_with_all_that_they_leave_open() -> None:
    brackets = [Span(1600, 1700)] * 4
    found = compared(at(990, 1000, 1010, 1020), brackets)
    assert (found.verdict, found.ratio) == (MetricVerdict.BETTER, None)
    assert (found.low or 0) < 1600 / 1005 < 1700 / 1005 < (found.high or 0)
    open_ = compared(brackets, at(1610, 1650, 1660, 1690))
    assert open_.verdict is MetricVerdict.INCONCLUSIVE
    assert open_.notes == (LimitsUnknown(side="old", limits=4, bracketed=4),)


def test_the_spread_of_runs_needs_limits_that_are_known() -> None:
    found = compared(at(990, 1000, 1010, 1020), [above(1600)])
    assert (found.verdict, found.numbers) == (MetricVerdict.INCONCLUSIVE, {})
    assert found.notes == (LimitsUnknown(side="new", limits=1, above=1), THREE_MORE)


def crossings(single: float, *sizes: float) -> list[Span]:
    """Return limits of runs whose single repetitions scatter."""
    return [Span(size, size, single) for size in sizes]


def test_one_run_far_above_its_sizes_is_better_than_several_by_at_least_so_much() -> None:
    several = crossings(0.02, 980, 1000, 1010, 1020)
    found = compared(several, [above(1600)])
    assert (found.verdict, found.ratio, found.high) == (MetricVerdict.BETTER, None, None)
    assert 1.3 < (found.low or 0) < 1600 / 1005
    assert found.notes == ()
    turned = compared([above(1600)], several)
    assert (turned.verdict, turned.ratio, turned.low) == (MetricVerdict.WORSE, None, None)
    assert turned.high == pytest.approx(1 / (found.low or 0))
    assert turned.p == found.p


def test_one_run_far_below_its_sizes_is_worse_than_several_by_at_least_so_much() -> None:
    found = compared(crossings(0.02, 980, 1000, 1010, 1020), [below(500)])
    assert (found.verdict, found.ratio, found.low) == (MetricVerdict.WORSE, None, None)
    assert 500 / 1005 < (found.high or 0) < 0.6
    turned = compared([below(500)], crossings(0.02, 980, 1000, 1010, 1020))
    assert turned.verdict is MetricVerdict.BETTER


@pytest.mark.parametrize(("single", "size"), [(0.3, 1600), (0.02, 1020), (0.02, 700)])
def test_what_luck_or_drift_may_explain_is_inconclusive_and_says_what_to_do(
    single: float, size: float
) -> None:
    found = compared(crossings(single, 980, 1000, 1010, 1020), [above(size)])
    assert found.verdict is MetricVerdict.INCONCLUSIVE
    assert found.notes == (LimitsUnknown(side="new", limits=1, above=1), THREE_MORE)


def test_two_runs_beyond_their_sizes_have_a_spread_that_is_not_known() -> None:
    several = crossings(0.02, 980, 1000, 1010, 1020)
    for new in ([above(1600)] * 2, [*at(1500), above(1600)]):
        found = compared(several, new)
        assert (found.verdict, found.numbers) == (MetricVerdict.INCONCLUSIVE, {})
        assert found.notes[-1] == MoreReplicates(
            more=2, of=Replicates.RUNS, side="smaller", fewest=2
        )


def test_sizes_that_end_just_beyond_the_limit_raise_few_false_alarms() -> None:
    rng = random.Random(4)
    wrong = 0
    for _ in range(400):
        old = [replace(span, single=0.2) for span in drifting(rng, 0.03, 5)]
        [limit] = drifting(rng, 0.03, 1)
        largest = 1000 * rng.uniform(1.0, 1.8)
        lucky = limit.low * math.exp(rng.gauss(0, 0.2)) >= largest
        wrong += lucky and compared(old, [above(largest)]).verdict in WRONG
    assert wrong <= 20


def test_scores_of_known_limits_have_the_ranks_of_the_limits() -> None:
    rng = random.Random(3)
    sizes = [rng.choice([100.0, 110.0, 120.0, 130.0, 140.0]) for _ in range(9)]
    scores = rank_scores(at(*sizes))
    assert mann_whitney(scores[:4], scores[4:]) == mann_whitney(sizes[:4], sizes[4:])
    assert rank_scores([*at(100, 300), above(200), below(150)]) == [-2, 2, 2, -2]


@pytest.mark.parametrize(
    ("limit", "span"),
    [
        (Limit(state=LimitState.NOT_REACHED, size=320, last_met=320), above(320)),
        (Limit(state=LimitState.UNDECIDED, last_met=80), above(80)),
        (Limit(state=LimitState.UNDECIDED), None),
        (Limit(state=LimitState.BELOW_FIRST, first_breach=50), below(50)),
        (Limit(state=LimitState.FOUND, size=4, low=4, high=8, method="bracket"), Span(4, 8)),
        (Limit(state=LimitState.FOUND, size=6, low=4, high=8, method="crossing"), Span(6, 6)),
    ],
)
def test_each_kind_of_limit_has_its_span(limit: Limit, span: Span | None) -> None:
    assert span_of(limit) == span


def test_the_median_is_known_if_most_limits_are() -> None:
    assert median_span([*at(100, 110), above(120)]) == Span(110, 110)
    assert median_span([*at(100), above(120), above(130)]) == above(120)
