from typing import Any

from unit.analysis.records import iterations
from unit.records import some_run, some_test

from krobench.analysis.validity.leftovers import leftover_objects
from krobench.analysis.validity.verdict import ignored, validity_of_run, validity_of_test
from krobench.api.specs.validity import Cause
from krobench.findings.validity import Validity
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord

RESTARTED = Cause.KRO_RESTARTED.of("kro's pod was gone")
LATE = Cause.GENERATOR_LATE.of("p99 of the send lag")
LEFT = leftover_objects(["ResourceGraphDefinition/kb-1"], ["uid-1"])


def a_test(**changes: Any) -> TestRecord:
    measured = iterations(1.0, 1.0)
    measured[0].warmup = True
    measured[0].validity = Validity.of([LATE])
    measured[1].validity = Validity.of([RESTARTED])
    return some_test(planned_warmup=1, iterations=measured, **changes)


def a_run() -> RunRecord:
    return some_run(
        a_test(causes=[Cause.TOO_FEW_SAMPLES.of("a threshold")]), id="uid-2", name="b", causes=LEFT
    )


def test_warm_up_may_be_off_and_measured_iterations_may_not() -> None:
    validity = validity_of_test(a_test(), [])
    assert [(c.reason, c.message) for c in validity.causes] == [
        ("KroRestarted", "iteration 2: kro's pod was gone")
    ]


def test_the_causes_of_a_run_come_in_the_order_of_their_weight() -> None:
    validity = validity_of_run(a_run(), [])
    assert not validity.valid
    reasons = [cause.reason for cause in validity.causes]
    assert reasons == ["KroRestarted", "LeftoverObjects", "TooFewSamples"]
    assert validity.in_short().startswith("KroRestarted: test a: iteration 2: kro's pod was gone; ")


def test_what_a_user_accepts_leaves_the_run_valid_and_is_told_all_the_same() -> None:
    accepted = [Cause.KRO_RESTARTED, Cause.LEFTOVER_OBJECTS, Cause.TOO_FEW_SAMPLES]
    assert validity_of_run(a_run(), accepted).valid
    told = ignored(a_run(), accepted)
    assert len(told) == 3
    assert (
        "LeftoverObjects, which spec.validity.ignore accepts: objects of an earlier run were there"
        in told[0]
    )


def test_leftovers_are_told_with_the_command_that_deletes_them() -> None:
    assert "krobench cleanup --run uid-1" in LEFT[0].message
    assert leftover_objects([], []) == []
