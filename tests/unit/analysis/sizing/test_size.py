import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.analysis.recommendations.made import MIB, run
from unit.analysis.sizing.sized import LINEAR, POWER, WORKLOAD, scaled, suite

from krobench.analysis.sizing.growth import SizingError
from krobench.analysis.sizing.size import Wanted, size_for
from krobench.api.specs.scaletest import Axis
from krobench.api.specs.validity import Cause
from krobench.findings.scaling import CurveFit, Parameter
from krobench.findings.sizing import (
    AnySizingRefusal,
    MemoryGrowth,
    MemoryVague,
    MemoryWithoutInterval,
    NoSlope,
    OtherAxis,
    OtherInstances,
    OtherRgds,
    RateExtrapolated,
    RevisionsNotIncluded,
    RunInvalid,
    RunNotCompleted,
    ScaleExtrapolated,
    SeveralWorkloads,
    Sizing,
    TooFewSizes,
    WorkloadsDiffer,
)
from krobench.findings.validity import QuotedCause, Validity
from krobench.record.run import RunRecord, RunState
from krobench.report.words.sizing import sizing_refusal_line

FLAT = CurveFit(
    model="linear",
    parameters=[
        Parameter(name="intercept", value=50.0 * MIB),
        Parameter(name="slope", value=0.0, low=0.0, high=0.6 * MIB),
    ],
)
STEPS = {100: 60.0, 200: 70.0, 400: 90.0}
RGDS = {10: 60.0, 20: 61.0, 40: 63.0}


def advised(sizing: Sizing) -> dict[str, str]:
    return {setting.name: setting.advised for setting in sizing.settings}


def test_goes_on_along_the_curve_beyond_the_largest_size() -> None:
    sizing = size_for([scaled(STEPS)], Wanted(rgds=1, instances=1400))

    # 90 MiB at 400, and 0.08 to 0.12 for each of a thousand more.
    memory = sizing.memory
    assert memory.value == pytest.approx(190 * MIB)
    assert (memory.low, memory.high) == pytest.approx((170 * MIB, 210 * MIB))
    assert memory.extrapolated
    [extrapolated] = [each for each in sizing.notes if isinstance(each, ScaleExtrapolated)]
    assert extrapolated.times == pytest.approx(3.5)
    assert advised(sizing)["requests.memory"] == "224Mi"
    assert advised(sizing)["limits.memory"] == "320Mi"  # 315, half as much again


def test_warns_of_values_that_hang_on_a_wide_interval() -> None:
    """A slope of zero or more, drawn out to a thousand times the sizes that were measured."""
    far = size_for([scaled(STEPS, fits=(FLAT,))], Wanted(rgds=1, instances=400_000))
    near = size_for([scaled(STEPS, fits=(FLAT,))], Wanted(rgds=1, instances=401))

    assert any(isinstance(note, MemoryVague) for note in far.notes)
    assert far.notes[0] == ScaleExtrapolated(times=1000)
    assert not any(isinstance(note, MemoryVague) for note in near.notes)


def test_warns_of_a_rate_beyond_all_that_was_measured() -> None:
    def warned(rate: float) -> bool:
        wanted = Wanted(rgds=1, instances=300, per_second=rate)
        notes = size_for([scaled(STEPS)], wanted).notes
        return any(isinstance(note, RateExtrapolated) for note in notes)

    assert warned(5000.0)
    assert not warned(0.1)


def test_does_not_call_it_extrapolated_within() -> None:
    sizing = size_for([scaled(STEPS)], Wanted(rgds=1, instances=300))

    assert not sizing.memory.extrapolated
    assert not any(isinstance(note, ScaleExtrapolated) for note in sizing.notes)


def test_follows_a_power_law_if_that_describes_it() -> None:
    record = scaled({100: 10.0, 200: 40.0}, fits=(POWER,))

    memory = size_for([record], Wanted(rgds=1, instances=400)).memory

    assert memory.value == pytest.approx(160 * MIB)
    assert memory.high == pytest.approx(40 * MIB * 2**2.1)


def test_follows_the_line_if_a_power_law_promises_ever_cheaper_instances() -> None:
    flat = POWER.model_copy(
        update={"parameters": [Parameter(name="exponent", value=0.03, low=-0.1, high=0.1)]}
    )

    sizing = size_for([scaled(STEPS, fits=(flat, LINEAR))], Wanted(rgds=1, instances=1400))

    assert sizing.memory.value == pytest.approx(190 * MIB)


def test_takes_no_memory_off_for_there_being_more() -> None:
    falling = LINEAR.model_copy(
        update={"parameters": [Parameter(name="slope", value=-2.0, low=-5.0 * MIB, high=1.0)]}
    )

    memory = size_for([scaled(STEPS, fits=(falling,))], Wanted(rgds=1, instances=9000)).memory

    assert memory.low == memory.value == 90 * MIB


def test_reckons_workers_and_cpu_for_the_rate() -> None:
    # 10 ms of CPU and 0.1 s of a worker for each instance.
    found = advised(size_for([scaled(STEPS)], Wanted(1, 400, per_second=35)))

    assert found["--dynamic-controller-concurrent-reconciles"] == "5"  # 3.5 over 70 %
    assert found["requests.cpu"] == "350m"
    assert found["limits.cpu"] == "1"
    measured = size_for([scaled(STEPS)], Wanted(1, 400))
    assert measured.instances_per_second == 9.0
    assert not measured.cpu.extrapolated


def test_takes_rgds_from_a_test_of_rgds() -> None:
    sizing = size_for([suite("rgds", RGDS)], Wanted(rgds=140, instances=280))

    assert sizing.memory.value == pytest.approx(73 * MIB)
    assert advised(sizing)["--resource-graph-definition-concurrent-reconciles"] == "8"


def test_puts_instances_and_rgds_together_from_two_records() -> None:
    records = [suite("rgds", RGDS), suite("instances", STEPS)]

    sizing = size_for(records, Wanted(rgds=40, instances=380))

    # 63 MiB with 80 instances, and 0.1 for each of 300 more.
    assert sizing.memory.value == pytest.approx(93 * MIB)
    assert (sizing.memory.low, sizing.memory.high) == pytest.approx((90 * MIB, 96 * MIB))
    bases = [each for each in sizing.memory.from_ if isinstance(each, MemoryGrowth)]
    assert [each.axis for each in bases] == ["rgds", "instances"]


def test_says_what_updated_rgds_take_more() -> None:
    record = suite("rgds", RGDS)
    for test in record.tests:
        assert test.summary is not None
        test.summary.figures.root["perRgd.kro.memory.liveHeapBytes"] = 2.0 * MIB

    notes = size_for([record], Wanted(rgds=40, instances=80)).notes

    [revisions] = [note for note in notes if isinstance(note, RevisionsNotIncluded)]
    assert (revisions.most_bytes, revisions.kept) == (320 * MIB, 5)


def test_says_that_there_is_no_interval() -> None:
    record = suite("instances", STEPS)
    record.slopes[0].low = record.slopes[0].high = None

    sizing = size_for([record], Wanted(rgds=1, instances=1400))

    assert (sizing.memory.low, sizing.memory.high) == (None, None)
    assert any(isinstance(note, MemoryWithoutInterval) for note in sizing.notes)


def invalid() -> RunRecord:
    record = scaled(STEPS)
    cause = QuotedCause(reason=Cause.NODE_BUSY, text="others took it")
    record.validity = Validity(valid=False, causes=[cause])
    return record


def unfinished() -> RunRecord:
    record = scaled(STEPS)
    record.state = RunState.ABORTED
    return record


def of_another_workload() -> RunRecord:
    record = suite("instances", STEPS)
    record.spec["tests"][0]["workload"] = {"scenario": "wide"}
    return record


@pytest.mark.parametrize(
    ("records", "wanted", "reason"),
    [
        ([scaled({100: 60.0}, fits=())], Wanted(1, 200), TooFewSizes(run="default/grow", sizes=1)),
        ([run()], Wanted(1, 200), NoSlope(run="default/bench")),
        (
            [scaled(STEPS, Axis.CONCURRENCY)],
            Wanted(1, 200),
            OtherAxis(run="grow", axis="concurrency"),
        ),
        ([scaled(STEPS)], Wanted(5, 200), OtherRgds(had=[1], wanted=5)),
        ([suite("rgds", RGDS)], Wanted(40, 500), OtherInstances(had=80)),
        ([invalid()], Wanted(1, 200), RunInvalid(run="default/grow", causes=["NodeBusy"])),
        ([unfinished()], Wanted(1, 200), RunNotCompleted(run="default/grow", state="Aborted")),
        ([suite("rgds", RGDS), of_another_workload()], Wanted(40, 500), WorkloadsDiffer()),
        (
            [suite("instances", STEPS, "a"), suite("instances", STEPS, "b")],
            Wanted(1, 9),
            SeveralWorkloads(axis="instances", tests=[["a"], ["b"]]),
        ),
    ],
)
def test_refuses_records_that_do_not_suffice(
    records: list[RunRecord], wanted: Wanted, reason: AnySizingRefusal
) -> None:
    with pytest.raises(SizingError) as refused:
        size_for(records, wanted)
    assert type(refused.value.reason) is type(reason)
    assert sizing_refusal_line(refused.value.reason)


def test_takes_the_workload_that_is_meant() -> None:
    both = suite("instances", STEPS, "a")
    other = suite("instances", STEPS, "b")
    both.tests += other.tests
    both.slopes += other.slopes
    both.spec["tests"] += [{"name": t.name, "workload": WORKLOAD} for t in other.tests]

    sizing = size_for([both], Wanted(1, 400, test="b-size-100"))

    assert sizing.memory.value == pytest.approx(90 * MIB)


@given(st.integers(1, 100_000), st.floats(0.1, 500))
def test_the_interval_holds_the_estimate(instances: int, rate: float) -> None:
    sizing = size_for([scaled(STEPS)], Wanted(1, instances, rate))

    memory = sizing.memory
    assert memory.low is not None
    assert memory.high is not None
    assert memory.low <= memory.value <= memory.high
    assert {setting.name for setting in sizing.settings} >= {"limits.memory", "requests.cpu"}
