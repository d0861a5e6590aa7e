"""Runs whose load Job died, or whose resource is deleted: what they made does not stay."""

from dataclasses import replace

import pytest
from unit.controller.world import SPEC, World, record, started

from krobench.api.common import ErrorInfo
from krobench.api.kinds import RunKind, RunRef
from krobench.api.status import Phase, Verdict
from krobench.controller.state import JobState, JobView
from krobench.record.run import INTERRUPTED, RunState


def test_a_load_job_that_dies_is_cleaned_up_after_and_keeps_its_results() -> None:
    world = started()
    world.fail_load("LoadJobOOMKilled")
    world.settle()
    assert world.status.phase is Phase.CLEANING_UP
    assert world.cleanup is JobState.ACTIVE
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert world.status.verdict is Verdict.ERROR
    assert world.status.conditions[0].reason == "LoadJobOOMKilled"
    assert world.status.results_ref is not None
    assert not world.finalizers


@pytest.mark.parametrize("policy", ["OnSuccess", "Never"])
def test_objects_of_a_dead_job_are_kept_where_the_policy_says_so(policy: str) -> None:
    world = World(spec=SPEC | {"cleanup": policy})
    world.settle()
    world.fail_load()
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert world.cleanup is JobState.ABSENT
    assert any("objects were kept" in text for text in world.status.warnings)


VARIANTS = [{"name": "one"}, {"name": "two"}]


def test_kro_is_put_back_even_where_objects_are_kept() -> None:
    world = World(spec=SPEC | {"cleanup": "Never", "variants": VARIANTS})
    world.settle()
    world.fail_load()
    assert world.results is not None
    world.results.variant = "one"
    world.settle()
    assert world.cleanup is JobState.ACTIVE
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert any("objects were kept" in warning for warning in world.status.warnings)


def test_kro_that_was_about_to_be_changed_is_put_back() -> None:
    pending = record().tests[0].model_copy(update={"start_time": None})
    world = World(spec=SPEC | {"variants": VARIANTS})
    world.settle()
    world.fail_load()
    world.results = record(tests=[pending], variant="one")
    world.settle()
    assert world.cleanup is JobState.ACTIVE


def test_a_job_that_was_refused_before_it_began_needs_no_clean_up() -> None:
    world = started()
    world.fail_load("KroNotFound", begun=False)
    world.settle()
    assert world.status.conditions[0].reason == "KroNotFound"
    assert world.cleanup is JobState.ABSENT


def test_nothing_is_cleaned_up_while_the_loads_pod_still_runs() -> None:
    world = started()
    world.results = record()
    world.settle()
    world.load = JobView()  # someone deleted the Job; its pod is given time to end
    world.settle()
    assert world.status.phase is Phase.CLEANING_UP
    assert world.cleanup is JobState.ABSENT
    world.pods_running = False
    world.settle()
    assert world.cleanup is JobState.ACTIVE
    assert world.status.conditions[0].reason == "LoadJobDeleted"


def test_objects_are_cleaned_up_even_where_the_results_were_lost() -> None:
    world = started()
    world.results = record()
    world.settle()
    world.fail_load(begun=False)
    world.settle()
    assert world.cleanup is JobState.ACTIVE


def fail_cleanup(world: World, why: str = "ConfigMap/ns/left still there") -> None:
    error = ErrorInfo(reason="TeardownIncomplete", message=why)
    world.cleanups[-1] = replace(world.cleanups[-1], state=JobState.FAILED, error=error)


def test_a_cleanup_that_fails_twice_ends_the_run_and_is_tried_again() -> None:
    world = started()
    world.fail_load()
    for _ in range(2):
        world.settle()
        fail_cleanup(world)
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert any("ConfigMap/ns/left" in text for text in world.status.warnings)
    assert not world.observe().run.occupies_cluster, "other runs go on"
    assert world.finalizers
    assert len(world.cleanups) == 2
    world.let_pass(700)
    world.ahead = (RunRef(RunKind.BENCHMARK, "default", "another"),)
    world.settle()
    assert len(world.cleanups) == 2, "it would disturb another run"
    world.ahead = ()
    world.settle()
    assert len(world.cleanups) == 3
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    assert not world.finalizers


def test_deleting_in_mid_run_stops_the_load_before_it_cleans_up() -> None:
    world = started()
    world.delete()
    world.settle()
    assert world.load.state is JobState.ABSENT
    assert world.cleanup is JobState.ABSENT, "the load's pods still run"
    world.pods_running = False
    world.settle()
    assert world.cleanup is JobState.ACTIVE
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    assert not world.exists


def test_deleting_lasts_until_all_is_gone_or_somebody_gives_up() -> None:
    world = started()
    world.delete()
    world.pods_running = False
    for _ in range(2):
        world.settle()
        fail_cleanup(world)
    world.settle()
    assert world.exists
    assert world.status.conditions[0].reason == "CleanupFailed"
    assert "ConfigMap/ns/left" in world.events["CleanupFailed", ""].message
    assert not world.observe().run.occupies_cluster, "other runs go on"
    world.annotations = {"bench.kro.run/abandon-cleanup": "true"}
    world.settle()
    assert not world.exists
    assert "ConfigMap/ns/left" in world.events["CleanupAbandoned", ""].message


def test_a_cleanup_whose_pod_does_not_start_holds_up_no_other_run() -> None:
    world = started()
    world.fail_load()
    world.settle()
    waiting = ErrorInfo(reason="FailedCreate", message="exceeded quota")
    world.cleanups[-1] = replace(world.cleanups[-1], waiting=waiting, age_seconds=200)
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert any("exceeded quota" in text for text in world.status.warnings)
    assert world.finalizers
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    assert not world.finalizers


EVICTED = ErrorInfo(reason="LoadPodEvicted", message="the load Job's pod was evicted")


@pytest.mark.parametrize("noticed", [True, False])
def test_an_eviction_is_the_reason_and_what_was_measured_is_kept(noticed: bool) -> None:
    world = started()
    world.results = record()
    if noticed:
        world.load = JobView(JobState.ACTIVE, disrupted=EVICTED)
        world.settle()
        assert world.load.state is JobState.ABSENT
    else:  # the operator was away until the Job had failed
        world.load = JobView(JobState.FAILED, disrupted=EVICTED)
    interrupted = ErrorInfo(reason=INTERRUPTED, message="the load Job was stopped")
    world.results = record(RunState.ABORTED, error=interrupted)
    world.pods_running = False
    world.settle()
    world.end_cleanups(JobState.SUCCEEDED)
    world.settle()
    assert world.status.phase is Phase.FAILED
    assert world.status.conditions[0].reason == "LoadPodEvicted"
    assert world.status.results_ref is not None
    assert [test.name for test in world.benchmark.tests] == ["a"]
    assert not world.finalizers


def test_a_pod_that_is_taken_away_after_all_was_done_changes_nothing() -> None:
    world = started()
    world.finish_load()
    world.load = JobView(JobState.ACTIVE, disrupted=EVICTED)
    world.settle()
    assert world.status.phase is Phase.COMPLETED
