import pytest
from unit.controller.world import record

from krobench.api import units
from krobench.api.common import ErrorInfo
from krobench.record.run import Orphans, RunState, TimeSpent
from krobench.record.test import TestSummary, ThresholdResult
from krobench.report.markdown import render


def summary() -> TestSummary:
    latency = {"instanceReady": {"n": 50, "censored": 2, "p50Seconds": 0.412}}
    return TestSummary.model_validate(
        {
            "iterations": 2,
            "latency": latency,
            "figures": {
                "throughput.instancesPerSecond": 12.3,
                "kro.cpu.seconds": 1.5,
                "kro.memory.residentBytes.max": 50 * 2**20,
                "kro.requests.total": 700.0,
                "perInstance.kro.cpu.seconds": 0.03,
            },
            "durationSeconds": 9.0,
            "errorsTotal": 2,
        }
    )


def test_a_finished_run_shows_numbers_with_units_and_what_is_missing() -> None:
    run = record(RunState.COMPLETED)
    run.tests[0].summary = summary()
    text = render(run)
    assert "# default/bench: Passed" in text
    assert "\n1 test, 1 succeeded, 0 failed." in text
    assert "| instance ready | 50 (+2 never) | 412 ms |\n" in text
    assert "| a | Succeeded | 50 | 412 | not available | 12.3 | 30 | 50 |" in text


def test_a_missed_threshold_is_shown_with_what_was_measured() -> None:
    run = record(RunState.COMPLETED)
    run.tests[0].summary = summary()
    run.tests[0].thresholds = [
        ThresholdResult(expression="a || b", passed=False, values={"errors.total": 2.0})
    ]
    text = render(run)
    assert "| `a \\|\\| b` | **missed** | errors.total = 2 |" in text
    assert "| a | threshold missed |" in text


@pytest.mark.parametrize(
    ("outcomes", "result"),
    [
        ([True, None], "threshold undecided"),
        ([None, False], "threshold missed"),
        ([True], "Succeeded"),
    ],
)
def test_an_undecided_threshold_is_not_said_to_be_missed(
    outcomes: list[bool | None], result: str
) -> None:
    run = record(RunState.COMPLETED)
    run.tests[0].summary = summary()
    run.tests[0].thresholds = [ThresholdResult(expression="x", passed=each) for each in outcomes]
    assert f"| a | {result} |" in render(run)


def test_where_the_time_went_is_shown() -> None:
    run = record(RunState.COMPLETED)
    run.time_spent = TimeSpent(
        total_seconds=80.0,
        measured_seconds=33.3,
        warmup_seconds=0.0,
        set_up_seconds=8.0,
        cleanup_seconds=4.0,
        measured_share=0.4163,
    )
    text = render(run)
    assert "42 % of the time" in text
    assert "set-up took 10 %" in text
    assert "warm-up" not in text.partition("##")[0], "there was none"


def test_what_the_cleanup_left_is_listed() -> None:
    run = record(RunState.COMPLETED)
    run.orphans = Orphans(count=0)
    assert "## Objects left after cleanup\n\nnothing" in render(run)
    run.orphans = Orphans(count=2, objects=["rgd/kb-1", "rgd/kb-2"])
    assert "2 objects, among them rgd/kb-1, rgd/kb-2" in render(run)


def test_a_run_that_was_given_up_says_why() -> None:
    error = ErrorInfo(reason="KroNotFound", message="no kro pod")
    text = render(record(RunState.ABORTED, error=error))
    assert "**KroNotFound**: no kro pod" in text


def test_a_run_under_way_says_what_goes_on() -> None:
    assert "Running: a: iteration 3 of 4." in render(record())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (units.seconds(0.000032), "32 µs"),
        (units.seconds(0.4123), "412 ms"),
        (units.seconds(2.345), "2.35 s"),
        (units.seconds(150.0), "2 min 30 s"),
        (units.seconds(179.7), "3 min"),
        (units.seconds(-150.0), "-2 min 30 s"),
        (units.seconds(-0.25), "-250 ms"),
        (units.seconds(None), "not available"),
        (units.seconds(0.0), "0 µs"),
        (units.size(53.5 * 2**20), "53.5 MiB"),
        (units.size(None), "not available"),
        (units.number(6084.0), "6,084"),
        (units.percent(0.125), "12.5 %"),
        (units.rate(7.78), "7.78/s"),
    ],
)
def test_numbers_are_shown_with_a_fitting_unit(text: str, expected: str) -> None:
    assert text == expected
