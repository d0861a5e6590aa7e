import pytest
from unit.records import some_test
from unit.workload.plans import suite

from krobench.api.specs.kro import Variant
from krobench.api.specs.scaletest import Axis
from krobench.findings.bottleneck import BottleneckKind
from krobench.findings.recommendation import Area, Confidence, QuotedAdvice, Recommendation
from krobench.findings.scaling import Limit, LimitState, ScaleRecord, SizeRecord, SizeVerdict
from krobench.program.blocks import in_blocks
from krobench.program.verification import first_to_try, plan_trial, size_to_try_at
from krobench.record.test import TestRecord
from krobench.workload.testplan import TestPlan, plan_tests

MORE = Variant(name="5-workers", args=["--workers=5"])


def advice(variant: Variant | None) -> Recommendation:
    return Recommendation(
        advice=QuotedAdvice(title="t", effect="e", source="s"),
        area=Area.KRO_FLAG,
        bottleneck=BottleneckKind.KRO_WORKERS,
        confidence=Confidence.HIGH,
        variant=variant,
    )


def record(name: str, *, success: bool = True, seconds: float = 30.0) -> TestRecord:
    return some_test(
        name=name, instances=10, concurrency=10, success=success, duration_seconds=seconds
    )


def scale(limit: Limit | None = None, **verdicts: SizeVerdict) -> ScaleRecord:
    sizes = [
        SizeRecord(size=float(name[1:]), test=name, verdict=verdict)
        for name, verdict in verdicts.items()
    ]
    return ScaleRecord(axis=Axis.INSTANCES, sizes=sizes, limit=limit)


def found(first_breach: float) -> Limit:
    return Limit(state=LimitState.FOUND, size=first_breach - 1, first_breach=first_breach)


MET, BREACHED, INVALID = SizeVerdict.MET, SizeVerdict.BREACHED, SizeVerdict.INVALID


def test_takes_the_first_that_can_be_tried() -> None:
    assert first_to_try([advice(None), advice(MORE), advice(Variant(name="b"))]) == advice(MORE)
    assert first_to_try([advice(None)]) is None


@pytest.mark.parametrize(
    ("limit", "verdicts", "failed", "expected"),
    [
        (found(40), {"s20": MET, "s40": BREACHED, "s80": BREACHED}, (), "s40"),
        (found(40), {"s20": MET, "s40": BREACHED}, ("s40",), "s20"),
        (None, {"s20": MET, "s40": MET, "s80": INVALID}, (), "s40"),
        (None, {}, (), None),
    ],
)
def test_a_trial_runs_at_the_limit(
    limit: Limit | None,
    verdicts: dict[str, SizeVerdict],
    failed: tuple[str, ...],
    expected: str | None,
) -> None:
    tests = [record(name, success=name not in failed) for name in verdicts]

    size = size_to_try_at(scale(limit, **verdicts), tests)

    assert (size.test if size is not None else None) == expected


def size_plan(**changes: object) -> TestPlan:
    return plan_tests(suite(defaults={"warmup": 1}, **changes))[0]


def test_plans_as_many_restarts_as_a_verdict_takes() -> None:
    trial = plan_trial(size_plan(), record("a"), MORE, iterations=3, index=7)

    as_it_is, advised = trial.plans
    assert [plan.name for plan in trial.plans] == ["a.as-it-is", "a.5-workers"]
    assert [plan.index for plan in trial.plans] == [7, 8]
    assert (len(as_it_is.visits), len(advised.visits)) == (7, 7)
    assert trial.variants[0] == Variant(name="as-it-is")  # kro as it is, and restarted too


def test_each_block_has_both_variants_once_after_a_warm_up() -> None:
    trial = plan_trial(size_plan(), record("a"), MORE, iterations=1, index=0)

    variants = {plan.index: plan.variant for plan in trial.plans}
    slots = list(in_blocks(trial.plans, "seed"))
    for block in range(3):
        turns = [(variants[slot.test], slot.iteration) for slot in slots[4 * block : 4 * block + 4]]
        indexes = [2 * block, 2 * block + 1]
        assert sorted(turns) == [
            *(("5-workers", index) for index in indexes),
            *(("as-it-is", index) for index in indexes),
        ]


def test_a_trial_knows_how_long_it_takes() -> None:
    tested = record("a", seconds=30.0)
    tested.iterations = []

    # Three blocks of four iterations of 30 s and two starts of kro, and one to put it back.
    assert plan_trial(size_plan(), tested, MORE, 1, 0).expected_seconds == 12 * 30 + 7 * 10
