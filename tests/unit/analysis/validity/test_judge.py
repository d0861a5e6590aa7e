from typing import Any

from unit.analysis.records import iterations
from unit.records import some_run, some_test

from krobench.analysis.validity.judge import ignored_causes, validity_of_run, validity_of_test
from krobench.api.specs.validity import Cause
from krobench.findings.validity import (
    LeftoverObjects,
    PodReplaced,
    RequestsNotSent,
    TooFewSamples,
    Validity,
)
from krobench.record.run import RunRecord
from krobench.record.test import TestRecord

RESTARTED = PodReplaced(pod="kro-1", at_seconds=3.0, successors=["kro-2"])
LATE = RequestsNotSent(sent=90, due=100)
LEFT = LeftoverObjects(count=1, first="ResourceGraphDefinition/kb-1", runs=["uid-1"])
FEW = TooFewSamples(figure="latency.instanceReady.p99", needed=100, observations=30)


def a_test(**changes: Any) -> TestRecord:
    measured = iterations(1.0, 1.0)
    measured[0].warmup = True
    measured[0].validity = Validity.of([LATE])
    measured[1].validity = Validity.of([RESTARTED])
    return some_test(planned_warmup=1, iterations=measured, **changes)


def a_run() -> RunRecord:
    return some_run(a_test(causes=[FEW]), id="uid-2", name="b", causes=[LEFT])


def test_causes_in_warm_up_do_not_count() -> None:
    validity = validity_of_test(a_test(), [])
    assert validity.causes == [RESTARTED.model_copy(update={"iteration": 2})]


def test_the_causes_of_a_run_are_ordered_by_severity() -> None:
    validity = validity_of_run(a_run(), [])
    assert not validity.valid
    reasons = [cause.reason for cause in validity.causes]
    assert reasons == ["KroRestarted", "LeftoverObjects", "TooFewSamples"]
    assert validity.causes[0] == RESTARTED.model_copy(update={"test": "a", "iteration": 2})


def test_ignored_causes_leave_the_run_valid_and_are_listed() -> None:
    accepted = [Cause.KRO_RESTARTED, Cause.LEFTOVER_OBJECTS, Cause.TOO_FEW_SAMPLES]
    assert validity_of_run(a_run(), accepted).valid
    assert ignored_causes(a_run(), accepted) == [
        LEFT,
        FEW.model_copy(update={"test": "a"}),
        RESTARTED.model_copy(update={"test": "a", "iteration": 2}),
    ]
