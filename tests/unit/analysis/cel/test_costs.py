from statistics import stdev

import pytest

from krobench.analysis.cel.costs import summarise
from krobench.analysis.cel.samples import CelIteration, CelSamples, Measured, Restart, Spent
from krobench.analysis.statistics.intervals import mean_interval, positive_interval, ratio_interval
from krobench.api.common import ErrorInfo
from krobench.api.specs.cel import CelLevel
from krobench.figures.cel import CelRestartResults, CelResults, CelState, Estimate
from krobench.figures.reasons.cel import ExpressionFailed, NoRevisionsKept
from krobench.figures.reasons.sources import NoPprof

CONSTANT_SECONDS = 1e-6
EMPTY_BUILD_SECONDS = 2e-3
COMPILE_SECONDS = 50e-6
COMPILED_BYTES = 4000.0
ROUNDS = 4


def measured(
    name: str, seconds: float, copies: int = 51, distinct: bool = True, drift: float = 0.1
) -> Measured:
    """Return an expression of this cost, in iterations that get slower and slower."""
    iterations = []
    for index in range(ROUNDS):
        slow = 1 + drift * index
        texts = copies if distinct else 1
        window = Spent(seconds * slow * texts * 2, texts * 2)
        iterations.append(
            CelIteration(
                windows=[window, window, Spent(window.seconds * 50, window.count)],
                reconciles=6,
                build=Spent((EMPTY_BUILD_SECONDS + (copies - 1) * COMPILE_SECONDS) * slow, 1),
                revision=Spent((EMPTY_BUILD_SECONDS + (copies - 1) * COMPILE_SECONDS) * slow, 1),
            )
        )
    held = dict.fromkeys(range(ROUNDS), 100_000 + (copies - 1) * COMPILED_BYTES)
    return Measured(
        name,
        f"text of {name}",
        "x",
        CelLevel.SIMPLE,
        copies,
        iterations=iterations,
        heap_growth=held,
    )


def samples(*further: Measured) -> CelSamples:
    return CelSamples(
        [
            measured("constants", CONSTANT_SECONDS),
            measured("one-constant", CONSTANT_SECONDS, copies=1),
            measured("field-access", 2e-6),
            *further,
        ]
    )


def result_of(results: CelResults, name: str):  # type: ignore[no-untyped-def]
    return next(item for item in results.expressions if item.name == name)


def value(estimate: Estimate | None) -> float:
    assert estimate is not None
    return estimate.value


def test_an_expression_costs_what_it_was_made_to_cost() -> None:
    result = result_of(summarise(samples(measured("mine", 10e-6))), "mine")
    mean_slowness, geometric_mean_slowness = 1.15, 1.1445356
    assert value(result.evaluation_seconds) == pytest.approx(10e-6 * geometric_mean_slowness)
    assert value(result.over_constant_seconds) == pytest.approx(9e-6 * mean_slowness)
    assert value(result.compile_seconds) == pytest.approx(COMPILE_SECONDS * mean_slowness)
    assert value(result.compiled_bytes) == pytest.approx(COMPILED_BYTES)
    assert result.evaluations == ROUNDS * 3 * 51 * 2


def test_a_drift_that_all_expressions_share_is_not_in_their_ratio() -> None:
    result = result_of(summarise(samples(measured("mine", 10e-6))), "mine")
    ratio = result.relative_to_field_access
    assert ratio is not None
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((5.0, 5.0, 5.0))


def test_a_window_in_which_the_machine_was_away_does_not_decide() -> None:
    results = summarise(samples())
    assert value(results.constant_seconds) < 2 * CONSTANT_SECONDS


def test_equal_texts_are_evaluated_once_in_a_reconcile() -> None:
    result = result_of(summarise(samples(measured("same-text", 2e-6, distinct=False))), "same-text")
    assert result.evaluations_per_reconcile == 1.0


def test_an_expression_that_failed_has_reasons_instead_of_numbers() -> None:
    failed = Measured("mine", "nope", "x", CelLevel.SIMPLE, 50)
    failed.error = ErrorInfo(reason="RejectedByKro", message="undeclared reference to 'nope'")
    result = result_of(summarise(samples(failed)), "mine")
    assert result.state is CelState.FAILED
    assert result.evaluation_seconds is None
    assert result.unavailable["evaluationSeconds"] == ExpressionFailed(reason="RejectedByKro")


def test_a_heap_that_could_not_be_read_is_said_once() -> None:
    taken = samples()
    for item in taken.expressions:
        item.heap_growth.clear()
    taken.heap_unavailable = NoPprof(port=6060, detail="refused")
    results = summarise(taken)
    assert results.unavailable == {"compiledBytes": taken.heap_unavailable}
    assert result_of(results, "field-access").compiled_bytes is None


def test_patterns_compare_what_was_measured_in_the_same_iteration() -> None:
    results = summarise(
        samples(measured("short", 3e-6), measured("ten-in-one", 15e-6), measured("other", 1e-6))
    )
    [pattern] = results.patterns
    assert pattern.name == "ten-in-one-evaluation"
    assert value(pattern.ratio) == pytest.approx(0.5)


def test_fresh_evaluations_are_compared_with_what_later_ones_would_have_taken() -> None:
    taken = samples()
    per_reconcile = 2e-6 * 51 * (2 + 2 + 100) / 6
    taken.fresh = [Spent(3 * 4 * per_reconcile * (1 + 0.1 * i), 400) for i in range(ROUNDS)]
    taken.fresh_reconciles = [{"field-access": 4}] * ROUNDS
    [pattern] = summarise(taken).patterns
    assert value(pattern.ratio) == pytest.approx(3.0)


def test_the_interval_of_a_mean_is_students() -> None:
    # As R's t.test gives it for 1 to 4.
    estimate = mean_interval([1.0, 2.0, 3.0, 4.0])
    assert estimate is not None
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
        (2.5, 0.4457397, 4.5542603), abs=1e-7
    )
    many = mean_interval([float(number) for number in range(61)])  # t is 2.000298 for 60 degrees
    assert many is not None
    assert many.high == pytest.approx(30 + 2.000298 * stdev(range(61)) / 61**0.5, abs=1e-5)


def test_an_expressions_duration_has_no_interval_that_goes_below_zero() -> None:
    estimate = positive_interval([4e-6, 12e-6, 36e-6])
    assert estimate is not None
    assert estimate.value == pytest.approx(12e-6)
    assert estimate.low is not None
    assert 0 < estimate.low < 4e-6
    assert positive_interval([0.0]) is None


def test_one_iteration_has_no_interval_and_none_has_no_number() -> None:
    assert mean_interval([2.0]) == Estimate(value=2.0, n=1)
    assert mean_interval([]) is None
    assert ratio_interval([1.0], [0.0]) is None


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
    taken = restarted(1.0, 4.0, 16.0)
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


def test_what_a_copy_adds_to_compiling_is_a_cost_which_is_not_below_zero() -> None:
    low, high = ends(restart_of(restarted(1.0, 4.0, 16.0)).compile_seconds_per_expression)
    assert low == 0 < high


def test_first_evaluations_are_compared_with_later_ones_of_the_same_process() -> None:
    ratio = result_of(summarise(restarted(1.0, 4.0, 16.0)), MINE).first_after_restart_ratio
    assert value(ratio) == pytest.approx(2.0)
    assert ends(ratio) == pytest.approx((2.0, 2.0))


def test_restarts_and_not_expressions_are_the_replicates_of_what_holds_for_all() -> None:
    taken = restarted(1.0, 1.0, 1.0)
    for restart, ratio in zip(taken.restarts, (1.0, 2.0, 4.0), strict=True):
        later = restart.later[MINE][0]
        for name in (MINE, "field-access", "constants"):
            restart.later[name] = [later]
            restart.first[name] = Spent(later.seconds * ratio, later.count)
    [pattern] = [each for each in summarise(taken).patterns if each.name == "restart-evaluation"]
    assert (value(pattern.ratio), pattern.ratio.n) == (pytest.approx(2.0), 3)
    low, high = ends(pattern.ratio)
    assert low < 0.5
    assert high > 8


@pytest.mark.parametrize("restarts", [1, 2])
def test_few_restarts_have_no_intervals(restarts: int) -> None:
    leading = restart_of(restarted(*[2.0] * restarts)).leading_seconds
    assert leading is not None
    assert (leading.low, leading.high, leading.n) == (None, None, restarts)
    assert leading.value == pytest.approx(2.0)


def test_a_kro_that_keeps_no_revisions_has_none_to_compile() -> None:
    taken = restarted(1.0)
    taken.restarts[0].revisions.clear()
    taken.restarts[0].compiled = None
    restart = restart_of(taken)
    assert restart.compile_seconds_per_rgd is None
    assert restart.unavailable["compileSecondsPerRgd"] == NoRevisionsKept()


def test_what_was_not_seen_of_a_restart_is_not_available() -> None:
    taken = restarted(1.0)
    taken.restarts[0].compiled_seconds = None
    restart = restart_of(taken)
    assert restart.compiled_seconds is None
    assert "compiledSeconds" in restart.unavailable
