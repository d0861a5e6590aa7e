from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.searches import FIGURE, SLO, TRUTHS, Search, size_record
from krobench.analysis.scaling.limit import find_limit
from krobench.api.common import ErrorInfo
from krobench.findings.scaling import (
    AnyStop,
    BudgetUsedUp,
    Limit,
    LimitState,
    NoInterval,
    NotReadyInTime,
    SizeIteration,
    SizeRecord,
    SizeVerdict,
    SloMissed,
)


def limit(
    *measured: SizeRecord, slos: tuple[str, ...] = (SLO,), stopped: AnyStop | None = None
) -> Limit:
    return find_limit(measured, slos, stopped)


def interval(found: Limit) -> tuple[float, float, float]:
    assert found.low is not None
    assert found.size is not None
    assert found.high is not None
    return found.low, found.size, found.high


# Seeds are fixed: these are figures, and no draw of lots.
@pytest.mark.parametrize("scatter", [0.02, 0.2])
@pytest.mark.parametrize("truth", TRUTHS)
def test_the_interval_holds_the_true_limit_as_often_as_it_says(truth: str, scatter: float) -> None:
    found = [limit(*Search(TRUTHS[truth], scatter, seed).sizes()) for seed in range(50)]
    known = [each for each in found if each.method == "crossing"]
    assert len(known) >= 40
    intervals = [interval(each) for each in known]
    assert sum(low <= 1000 <= high for low, _, high in intervals) >= 0.9 * len(known)
    bias = median(size / 1000 for _, size, _ in intervals) - 1
    assert abs(bias) < (0.005 if scatter < 0.1 else 0.03)


def test_without_sizes_the_limit_is_undecided() -> None:
    invalid = size_record(10, 0.1).model_copy(update={"verdict": SizeVerdict.INVALID})
    pending = SizeRecord(size=20, test="b")
    assert limit().state is LimitState.UNDECIDED
    assert limit(invalid, pending).state is LimitState.UNDECIDED


def test_slos_met_at_all_sizes_give_the_largest_as_not_reached() -> None:
    found = limit(size_record(10, 0.1), size_record(20, 0.2))
    assert (found.state, found.size, found.low, found.method) == (
        LimitState.NOT_REACHED,
        20,
        None,
        None,
    )


def test_a_test_that_was_stopped_before_a_breach_is_undecided() -> None:
    found = limit(size_record(10, 0.1), stopped=BudgetUsedUp(duration="1h"))
    assert (found.state, found.size, found.last_met) == (LimitState.UNDECIDED, None, 10)


def test_slos_missed_at_the_smallest_size_leave_the_limit_below() -> None:
    found = limit(size_record(10, 1.5), size_record(20, 3.0))
    assert (found.state, found.size, found.first_breach) == (LimitState.BELOW_FIRST, None, 10)
    assert found.breached == SLO


def test_single_iterations_give_a_bracket_and_no_confidence() -> None:
    found = limit(size_record(10, 0.5), size_record(20, 0.9), size_record(40, 1.9))
    assert (found.state, found.method, found.confidence) == (LimitState.FOUND, "bracket", None)
    assert (found.low, found.size, found.high) == (20, 20, 40)
    assert found.no_interval is NoInterval.NOT_REPEATED


def test_a_size_whose_figure_is_missing_leaves_a_bracket() -> None:
    found = limit(
        size_record(10, 0.5), size_record(20, 0.9, 0.9, 0.9), size_record(40, None, None, None)
    )
    assert (found.method, found.breached) == ("bracket", SLO)


def test_a_figure_that_does_not_grow_leaves_a_bracket() -> None:
    values = (0.9, 0.9, 1.2), (1.2, 1.2, 0.9)
    found = limit(
        size_record(10, 1.4, bound=2), size_record(20, *values[0]), size_record(22, *values[1])
    )
    assert (found.method, found.no_interval) == ("bracket", NoInterval.NOT_GROWING)


def test_a_figure_that_leaps_gives_no_limit_beyond_sizes_that_were_missed_each_time() -> None:
    # Measured: the median latency of a kro that one arrival rate begins to be too much for.
    found = limit(
        size_record(2, 0.13),
        size_record(4, 0.157, 0.142),
        size_record(5.66, 0.203, 0.19),
        size_record(6.73, 4.56, 0.19),
        size_record(8, 2.04, 1.13),
    )
    assert (found.method, found.low, found.high) == ("bracket", 5.66, 6.73)
    assert (found.no_interval, found.figure) == (NoInterval.SCATTERS, FIGURE)


def test_an_invalid_size_does_not_count() -> None:
    wild = size_record(30, 5.0).model_copy(update={"verdict": SizeVerdict.INVALID})
    found = limit(size_record(20, 0.5), wild, size_record(40, 0.9), size_record(80, 1.9))
    assert (found.last_met, found.first_breach) == (40, 80)


def test_a_size_that_was_met_after_a_breach_is_told() -> None:
    found = limit(size_record(10, 0.5), size_record(20, 1.2), size_record(40, 0.9))
    assert (found.last_met, found.first_breach) == (10, 20)
    assert found.met_again == 40


def test_the_slo_that_breaks_at_the_smallest_size_decides() -> None:
    memory = "kro.memory.residentBytes.max < 1000.0"

    def both(size: float, latency: float, memory_bytes: float) -> SizeRecord:
        met = latency < 1 and memory_bytes < 1000
        values = {FIGURE: latency, "kro.memory.residentBytes.max": memory_bytes}
        trials = [SizeIteration(iteration=i, met=met, values=values) for i in range(3)]
        verdict = SizeVerdict.MET if met else SizeVerdict.BREACHED
        return SizeRecord(size=size, test="t", iterations=trials, verdict=verdict)

    found = limit(both(10, 0.1, 500), both(15, 0.15, 900), both(20, 0.2, 1200), slos=(SLO, memory))
    assert found.breached == memory
    assert found.method == "crossing"
    assert found.size == pytest.approx(16.8, rel=0.05)


def test_a_figure_that_must_not_fall_is_crossed_as_well() -> None:
    slo = "throughput.instancesPerSecond >= 10"

    def falling(size: float, *rates: float) -> SizeRecord:
        trials = [
            SizeIteration(iteration=i, met=r >= 10, values={"throughput.instancesPerSecond": r})
            for i, r in enumerate(rates)
        ]
        verdict = SizeVerdict.MET if rates[0] >= 10 else SizeVerdict.BREACHED
        return SizeRecord(size=size, test="t", iterations=trials, verdict=verdict)

    found = limit(
        falling(10, 20.0),
        falling(18, 11.11, 11.2, 11.0),
        falling(22, 9.09, 9.1, 9.0),
        falling(40, 5.0),
        slos=(slo,),
    )
    assert (found.method, found.breached) == ("crossing", slo)
    assert found.size == pytest.approx(20, rel=0.01)


def test_an_slo_that_is_no_plain_bound_is_named_by_the_words_of_the_breach() -> None:
    slo = "errors.total == 0 || latency.instanceReady.p50 < 2.0"
    breach = SizeRecord(
        size=20,
        test="t",
        iterations=[
            SizeIteration(
                iteration=0, met=False, breached=[SloMissed(slo=slo, measured={"errors.total": 3})]
            )
        ],
        verdict=SizeVerdict.BREACHED,
    )
    found = limit(size_record(10, 0.5), breach, slos=(SLO, slo))
    assert (found.breached, found.method) == (slo, "bracket")


def test_what_was_not_ready_in_time_is_named_if_no_slo_was_missed() -> None:
    late = NotReadyInTime(error=ErrorInfo(reason="Timeout", message="3 of 20 were not ready"))
    breach = SizeRecord(
        size=20,
        test="t",
        iterations=[SizeIteration(iteration=0, met=False, breached=[late])],
        verdict=SizeVerdict.BREACHED,
    )
    found = limit(size_record(10, 0.5), breach)
    assert (found.breached, found.method) == (None, "bracket")
    assert found.no_interval is NoInterval.NOT_ONE_BOUND
    assert found.breach == late


def test_an_interval_that_is_wider_than_the_sizes_says_so() -> None:
    found = limit(
        size_record(50, 0.05),
        size_record(900, 0.8, 1.0, 0.8),
        size_record(980, 0.95, 0.75, 1.2),
        size_record(1000, 1.1, 1.1, 0.9),
        size_record(1200, 1.5),
    )
    assert found.method == "crossing"
    assert interval(found)[0] < 980


NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, min_value=0))
SIZES = st.floats(0.01, 100_000)


@given(st.lists(st.tuples(SIZES, st.lists(NUMBERS, max_size=4)), max_size=8))
def test_odd_figures_are_survived(measured: list[tuple[float, list[float | None]]]) -> None:
    found = limit(*(size_record(size, *values) for size, values in measured))
    if found.method == "crossing":
        low, size, high = interval(found)
        assert low <= size <= high
