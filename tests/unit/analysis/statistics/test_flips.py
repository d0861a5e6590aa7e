import math
import random
from itertools import product

import pytest

from krobench.analysis.statistics.flips import (
    Look,
    crossed,
    factor_of,
    p_values,
    shift_of,
    without,
)


def drifting(rng: random.Random, blocks: int, effect: float = 0.0) -> list[list[float]]:
    """Return differences of three metrics in each block: they depend on each other, and the
    machine drifts from visit to visit."""
    state, found = 0.0, []
    for _ in range(blocks):
        visits = []
        for _ in range(2):
            state = 0.8 * state + rng.gauss(0, 0.03)
            visits.append(
                [state + rng.gauss(0, 0.02), -state + rng.gauss(0, 0.02), rng.gauss(0, 1)]
            )
        old, new = visits if rng.random() < 1 / 2 else visits[::-1]
        found.append([b - a for a, b in zip(old, new, strict=True)])
    metrics = [list(each) for each in zip(*found, strict=True)]
    metrics[0] = [each + effect for each in metrics[0]]
    return metrics


def test_p_is_the_share_of_flips_that_are_as_far_off() -> None:
    differences = [0.3, -0.1, 0.2, 0.5, 4.0]
    counted = [3, -1, 2, 5, 6]  # at most twice the median size
    far = sum(
        abs(sum(sign * each for sign, each in zip(signs, counted, strict=True))) >= 15
        for signs in product((1, -1), repeat=5)
    )
    assert p_values([differences], 5) == [far / 32]


def test_a_large_change_is_found_at_the_first_look_whatever_else_scatters() -> None:
    rng = random.Random(6)
    noise = [[rng.gauss(0, 0.1) for _ in range(8)] for _ in range(30)]
    large = [math.log(3) + rng.gauss(0, 0.1) for _ in range(8)]
    [found] = crossed([*noise, large], [Look(8, 0.05 * 8 / 24)], 24)
    assert found == {30}


def test_one_bad_block_hides_no_change() -> None:
    rng = random.Random(7)
    changed = [math.log(1.1) + rng.gauss(0, 0.02) for _ in range(12)]
    assert p_values([[*changed[:-1], -1.0]], 12)[0] < 0.05


def test_false_alarms_in_any_metric_are_as_rare_as_asked_for_whatever_drifts() -> None:
    rng = random.Random(1)
    alarms = sum(min(p_values(drifting(rng, 8), 8)) <= 0.05 for _ in range(200))
    assert alarms <= 17


def test_looking_several_times_raises_no_more_false_alarms() -> None:
    rng = random.Random(2)
    looks = [Look(blocks, 0.05 * blocks / 16) for blocks in (8, 12, 16)]
    alarms = sum(bool(set().union(*crossed(drifting(rng, 16), looks, 16))) for _ in range(60))
    assert alarms <= 6


def test_a_change_by_a_tenth_is_found_in_the_metric_that_has_it() -> None:
    rng = random.Random(3)
    looks = [Look(blocks, 0.05 * blocks / 16) for blocks in (8, 12, 16)]
    found = [crossed(drifting(rng, 16, math.log(1.1)), looks, 16)[-1] for _ in range(20)]
    assert sum(0 in each for each in found) >= 15
    assert sum(2 in each for each in found) <= 2


def test_a_metric_may_be_missing_in_a_block_or_not_differ_at_all() -> None:
    some = [0.1, None, 0.2, 0.15, 0.3, 0.12, 0.11, 0.13]
    p, none = p_values([some, [0.0] * 8], 8)
    assert p == pytest.approx(4 / 256)  # a flip of the block without it changes nothing
    assert none == 1.0


def test_the_estimate_is_in_its_interval_which_takes_six_blocks() -> None:
    few = shift_of([0.1, 0.2, 0.3, 0.2, 0.1])
    assert (few.low, few.high) == (None, None)
    six = shift_of([0.1, 0.2, 0.3, 0.25, 0.15, 0.22])
    assert (six.low, six.high) == (0.1, 0.3), "all means of two"
    assert six.estimate == pytest.approx(0.2, abs=0.02)


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = random.Random(4)
    held = 0
    for _ in range(300):
        shift = shift_of([0.1 + rng.gauss(0, 0.05) for _ in range(10)])
        assert shift.low is not None
        assert shift.high is not None
        held += shift.low <= 0.1 <= shift.high
    assert held >= 0.93 * 300


def test_a_covariate_explains_what_follows_it_whichever_way_blocks_are_flipped() -> None:
    rng = random.Random(5)
    control = [rng.gauss(0, 1) for _ in range(12)]
    differences = [0.05 + 0.1 * x + rng.gauss(0, 0.002) for x in control]
    factor = factor_of(differences, control)
    assert factor == pytest.approx(0.1, abs=0.05)
    signs = [1 if index % 3 else -1 for index in range(12)]
    flipped = factor_of(
        [s * d for s, d in zip(signs, differences, strict=True)],
        [s * x for s, x in zip(signs, control, strict=True)],
    )
    assert flipped == factor
    left = [each for each in without(differences, control) if each is not None]
    assert max(left) - min(left) < 0.5 * (max(differences) - min(differences))
    assert factor_of([0.1], [0.0]) == 0.0
