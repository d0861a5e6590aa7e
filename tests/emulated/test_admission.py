"""Runs that an API server admits and that must wait, or never start."""

import aiohttp
import pytest
from emulated.conftest import Api, RunningOperator
from emulated.test_operator import job_of, store_results
from unit.controller.world import SPECS

from krobench.api.kinds import RunKind
from krobench.kube.client import allow_deep_objects
from krobench.record.run import RunState


async def test_a_suspended_run_starts_when_it_is_resumed(
    api: Api, operator: RunningOperator
) -> None:
    await api.create("first", SPECS[api.kind] | {"suspend": True})
    status = await api.until_phase("first", "Suspended")
    assert status["conditions"][0]["reason"] == "Suspended"
    await api.create("second")
    job = await job_of(api, "second")
    assert job["metadata"]["name"].startswith("second"), "a suspended run does not hold the queue"
    await api.client.patch(api.path("first"), {"spec": {"suspend": False}})
    await api.until_phase("first", "Queued")
    await store_results(api, "second", RunState.COMPLETED, iterations_done=4)
    await api.end_job(job["metadata"]["name"], "Complete")
    await job_of(api, "first")


OLD = {
    RunKind.BENCHMARK: (
        {"tests": [SPECS[RunKind.BENCHMARK]["tests"][0] | {"steps": [{"operation": "create"}]}]},
        "phases",
    ),
    RunKind.SCALE_TEST: (
        {name: value for name, value in SPECS[RunKind.SCALE_TEST].items() if name != "sizes"}
        | {"steps": {"values": [1, 2], "hold": "1m", "keep": True}, "repeats": 2},
        "sizes",
    ),
}


@pytest.mark.parametrize("suspend", [False, True])
async def test_a_run_with_fields_of_before_an_upgrade_names_the_new_one(
    api: Api, server: str, suspend: bool
) -> None:
    spec, new_name = OLD[api.kind]
    await api.create("old", spec | ({"suspend": True} if suspend else {}))
    await api.create("sound")
    operator = RunningOperator(server)
    await operator.start()
    try:
        status = await api.until_phase("old", "Failed")
        assert status["conditions"][0]["reason"] == "InvalidSpec"
        assert f"use {new_name}" in status["message"]
        await job_of(api, "sound")
    finally:
        await operator.stop()


async def test_an_object_of_thousands_of_levels_stops_nobody(api: Api, server: str) -> None:
    allow_deep_objects()  # the emulator reads it, too
    levels = 9_900
    spec = '{"tests":' + '{"a":' * levels + "1" + "}" * levels + "}"
    body = '{"metadata":{"name":"deep","namespace":"default"},"spec":' + spec + "}"
    headers = {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(server + api.path(), data=body, headers=headers) as answer,
    ):
        assert answer.ok
    operator = RunningOperator(server)
    await operator.start()
    try:
        status = await api.until_phase("deep", "Failed")
        assert status["conditions"][0]["reason"] == "InvalidSpec"
        assert "too deeply" in status["message"]
        await api.create("sound")
        await job_of(api, "sound")
    finally:
        await operator.stop()
