import asyncio
import json

import pytest
from emulated.conftest import (
    NAMESPACE,
    Api,
    Emulator,
    Manifest,
    RunningOperator,
    until_quiet,
)
from unit.controller.world import RECORDS, SPECS

from krobench.api.kinds import RunKind, RunRef
from krobench.controller.workqueue import Pace
from krobench.kube import paths
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.publisher import Publisher
from krobench.record.run import Progress, RunState
from krobench.record.store import RunLines, write_config_maps

_NOTHING = {"scenario": "x", "instances": 0}
BAD: dict[RunKind, Manifest] = {
    RunKind.BENCHMARK: {"tests": [{"name": "a", "workload": _NOTHING}]},
    RunKind.SCALE_TEST: SPECS[RunKind.SCALE_TEST] | {"workload": _NOTHING},
}
UNKNOWN_METRIC: dict[RunKind, Manifest] = {
    RunKind.BENCHMARK: {
        "tests": [SPECS[RunKind.BENCHMARK]["tests"][0] | {"thresholds": ["foo()"]}]
    },
    RunKind.SCALE_TEST: SPECS[RunKind.SCALE_TEST] | {"slo": ["foo()"]},
}


async def store_results(api: Api, name: str, state: RunState, *, iterations_done: int = 1) -> None:
    """Do what the load Job does."""
    resource = await api.client.get(api.path(name))
    owner = RunRef.of(api.kind, resource["metadata"])
    progress = Progress(iterations_done=iterations_done, iterations_planned=4)
    run = RECORDS[api.kind](state, id=owner.uid, name=name, progress=progress)
    _, [config_map] = write_config_maps(f"{name}-results", owner, run, RunLines())
    path = paths.core("configmaps", "default")
    if await api.client.find(f"{path}/{name}-results") is None:
        await api.client.create(path, config_map)
    else:
        await api.client.patch(f"{path}/{name}-results", config_map)


async def job_of(api: Api, run: str) -> Manifest:
    async def question() -> Manifest | None:
        jobs = [job for job in await api.jobs() if job["metadata"]["name"].startswith(run)]
        return jobs[0] if jobs else None

    job: Manifest = await api.until(question, f"a Job of {run}")
    return job


async def names_of_jobs(api: Api) -> list[str]:
    return [job["metadata"]["name"] for job in await api.jobs()]


async def test_from_the_resource_to_the_job_to_the_status(
    api: Api, operator: RunningOperator
) -> None:
    await api.create("one")
    job = await job_of(api, "one")
    await api.until_phase("one", "Running")
    await store_results(api, "one", RunState.RUNNING)

    async def progress() -> bool:
        return (await api.status("one")).get("progress") == "1/4"

    await api.until(progress, "the progress of the Job is shown")
    await store_results(api, "one", RunState.COMPLETED)
    await api.end_job(job["metadata"]["name"], "Complete")
    status = await api.until_phase("one", "Completed")
    assert status["verdict"] == "Passed"
    assert status["resultsRef"]["name"] == "one-results"

    async def released() -> bool:
        resource = await api.client.get(api.path("one"))
        return not resource["metadata"]["finalizers"]

    await api.until(released, "the finalizer is gone")

    async def forgotten() -> bool:
        assert operator.queue is not None
        return operator.queue.cluster.results.followed == 0

    await api.until(forgotten, "the results are not watched any more")
    assert {("one", "Started"), ("one", "Completed")} <= set(await api.events())


async def test_looking_costs_no_request(
    api: Api, emulator: Emulator, operator: RunningOperator
) -> None:
    await api.create("running")
    await job_of(api, "running")
    await api.until_phase("running", "Running")
    await api.create("waiting")
    await api.until_phase("waiting", "Queued")
    await until_quiet(emulator, 4 * operator.pace.look_seconds, "looking costs no request")


async def test_progress_is_written_at_its_pace(api: Api, server: str) -> None:
    operator = RunningOperator(server)
    operator.pace = Pace(look_seconds=0.1, progress_seconds=30.0)
    await operator.start()
    try:
        await api.create("one")
        await api.until_phase("one", "Running")
        await store_results(api, "one", RunState.RUNNING)
        await asyncio.sleep(0.3)
        await store_results(api, "one", RunState.RUNNING, iterations_done=2)
        await asyncio.sleep(0.3)
        assert (await api.status("one")).get("progress") in (None, "1/4")
        await store_results(api, "one", RunState.COMPLETED, iterations_done=4)
        assert (await api.until_phase("one", "Completed"))["progress"] == "4/4"
    finally:
        await operator.stop()


async def test_an_older_crd_lets_a_bad_spec_through_and_the_operator_refuses_it(
    api: Api, operator: RunningOperator
) -> None:
    await api.create("bad", BAD[api.kind])
    status = await api.until_phase("bad", "Failed")
    assert status["conditions"][0]["reason"] == "InvalidSpec"
    assert "workload.scenario" in status["message"]
    assert await api.jobs() == []


async def test_a_refusal_of_a_server_that_has_just_started_fails_no_run(
    api: Api, emulator: Emulator, operator: RunningOperator
) -> None:
    emulator.starting = True
    await api.create("one")

    async def asked() -> int:
        return emulator.unready_answers

    await api.until(asked, "the load Job was refused, and the server asked whether it is ready")
    emulator.starting = False
    await job_of(api, "one")
    assert (await api.until_phase("one", "Running"))["phase"] == "Running"


async def test_one_unreadable_resource_does_not_stop_the_others(
    api: Api, operator: RunningOperator
) -> None:
    await api.create("odd", UNKNOWN_METRIC[api.kind])
    await api.client.patch(
        api.path("odd"), {"status": {"phase": "FromTheFuture", "headline": {"x": 1}}}
    )
    await api.create("good")
    await job_of(api, "good")
    assert (await api.until_phase("odd", "Failed"))["verdict"] == "Error"


async def test_runs_go_one_after_another(api: Api, operator: RunningOperator) -> None:
    await api.create("first")
    job = await job_of(api, "first")
    await api.create("second")
    status = await api.until_phase("second", "Queued")
    assert "default/first" in status["message"]
    await store_results(api, "first", RunState.RUNNING)
    await store_results(api, "first", RunState.COMPLETED)
    await api.end_job(job["metadata"]["name"], "Complete")
    await job_of(api, "second")


async def test_runs_of_either_kind_wait_for_each_other(api: Api, operator: RunningOperator) -> None:
    [other] = [kind for kind in RunKind if kind is not api.kind]
    await Api(api.client, other).create("same-name")
    await job_of(api, "same-name")
    await api.create("same-name")
    status = await api.until_phase("same-name", "Queued")
    assert f"queued behind {other} default/same-name" in status["message"]
    assert len(await api.jobs()) == 1


async def test_a_load_whose_pod_is_refused_ends_in_the_clusters_words_and_the_queue_goes_on(
    api: Api, emulator: Emulator, operator: RunningOperator
) -> None:
    emulator.job_age_seconds = 165.0
    await api.create("refused")
    job = await job_of(api, "refused")
    name = job["metadata"]["name"]
    emulator.job_age_seconds = 0.0
    quota = 'Error creating: pods "x" is forbidden: exceeded quota: small'
    warning = {
        "metadata": {"name": "refused.1", "namespace": NAMESPACE},
        "involvedObject": {"kind": "Job", "namespace": NAMESPACE, "name": name},
        "type": "Warning",
        "reason": "FailedCreate",
        "message": quota,
    }
    await api.client.create(paths.core("events", NAMESPACE), warning)
    await api.create("next")
    status = await api.until_phase("refused", "Failed")
    assert status["conditions"][0]["reason"] == "LoadPodNotStarted"
    assert quota in status["message"]
    assert not [name for name in await names_of_jobs(api) if name.startswith("refused")]
    await job_of(api, "next")
    asked = [each for each in emulator.seen if each == f"GET {paths.core('events', NAMESPACE)}"]
    assert len(asked) <= 3


async def test_an_operator_that_was_down_finds_the_run_as_it_stands(
    api: Api, operator: RunningOperator
) -> None:
    await api.create("restarted")
    job = await job_of(api, "restarted")
    await operator.stop()
    await store_results(api, "restarted", RunState.RUNNING)
    await store_results(api, "restarted", RunState.COMPLETED)
    await api.end_job(job["metadata"]["name"], "Complete")
    await operator.start()
    await api.until_phase("restarted", "Completed")
    assert len(await api.jobs()) == 1


async def test_an_operator_that_was_rolled_back_says_that_it_cannot_read_newer_results(
    api: Api, operator: RunningOperator
) -> None:
    await api.create("newer")
    job = await job_of(api, "newer")
    await api.until_phase("newer", "Running")
    await store_results(api, "newer", RunState.RUNNING)
    path = paths.core("configmaps", "default", "newer-results")
    record = json.loads((await api.client.get(path))["data"]["run.json"])
    record |= {"schema": "krobench.run/v3", "state": "Completed", "unheard": {"of": 1}}
    stored = {"data": {"run.json": json.dumps(record)}}
    await api.client.patch(path, stored)
    await api.end_job(job["metadata"]["name"], "Complete")
    status = await api.until_phase("newer", "Failed")
    assert status["conditions"][0]["reason"] == "ResultsUnreadable"
    assert "krobench.run/v3" in status["message"]
    assert (await api.client.get(path))["data"] == stored["data"], "they stay for the newer one"


async def test_a_resource_deleted_in_mid_run_goes_when_its_objects_are_gone(
    api: Api, operator: RunningOperator
) -> None:
    await api.create("deleted")
    await job_of(api, "deleted")
    await api.until_phase("deleted", "Running")
    await store_results(api, "deleted", RunState.RUNNING)
    await api.client.delete(api.path("deleted"))

    async def cleanup() -> str | None:
        names: list[str] = [job["metadata"]["name"] for job in await api.jobs()]
        return next((name for name in names if name.endswith("cleanup-1")), None)

    name = await api.until(cleanup, "a cleanup Job")
    assert not any(job["metadata"]["name"].endswith("load") for job in await api.jobs())
    await api.client.get(api.path("deleted"))
    await api.end_job(name, "Complete")

    async def gone() -> bool:
        return await api.client.list(api.path()) == []

    await api.until(gone, "the resource is gone")


async def test_a_config_map_that_belongs_to_no_run_is_left_alone(
    api: Api, operator: RunningOperator
) -> None:
    config_map = {"metadata": {"name": "taken-results", "namespace": "default"}, "data": {"a": "1"}}
    await api.client.create(paths.core("configmaps", "default"), config_map)
    await api.create("taken")
    status = await api.until_phase("taken", "Failed")
    assert status["conditions"][0]["reason"] == "ResultsConflict"
    assert "was not created by a run: delete it" in status["message"]
    assert ("taken", "ResultsConflict") in await api.events()


async def test_of_two_kinds_of_one_name_the_second_is_told_whose_the_results_are(
    api: Api, operator: RunningOperator
) -> None:
    first = Api(api.client, next(kind for kind in RunKind if kind is not api.kind))
    await first.create("same")
    await first.until_phase("same", "Running")
    await store_results(first, "same", RunState.RUNNING)
    results = paths.core("configmaps", "default", "same-results")
    stored = await api.client.get(results)
    await api.create("same")
    status = await api.until_phase("same", "Failed")
    assert status["conditions"][0]["reason"] == "ResultsConflict"
    assert f"holds the results of {first.kind} same" in status["message"]
    assert "give this one another name" in status["message"]
    assert ("same", "ResultsConflict") in await api.events()
    assert len(await api.jobs()) == 1
    # If the first stores its results only after the load of the second has started:
    owner = RunRef(api.kind, "default", "same", "uid-of-the-second")
    record = RECORDS[api.kind](RunState.RUNNING, id=owner.uid, name="same")
    with pytest.raises(AbortedError, match=f"holds the results of {first.kind} same"):
        await Publisher(api.client, "same-results", owner).publish(record, RunLines())
    assert await api.client.get(results) == stored
    assert (await first.status("same"))["phase"] == "Running"


async def store_results_of_deleted(
    api: Api, run: str, config_map: str, *other_owners: Manifest
) -> None:
    """Store what a run that does not exist any more has left to the garbage collector."""
    owner = RunRef(api.kind, "default", run, "uid-of-the-deleted")
    owners = [owner.owner_reference, *other_owners]
    metadata = {"name": config_map, "namespace": "default", "ownerReferences": owners}
    body = {"metadata": metadata, "data": {"run.json": "{}"}}
    await api.client.create(paths.core("configmaps", "default"), body)


async def test_results_of_a_run_that_was_deleted_just_now_are_in_nobodys_way(
    api: Api, operator: RunningOperator
) -> None:
    for name in ("again-results", "again-results-1"):
        await store_results_of_deleted(api, "again", name)
    await api.create("again")
    await api.until_phase("again", "Running")
    uid = (await api.client.get(api.path("again")))["metadata"]["uid"]
    owner = RunRef(api.kind, "default", "again", uid)
    record = RECORDS[api.kind](RunState.RUNNING, id=uid, name="again")
    for name in ("again-results", "again-results-1"):
        await Publisher(api.client, name, owner).publish(record, RunLines())
        stored = await api.client.get(paths.core("configmaps", "default", name))
        assert stored["metadata"]["ownerReferences"] == [owner.owner_reference]
    assert (await api.status("again"))["phase"] == "Running"


async def test_what_somebody_else_owns_as_well_is_left_alone(
    api: Api, operator: RunningOperator
) -> None:
    app = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "uid": "uid-of-the-app"}
    await store_results_of_deleted(api, "shared", "shared-results", app)
    await api.create("shared")
    status = await api.until_phase("shared", "Failed")
    assert status["conditions"][0]["reason"] == "ResultsConflict"


async def test_an_operator_outlasts_an_api_server_that_is_away_at_start_and_in_mid_run(
    api: Api, emulator: Emulator, server: str
) -> None:
    async def many_unanswered() -> bool:
        return emulator.unanswered >= 2

    emulator.away = "/"
    operator = RunningOperator(server)
    operator.timing = Timing(start_retry=0.2)
    start = asyncio.create_task(operator.start())
    try:
        await api.until(many_unanswered, "the operator asks again")
        assert operator.operator is not None
        assert not operator.operator.ready
        assert operator.operator.trouble() is None
        emulator.away = ""
        await start
        assert operator.operator.ready
        await api.create("one")
        await api.until_phase("one", "Running")
        emulator.away, emulator.unanswered = "/status", 0
        await store_results(api, "one", RunState.COMPLETED)
        await api.until(many_unanswered, "the operator asks again")
        emulator.away = ""
        assert (await api.until_phase("one", "Completed"))["verdict"] == "Passed"
        assert operator.operator.trouble() is None
    finally:
        emulator.away = ""
        await start
        await operator.stop()


@pytest.mark.parametrize("kept", [True, False])
async def test_deleting_a_finished_run_that_kept_objects_says_how_to_remove_them(
    api: Api, operator: RunningOperator, kept: bool
) -> None:
    await api.create("keeper", SPECS[api.kind] | {"cleanup": "Never" if kept else "Always"})
    await api.until_phase("keeper", "Running")
    await store_results(api, "keeper", RunState.COMPLETED)
    await api.until_phase("keeper", "Completed")
    uid = (await api.client.get(api.path("keeper")))["metadata"]["uid"]

    async def released() -> bool:
        return not (await api.client.get(api.path("keeper")))["metadata"]["finalizers"]

    await api.until(released, "the finalizer is gone")
    await api.client.delete(api.path("keeper"))
    await api.create("after")
    await api.until_phase("after", "Running")
    events = await api.client.list(paths.core("events", "default"))
    said = [each["message"] for each in events if each["reason"] == "ObjectsKept"]
    assert len(said) == kept
    assert all(f"krobench cleanup --run {uid}" in message for message in said)


async def test_operators_that_watch_the_same_namespace_leave_each_others_runs_alone(
    api: Api, server: str
) -> None:
    """Both watch the same namespaces, and each has a Lease of its own."""
    first, other = (
        RunningOperator(
            server, namespace, lease_namespace=namespace, watch_namespaces=("default", "team")
        )
        for namespace in (NAMESPACE, "krobench-other")
    )
    await first.start()
    await api.create("claimed")
    await job_of(api, "claimed")
    await api.until_phase("claimed", "Running")
    await store_results(api, "claimed", RunState.RUNNING)
    await other.start()
    try:
        await api.create("next")
        await api.until_phase("next", "Queued")
        await store_results(api, "claimed", RunState.COMPLETED)
        assert (await api.until_phase("claimed", "Completed"))["verdict"] == "Passed"
        await api.until_phase("next", "Running")

        async def one_job_of_next() -> bool:
            here = await api.jobs()
            there = await api.client.list(paths.group("batch", "v1", "jobs", "krobench-other"))
            names = [job["metadata"]["name"] for job in (*here, *there)]
            assert not [name for name in names if "cleanup" in name]
            return len([name for name in names if name.startswith("next")]) == 1

        await api.until(one_job_of_next, "one of the two executes the next run")
    finally:
        await other.stop()
        await first.stop()


async def test_a_status_that_is_invalid_is_named_once_and_left_alone(
    emulator: Emulator, api: Api, server: str
) -> None:
    old = emulator.invalid = "stored-by-an-older-crd"
    await api.create(old, {"steps": {"from": 1}})
    operator = RunningOperator(server)
    operator.pace = Pace(look_seconds=0.01, progress_seconds=0.1)
    await operator.start()
    try:

        async def named() -> bool:
            return (old, "StatusRefused") in await api.events()

        await api.until(named, "an Event")
        await api.create("sound")
        await job_of(api, "sound")
    finally:
        await operator.stop()
    # A look at all runs may come before the first answer.
    assert 1 <= sum(each.endswith(f"{old}/status") for each in emulator.seen) <= 2
