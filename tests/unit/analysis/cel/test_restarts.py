import pytest
from unit.analysis.cel.test_costs import measured, result_of, samples, value

from krobench.analysis.cel.costs import summarise
from krobench.analysis.cel.samples import CelSamples, Restart, Spent
from krobench.figures.cel import CelRestartResults, Estimate

MINE = "mine"


def restarted(*slowness: float) -> CelSamples:
    """Return samples with restarts, each this many times as slow as a first one would be."""
    taken = samples(measured(MINE, 10e-6))
    taken.restarts_wanted = len(slowness)
    taken.restarts = [
        Restart(
            leading_seconds=slow,
            compiled_seconds=0.5 * slow,
            reconciled_seconds=3.0 * slow,
            revisions={MINE: 5, "field-access": 5},
            compiled=Spent(0.2 * slow, 10),
            first={MINE: Spent(50 * 20e-6 * slow, 50)},
            later={MINE: [Spent(50 * 10e-6 * slow, 50)]},
        )
        for slow in slowness
    ]
    return taken


def restart_of(taken: CelSamples) -> CelRestartResults:
    results = summarise(taken).restart
    assert results is not None
    return results


def ends(estimate: Estimate | None) -> tuple[float, float]:
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


def test_durations_after_restarts_that_differ_much_have_no_interval_below_zero() -> None:
    taken = restarted(1.0, 16.0)
    restart = restart_of(taken)
    assert value(restart.leading_seconds) == pytest.approx(4.0)
    assert value(restart.compile_seconds_per_rgd) == pytest.approx(0.4)
    first = result_of(summarise(taken), MINE).first_after_restart_seconds
    assert value(first) == pytest.approx(80e-6)
    for estimate in (
        restart.leading_seconds,
        restart.compiled_seconds,
        restart.reconciled_seconds,
        restart.compile_seconds_per_rgd,
        first,
    ):
        low, high = ends(estimate)
        assert low > 0
        assert low * high == pytest.approx(value(estimate) ** 2)


def test_what_a_copy_adds_to_compiling_is_a_difference_which_may_be_below_zero() -> None:
    low, high = ends(restart_of(restarted(1.0, 16.0)).compile_seconds_per_expression)
    assert low < 0 < high


def test_first_evaluations_are_compared_with_later_ones_of_the_same_process() -> None:
    ratio = result_of(summarise(restarted(1.0, 16.0)), MINE).first_after_restart_ratio
    assert value(ratio) == pytest.approx(2.0)
    assert ends(ratio) == pytest.approx((2.0, 2.0))


def test_restarts_and_not_expressions_are_the_replicates_of_what_holds_for_all() -> None:
    taken = restarted(1.0, 1.0)
    for restart, ratio in zip(taken.restarts, (1.0, 4.0), strict=True):
        later = restart.later[MINE][0]
        for name in (MINE, "field-access", "constants"):
            restart.later[name] = [later]
            restart.first[name] = Spent(later.seconds * ratio, later.count)
    [pattern] = [each for each in summarise(taken).patterns if each.name == "restart-evaluation"]
    assert (value(pattern.ratio), pattern.ratio.n) == (pytest.approx(2.0), 2)
    low, high = ends(pattern.ratio)
    assert low < 0.01
    assert high > 100


def test_one_restart_has_no_intervals() -> None:
    leading = restart_of(restarted(2.0)).leading_seconds
    assert leading is not None
    assert leading.model_dump() == {"value": pytest.approx(2.0), "low": None, "high": None, "n": 1}


def test_a_kro_that_keeps_no_revisions_has_none_to_compile() -> None:
    taken = restarted(1.0)
    taken.restarts[0].revisions.clear()
    taken.restarts[0].compiled = None
    restart = restart_of(taken)
    assert restart.compile_seconds_per_rgd is None
    assert "kept no revisions" in restart.unavailable["compileSecondsPerRgd"]


def test_what_was_not_seen_of_a_restart_is_not_available() -> None:
    taken = restarted(1.0)
    taken.restarts[0].compiled_seconds = None
    restart = restart_of(taken)
    assert restart.compiled_seconds is None
    assert "compiledSeconds" in restart.unavailable
