from bench.limits import spread_of
from krobench.findings.scaling import Limit, LimitState


def found(size: float) -> Limit:
    return Limit(state=LimitState.FOUND, size=size)


def test_limits_near_their_median_reproduce() -> None:
    spread = spread_of([found(95), found(100), found(109)])
    assert spread is not None
    assert (spread.middle, round(spread.furthest_ratio, 3), spread.reproduces) == (100, 0.09, True)


def test_one_that_is_far_off_does_not() -> None:
    spread = spread_of([found(85), found(100), found(101)])
    assert spread is not None
    assert not spread.reproduces


def test_a_run_without_a_limit_leaves_no_spread() -> None:
    assert spread_of([found(100), Limit(state=LimitState.NOT_REACHED, size=400)]) is None
    assert spread_of([]) is None
