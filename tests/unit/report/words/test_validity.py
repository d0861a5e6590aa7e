from pathlib import Path
from typing import get_args

import pytest

from krobench.api.specs.validity import Cause
from krobench.figures.precision import Outrun, SteadyState
from krobench.findings.validity import (
    AnyCause,
    APIServerBusy,
    APIServerRestarted,
    ClockJumped,
    ContainerRestarted,
    CounterFell,
    KroReconfigured,
    LeaderChanged,
    LeftoverObjects,
    LoadOutrunsKro,
    NodeBusy,
    NotSteady,
    PodReplaced,
    QuotedCause,
    RateNotReached,
    RequestsNotSent,
    ResourcesNotReady,
    ResourcesReadyLate,
    SamplesMissing,
    SendLagTooLong,
    SettingChange,
    ShardLost,
    SizeNotJudged,
    TooFewSamples,
    Validity,
)
from krobench.report.words.validity import (
    cause_line,
    ignored_warnings,
    steady_state_line,
    validity_line,
)

GONE = PodReplaced(pod="kro-1", at_seconds=3.0, successors=["kro-2"])
LATE = RequestsNotSent(sent=90, due=100)
KILLED = ContainerRestarted(
    reason=Cause.KRO_OOM_KILLED,
    pod="kro-1",
    last_end="OOMKilled, exit code 137",
    at_seconds=12.34,
    restarts_before=0,
    restarts_after=1,
    memory_limit="256Mi",
)


CAUSES: list[AnyCause] = [
    SendLagTooLong(p99_seconds=0.2, allowed_seconds=0.05),
    ResourcesReadyLate(p99_seconds=0.2, allowed_seconds=0.05),
    ResourcesNotReady(failed=3, error="no"),
    LATE,
    RateNotReached(achieved_per_second=8.0, requested_per_second=10.0, least_ratio=0.98),
    ShardLost(shard=1, shards=2, error="its pod has ended"),
    KILLED,
    GONE,
    LeaderChanged(before="kro-1_x", after="kro-2_y", at_seconds=6.0),
    KroReconfigured(
        at_seconds=3.0,
        changes=[
            SettingChange(name="args", before=["--a=1"], after=["--a=2"]),
            SettingChange(name="env", before=[], after=["X=1", "Y=2"]),
        ],
    ),
    CounterFell(
        metric="x_total", before=12.0, after=0.5, before_seconds=1.0, after_seconds=2.0, more=2
    ),
    APIServerRestarted(at_seconds=1.5),
    SamplesMissing(source="kro", taken=9, due=20, seconds=20.0, least_ratio=0.5),
    APIServerBusy(foreign_per_second=150.0, own_per_second=100.0, allowed_per_second=100.0),
    NodeBusy(node="n1", used_cores=0.6, cores=2.0, allowed_ratio=0.25),
    ClockJumped(jump_seconds=-30.0, before_seconds=3.0, after_seconds=6.0),
    LeftoverObjects(count=2, first="RGD/kb-1", runs=["uid-1"]),
    NotSteady(of="instances", observations=300, halves_ratio=2.345),
    LoadOutrunsKro(
        observations=100, outrun=Outrun(waiting=71, due_per_second=25.0, ready_per_second=5.6)
    ),
    TooFewSamples(figure="latency.instanceReady.p99", needed=100, observations=30),
    SizeNotJudged(missing={"latency.instanceReady.p99": "it needs 100 observations and has 30"}),
    SizeNotJudged(budget="1h"),
    QuotedCause(text="as it was stored", reason=Cause.NODE_BUSY),
]


def test_each_cause_has_a_line() -> None:
    expected = (Path(__file__).parent / "validity.txt").read_text().splitlines()
    assert [cause_line(cause) for cause in CAUSES] == expected
    assert {type(cause) for cause in CAUSES} == set(get_args(get_args(AnyCause)[0]))


def test_a_line_says_where_in_the_run_a_cause_was_found() -> None:
    found = LATE.model_copy(update={"test": "a", "iteration": 2, "phase": 1})
    assert cause_line(found).startswith("test a: iteration 2: phase 1: only 90")


def test_a_validity_has_a_line_with_one_cause_for_each_reason() -> None:
    line = validity_line(Validity.of([GONE, LATE, GONE]))
    assert line.startswith("KroRestarted: kro's pod kro-1 was gone")
    assert line.endswith(" (and 1 more); GeneratorLate: only 90 of 100 due requests were sent")
    assert validity_line(Validity()) == "all validity checks passed"


def test_ignored_causes_are_warnings() -> None:
    assert ignored_warnings([LATE]) == [
        "GeneratorLate ignored, as spec.validity.ignore asks: only 90 of 100 due requests were sent"
    ]


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (SteadyState(of="instances", observations=20, needed=100), "not decided: 20 instances"),
        (SteadyState(of="iterations", observations=12, gaps=True), "not decided, because some"),
        (
            SteadyState(of="iterations", observations=12, cut=2, steady=True),
            "steady after 2 of 12 iterations",
        ),
        (SteadyState(of="iterations", observations=12, text="as stored"), "as stored"),
    ],
)
def test_a_steady_state_has_a_line(state: SteadyState, line: str) -> None:
    assert steady_state_line(state).startswith(line)
