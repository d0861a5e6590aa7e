"""A KroScaleTest as users meet it: in the status, the conditions and the Events."""

from typing import Any

import pytest
from unit.controller.world import SCALE_SPEC, World, scale_record
from unit.records import figures, some_summary

from krobench.api.common import ErrorInfo
from krobench.api.kinds import RunKind
from krobench.api.status import Phase, Verdict
from krobench.controller.state import JobState
from krobench.figures.summaries import Latencies, LatencySummary
from krobench.findings.scaling import Limit, LimitState
from krobench.findings.validity import PodReplaced, Validity
from krobench.record.run import RunState
from krobench.record.test import TestState


def started(**changes: Any) -> World:
    world = World(RunKind.SCALE_TEST, **changes)
    world.settle()
    return world


def ended(**changes: Any) -> World:
    world = started()
    world.finish_load(**changes)
    world.settle()
    return world


def with_limit(limit: Limit) -> World:
    scale = scale_record(RunState.COMPLETED).scale
    assert scale is not None
    return ended(scale=scale.model_copy(update={"limit": limit}))


def test_steps_are_shown_as_they_are_measured() -> None:
    world = started()
    world.results = scale_record()
    world.settle()
    assert world.scale_test.size == "1/3 (20)", "40 may follow"
    assert [(step.size, step.verdict) for step in world.scale_test.sizes] == [
        (10, "Met"),
        (20, "Running"),
    ]
    assert world.scale_test.limit is None
    assert world.events["SizeMet", "10"].message == "size 10: 1/1 iterations met all SLOs"
    assert ("SizeBreached", "20") not in world.events


def test_a_limit_is_an_event_only_once_it_is_final() -> None:
    world = started()
    scale = scale_record().scale
    assert scale is not None
    so_far = Limit(state=LimitState.NOT_REACHED, size=10)
    world.results = scale_record(scale=scale.model_copy(update={"limit": so_far}))
    world.settle()
    assert world.scale_test.limit is not None
    assert world.scale_test.limit.text == "> 10 instances"
    world.finish_load()
    world.settle()
    assert {reason for reason in world.reasons if reason.startswith("Limit")} == {"LimitFound"}


def test_the_end_tells_the_limit_what_held_kro_back_and_what_to_try() -> None:
    world = ended()
    status = world.scale_test
    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.PASSED)
    assert status.limit is not None
    assert status.limit.text == "14 instances (12 to 18)"
    assert status.size == "2/2"
    assert status.next_to_try == "run it again: its sizes did not cause the early end"
    assert status.message == "kro keeps the SLOs up to 14 instances"
    assert "it was 7.1" in (status.sizes[1].message or "")
    assert "limit: 14 instances (12 to 18)" in world.events["LimitFound", ""].message
    assert {"Started", "SizeMet", "SizeBreached", "LimitFound", "Completed"} <= world.reasons
    assert not any(event.warning for event in world.events.values())


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Limit(state=LimitState.NOT_REACHED, size=5000), "> 5000 instances"),
        (Limit(state=LimitState.BELOW_FIRST, first_breach=50), "< 50 instances"),
        (Limit(state=LimitState.UNDECIDED), "not available"),
        (Limit(state=LimitState.FOUND, size=480.9), "480 instances"),
        (Limit(state=LimitState.FOUND, size=11.3, low=8.8, high=12.9), "11 instances (8 to 13)"),
    ],
)
def test_a_limit_outside_the_steps_is_told_as_such(limit: Limit, text: str) -> None:
    status = with_limit(limit).scale_test
    assert status.limit is not None
    assert status.limit.text == text


def test_a_limit_below_the_minimum_completes_with_verdict_failed() -> None:
    world = ended(verdict=Verdict.FAILED)
    assert (world.status.phase, world.status.verdict) == (Phase.COMPLETED, Verdict.FAILED)
    assert world.status.conditions[0].reason == "MinimumNotReached"
    message = world.status.message or ""
    assert "spec.minimum is" in message
    assert message.count("14 instances") == 1
    assert [c.type for c in world.status.conditions if c.message == message] == ["Ready"]
    assert world.events["MinimumNotReached", ""].warning


def test_a_step_that_could_not_be_measured_does_not_fail_the_run() -> None:
    error = ErrorInfo(reason="ApiServerInDistress", message="five requests were given up")
    record = scale_record(RunState.COMPLETED)
    failed = record.tests[1].model_copy(update={"state": TestState.FAILED, "error": error})
    world = ended(tests=[record.tests[0], failed])
    assert world.status.phase is Phase.COMPLETED
    assert "ApiServerInDistress" in (world.scale_test.sizes[1].message or "")


def test_a_run_without_any_step_measured_fails_with_the_reason_of_the_first() -> None:
    error = ErrorInfo(reason="RGDRejected", message="no such field")
    failed = scale_record().tests[0].model_copy(update={"error": error})
    scale = scale_record(RunState.COMPLETED).scale
    assert scale is not None
    scale = scale.model_copy(update={"limit": Limit(state=LimitState.UNDECIDED)})
    world = ended(tests=[failed], scale=scale, verdict=Verdict.FAILED)
    assert world.status.phase is Phase.FAILED
    assert world.status.conditions[0].reason == "RGDRejected"
    assert world.status.message == "size 10: no such field"


def test_an_invalid_run_has_neither_passed_nor_failed() -> None:
    validity = Validity.of([PodReplaced(pod="kro-1", at_seconds=3.0, successors=[])])
    world = ended(validity=validity, verdict=Verdict.INVALID)
    assert (world.status.phase, world.status.verdict) == (Phase.COMPLETED, Verdict.INVALID)
    assert world.condition("Valid") == "False"
    assert world.status.conditions[0].reason == "KroRestarted"


def test_what_was_not_measured_is_left_out_of_a_steps_line() -> None:
    ready = LatencySummary(n=20, p50_seconds=0.5)
    record = scale_record(RunState.COMPLETED)
    summary = some_summary(
        latency=Latencies(instance_ready=ready),
        figures=figures({"kro.requests.total": 100.0}),
        duration_seconds=40.0,
    )
    measured = record.tests[0].model_copy(update={"summary": summary})
    line = ended(tests=[measured, record.tests[1]]).scale_test.sizes[0]
    assert line.instance_ready_p50_seconds == 0.5
    assert line.instance_ready_p99_seconds is None
    assert line.api_requests_per_second is None


def test_requests_per_second_are_of_the_run_phase_and_not_of_all_that_an_iteration_took() -> None:
    summary = some_summary(
        figures=figures({"kro.requests.total": 100.0, "duration.runSeconds": 2.0}),
        duration_seconds=40.0,
    )
    record = scale_record(RunState.COMPLETED)
    measured = record.tests[0].model_copy(update={"summary": summary})
    line = ended(tests=[measured, record.tests[1]]).scale_test.sizes[0]
    assert line.api_requests_per_second == 50.0


def test_a_dead_load_job_is_cleaned_up_after_and_its_steps_are_kept() -> None:
    world = started()
    world.results = scale_record()
    world.settle()
    world.fail_load("LoadJobOOMKilled", begun=False)
    world.settle()
    assert world.cleanup is JobState.ACTIVE
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    assert (world.status.phase, world.status.verdict) == (Phase.FAILED, Verdict.ERROR)
    assert [step.size for step in world.scale_test.sizes] == [10, 20]


def test_no_step_of_a_load_job_that_died_stands_as_under_way() -> None:
    world = started()
    world.fail_load("LoadJobOOMKilled")
    world.settle()
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    steps = [(step.size, step.verdict) for step in world.scale_test.sizes]
    assert steps == [(10, "Met"), (20, "Failed")]
    assert world.scale_test.size == "2/2"
    assert "LoadJobOOMKilled: it broke" in world.events["SizeFailed", "20"].message


def test_kro_that_was_changed_to_verify_advice_is_put_back_even_where_objects_are_kept() -> None:
    world = started(spec=SCALE_SPEC | {"cleanup": "Never", "verify": True})
    world.fail_load()
    world.settle()
    assert world.cleanup is JobState.ACTIVE


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"slo": ["errors.total == 0", "nope < 1"]}, "UnknownMetric", "spec.slo[1]: nope"),
        (
            {"slo": ["errors.total =="]},
            "InvalidThreshold",
            "spec.slo[0]: 'errors.total ==' is not valid CEL",
        ),
        (
            {"slo": ["latency.instanceReady.p99 < 5.0"]},
            "TooFewSamples",
            "spec.slo[0]: latency.instanceReady.p99",
        ),
        (
            {"sizes": {"values": [20_000]}},
            "InvalidSpec",
            "spec.sizes: the smallest size, 20000, cannot be run: spec.workload.instances: must be",
        ),
        (
            {"sizes": {"values": [9, 3]}},
            "InvalidSpec",
            "spec.sizes.values: must be in ascending order",
        ),
    ],
)
def test_a_bad_spec_ends_at_once_and_leaves_nothing(
    change: dict[str, Any], reason: str, words: str
) -> None:
    world = started(spec=SCALE_SPEC | change)
    assert world.status.phase is Phase.FAILED
    assert world.status.conditions[0].reason == reason
    assert words in (world.status.message or "")
    assert world.loads_created == 0
