from datetime import timedelta
from typing import Any

import pytest
from unit.records import START, some_iteration, some_run, some_test

from bench.faults.catalogue import FAULTS, Hit
from bench.faults.judging import lost, wrong
from krobench.api.common import parse_rfc3339
from krobench.api.specs.validity import Cause
from krobench.api.status import Verdict
from krobench.figures.summaries import Counts
from krobench.findings.validity import LeaderChanged, Validity
from krobench.record.run import RunRecord

RUN_BEGAN = parse_rfc3339(START)


def record_of(iterations: int, **changes: Any) -> RunRecord:
    """Return a run with iterations of ten seconds, one each twenty seconds."""
    done = [
        some_iteration(
            index=index,
            start_time=f"2026-01-01T00:00:{20 * index:02}Z",
            end_time=f"2026-01-01T00:00:{20 * index + 10:02}Z",
            duration_seconds=10.0,
        )
        for index in range(iterations)
    ]
    return some_run(some_test(planned_iterations=2, iterations=done), **changes)


def hit(at: float, seconds: float = 0.1, before: RunRecord | None = None) -> Hit:
    begun = RUN_BEGAN + timedelta(seconds=at)
    return Hit(begun, begun + timedelta(seconds=seconds), before)


def ended(verdict: Verdict, reason: str) -> dict[str, Any]:
    phase = "Failed" if verdict is Verdict.ERROR else "Completed"
    kinds = ("Failed", "Finished") if phase == "Failed" else ("Finished",)
    conditions = [{"type": kind, "reason": reason} for kind in kinds]
    return {"verdict": verdict, "phase": phase, "conditions": conditions}


PASSED = ended(Verdict.PASSED, "Completed")


def test_what_was_stored_before_a_fault_must_be_in_the_record() -> None:
    hits = [hit(15, before=record_of(1)), hit(35, before=record_of(2))]
    assert lost(hits, record_of(2)) == []
    assert lost(hits, record_of(1)) == ["a, iteration 2"]
    assert lost(hits, None) == ["a, iteration 1", "a, iteration 2"]


def test_what_was_measured_must_stay_as_it_was() -> None:
    after = record_of(2)
    after.tests[0].iterations[0].counts = Counts(requested=7)
    assert lost([hit(15, before=record_of(1))], after) == ["a, iteration 1"]


def test_a_completed_run_lacks_no_iteration() -> None:
    after = record_of(1, verdict=Verdict.PASSED)
    assert lost([hit(15, before=record_of(1))], after) == ["a, iteration 2"]
    after.verdict = Verdict.ERROR
    assert lost([hit(15, before=record_of(1))], after) == []


@pytest.mark.parametrize(
    ("at", "seconds", "is_wrong"),
    [(12, 5, False), (12, 15, True), (5, 0.1, True), (15, 0.1, False), (29, 0.1, False)],
)
def test_a_run_that_passes_must_not_have_been_met(
    at: float, seconds: float, is_wrong: bool
) -> None:
    hits = [hit(at, seconds)]
    assert bool(wrong(FAULTS["api-server"], hits, PASSED, record_of(2))) is is_wrong
    assert wrong(FAULTS["operator"], hits, PASSED, record_of(2)) == []


def test_a_run_without_its_load_must_fail_for_that() -> None:
    load, hits, record = FAULTS["load"], [hit(5)], record_of(0)
    assert wrong(load, hits, PASSED, record)
    assert wrong(load, hits, ended(Verdict.ERROR, "KrobenchFailed"), record)
    assert wrong(load, hits, ended(Verdict.ERROR, "LoadJobFailed"), record) == []


def test_an_invalid_run_must_name_a_cause_of_the_fault() -> None:
    change = LeaderChanged(before="a", after="b", at_seconds=5.0)
    record = record_of(2, validity=Validity.of([change]))
    invalid = ended(Verdict.INVALID, Cause.KRO_LEADER_CHANGED)
    assert wrong(FAULTS["api-server"], [hit(5)], invalid, record) == []
    assert wrong(FAULTS["operator"], [hit(5)], invalid, record)
