import pytest
from unit.records import figures, some_iteration, some_test

from bench.searches import FIGURE, SLO, TRUTHS, Search, size_record
from krobench.analysis.scaling.limit import find_limit
from krobench.analysis.scaling.summarise import with_findings
from krobench.analysis.verdict import verdict_of_scale_test
from krobench.api.common import ErrorInfo
from krobench.api.specs.scaletest import Axis, KroScaleTestSpec
from krobench.api.specs.validity import Cause
from krobench.api.status import Verdict
from krobench.figures.summaries import Latencies, LatencySummary
from krobench.findings.finding import Quoted
from krobench.findings.scaling import (
    AnyStop,
    BudgetUsedUp,
    Limit,
    LimitState,
    NextStep,
    NextToTry,
    RunAborted,
    ScaleRecord,
    SizeInvalid,
    SizeRecord,
    SizesLeftOut,
    SizeVerdict,
)
from krobench.findings.validity import QuotedCause, Validity
from krobench.record.test import TestRecord

NO_KRO = ErrorInfo(reason="KroNotFound", message="no kro")
NO_RESULT = SizeInvalid(test="25", iterations=3, last=None)
SPEC = {
    "axis": "instances",
    "sizes": {"from": 25, "to": 10000},
    "slo": [SLO],
    "workload": {"scenario": "single", "instances": 1},
}


def spec(**changes: object) -> KroScaleTestSpec:
    return KroScaleTestSpec.model_validate(SPEC | changes)


def record(*sizes: SizeRecord, stopped: AnyStop | None = None) -> ScaleRecord:
    return ScaleRecord(axis=Axis.INSTANCES, sizes=list(sizes), stopped=stopped)


def record_of(size: SizeRecord) -> TestRecord:
    return some_test(
        name=size.test,
        planned_iterations=len(size.iterations),
        instances=int(size.size),
        iterations=[
            some_iteration(
                index=one.iteration,
                latency=Latencies(
                    instance_ready=LatencySummary(
                        n=100, p99_seconds=next(iter(one.values.values()))
                    )
                ),
                figures=figures(
                    {
                        "duration.runSeconds": 10.0,
                        "kro.memory.residentBytes.max": 50e6 + size.size * 1e4,
                        "kro.requests.total": 10 * size.size,
                    }
                ),
            )
            for one in size.iterations
        ],
    )


def test_a_found_limit_comes_with_curves_and_a_prediction_that_is_checked() -> None:
    sizes = Search(TRUTHS["proportional"], 0.02, 5).sizes()
    found = with_findings(spec(), record(*sizes), [record_of(size) for size in sizes])
    assert found.limit is not None
    assert found.limit.size == pytest.approx(1000, rel=0.05)
    curves = {curve.figure: curve for curve in found.curves}
    assert len(curves["kro.memory.residentBytes.max"].points) == sum(
        len(s.iterations) for s in sizes
    )
    assert curves["kro.requests.perSecond"].points[0].value == sizes[0].size
    (prediction,) = found.predictions
    assert prediction.measured == found.limit.size
    assert prediction.largest_used < 1000
    assert prediction.extrapolated
    assert prediction.error_ratio == pytest.approx(0, abs=0.2)
    assert prediction.low is not None
    assert found.next_to_try is None


@pytest.mark.parametrize(("upon", "shown"), [(None, True), (10.0, False)])
def test_cpu_time_of_what_was_added_is_not_shown_against_all_that_is_there(
    upon: float | None, shown: bool
) -> None:
    sizes = [size_record(10, 0.1), size_record(20, 0.2)]
    sizes[1].iterations[0].upon = upon
    tests = [record_of(each) for each in sizes]
    for test in tests:
        test.iterations[0].figures.root |= {"kro.cpu.seconds": 1.0, "kro.cpu.meanCores": 0.1}
    figures = {curve.figure for curve in with_findings(spec(), record(*sizes), tests).curves}
    assert ("kro.cpu.seconds" in figures) is shown
    assert "kro.cpu.meanCores" in figures


def test_a_limit_beyond_the_sizes_is_extrapolated_and_suggested() -> None:
    sizes = [size_record(size, size / 1000) for size in (25, 50, 100, 200)]
    found = with_findings(spec(), record(*sizes), [])
    (prediction,) = found.predictions
    assert prediction.size == pytest.approx(1000, rel=0.01)
    assert (prediction.measured, prediction.error_ratio) == (None, None)
    assert found.next_to_try is not None
    assert (found.next_to_try.step, found.next_to_try.figure) == (NextStep.GO_FURTHER, FIGURE)
    assert found.next_to_try.predicted == prediction.size


def test_a_figure_that_hardly_grows_predicts_nothing() -> None:
    sizes = [size_record(size, 0.1) for size in (25, 50, 100, 200)]
    found = with_findings(spec(), record(*sizes), [])
    assert found.predictions == []
    assert found.next_to_try == NextToTry(step=NextStep.GO_FURTHER, size=200)


@pytest.mark.parametrize(
    ("changes", "step_to_take"),
    [
        ({"search": {"refine": False}}, NextStep.REFINE),
        ({"iterations": 1}, NextStep.REPEAT),
        (
            {
                "axis": "rgds",
                "sizes": {"values": [10, 20], "cumulative": True},
                "search": {"refine": False},
            },
            NextStep.SMALLER_INCREMENTS,
        ),
        ({}, NextStep.FINISH_SEARCH),
    ],
)
def test_a_bracket_says_what_would_give_it_an_interval(
    changes: dict[str, object], step_to_take: NextStep
) -> None:
    found = with_findings(spec(**changes), record(size_record(10, 0.5), size_record(20, 1.5)), [])
    assert found.next_to_try is not None
    assert found.next_to_try.step is step_to_take
    assert (found.next_to_try.low, found.next_to_try.high) == (10, 20)


def test_a_limit_below_the_sizes_asks_for_smaller_ones() -> None:
    found = with_findings(spec(), record(size_record(25, 2.0)), [])
    assert found.next_to_try is not None
    assert (found.next_to_try.step, found.next_to_try.size) == (NextStep.START_SMALLER, 25)


@pytest.mark.parametrize(
    ("verdict", "stopped", "step_to_take"),
    [
        (SizeVerdict.MET, BudgetUsedUp(duration="1m"), NextStep.ALLOW_MORE_TIME),
        (
            SizeVerdict.MET,
            SizesLeftOut(sizes=[50], why=Quoted(text="too large")),
            NextStep.ALLOW_LARGER_SIZES,
        ),
        (SizeVerdict.MET, RunAborted(error=NO_KRO), NextStep.RUN_AGAIN),
        (
            SizeVerdict.INVALID,
            SizeInvalid(test="25", iterations=3, last=None),
            NextStep.MAKE_SIZE_VALID,
        ),
    ],
)
def test_a_test_that_ended_before_a_breach_asks_for_what_ended_it(
    verdict: SizeVerdict, stopped: AnyStop, step_to_take: NextStep
) -> None:
    tried = size_record(25, 0.1).model_copy(update={"verdict": verdict})
    found = with_findings(spec(), record(tried, stopped=stopped), [])
    assert found.limit is not None
    assert found.limit.state is LimitState.UNDECIDED
    assert found.next_to_try is not None
    assert found.next_to_try.step is step_to_take


def test_the_limit_alone_is_known_after_each_size() -> None:
    assert (
        find_limit(record(size_record(25, 0.1)).sizes, spec().slo).state is LimitState.NOT_REACHED
    )


FOUND = Limit(state=LimitState.FOUND, size=100, last_met=95, first_breach=105)
NOT_REACHED = Limit(state=LimitState.NOT_REACHED, size=200, last_met=200)
BELOW = Limit(state=LimitState.BELOW_FIRST, first_breach=10)
STOPPED = Limit(state=LimitState.UNDECIDED, last_met=40)
NOTHING = Limit(state=LimitState.UNDECIDED)


@pytest.mark.parametrize(
    ("limit", "minimum", "verdict"),
    [
        (FOUND, None, Verdict.PASSED),
        (FOUND, 100, Verdict.PASSED),
        (FOUND, 101, Verdict.FAILED),
        (NOT_REACHED, None, Verdict.PASSED),
        (NOT_REACHED, 500, Verdict.FAILED),
        (BELOW, None, Verdict.FAILED),
        (STOPPED, None, Verdict.PASSED),
        (STOPPED, 40, Verdict.PASSED),
        (STOPPED, 41, Verdict.FAILED),
        (NOTHING, None, Verdict.FAILED),
        (None, None, Verdict.FAILED),
    ],
)
def test_a_scale_test_passes_if_the_slos_were_met_up_to_the_minimum(
    limit: Limit | None, minimum: float | None, verdict: Verdict
) -> None:
    assert verdict_of_scale_test(limit, minimum, Validity()) is verdict


def test_a_limit_that_may_not_be_believed_has_neither_passed_nor_failed() -> None:
    invalid = Validity.of([QuotedCause(reason=Cause.NODE_BUSY, text="why")])
    assert verdict_of_scale_test(FOUND, None, invalid) is Verdict.INVALID
