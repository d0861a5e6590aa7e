"""Objects that an API server admits and that make no sense, beside a sound run."""

import asyncio
import random
import time
from functools import cache
from typing import Any

import pytest
from emulated.conftest import TIMEOUT_SECONDS, Api, Manifest, RunningOperator
from emulated.test_operator import job_of, store_results
from hypothesis import HealthCheck, Phase, given, settings
from unit.admitted import changed_examples
from unit.controller.world import SPECS

from krobench.api.kinds import RunKind
from krobench.controller.runs import parse_run
from krobench.kube.client import KubeClient
from krobench.kube.config import ClientConfig
from krobench.record.run import RunState

pytestmark = pytest.mark.filterwarnings("ignore")

BAD = 500
_DRAWN = 60


@cache
def bad_specs(kind: RunKind) -> list[Manifest]:
    """Return specs that the CRD admits and the operator refuses, the same in every run."""
    found: list[Manifest] = []

    @settings(
        max_examples=_DRAWN,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(changed_examples(kind))
    def draw(spec: Manifest) -> None:
        metadata = {"name": "a", "namespace": "n", "uid": "u", "creationTimestamp": "t"}
        if parse_run(kind, {"metadata": metadata, "spec": spec}).errors:
            found.append(spec)

    draw()
    sound = SPECS[kind]
    if kind is RunKind.BENCHMARK:
        test = sound["tests"][0]
        mixes = [{"operation": "create"}, *[{"operation": "mix", "count": 100_000}] * 15]
        churn = {"operation": "churn", "churn": {"share": 1, "rounds": 1000}}
        many = test | {"workload": {"scenario": "single", "instances": 10_000}}
        found += [
            {"tests": [many | {"name": f"t{at}", "phases": mixes} for at in range(32)]},
            {"tests": [many | {"phases": [{"operation": "create"}, churn]}]},
        ]
    found.append(sound | {"collect": {"etcd": {"url": "http://" + "x" * 300_000}}})
    random.Random(1).shuffle(found)
    return found


@pytest.fixture(params=RunKind)
def drawn(request: pytest.FixtureRequest) -> tuple[RunKind, list[Manifest]]:
    """Specs of either kind, before anything waits for their being drawn."""
    return request.param, bad_specs(request.param)


async def test_bad_objects_beside_a_sound_run_end_by_their_field_and_do_not_delay_it(
    drawn: tuple[RunKind, list[Manifest]], server: str, record_property: Any
) -> None:
    kind, specs = drawn
    async with (
        KubeClient(ClientConfig(server, None, lambda: None)) as client,
        asyncio.timeout(9 * TIMEOUT_SECONDS),
    ):
        api = Api(client, kind)
        for at in range(BAD):
            await api.create(f"bad-{at:03d}", specs[at % len(specs)])
        operator = RunningOperator(server)
        await operator.start()
        try:
            await see_them_end(api, operator, record_property)
        finally:
            await operator.stop()


async def see_them_end(api: Api, operator: RunningOperator, record_property: Any) -> None:
    lags = await watch_lags(operator)
    begun = time.monotonic()
    await api.create("sound")
    job = await job_of(api, "sound")
    await store_results(api, "sound", RunState.COMPLETED, iterations_done=4)
    await api.end_job(job["metadata"]["name"], "Complete")
    assert (await api.until_phase("sound", "Completed"))["verdict"] == "Passed"
    record_property("sound_seconds", round(time.monotonic() - begun, 2))

    async def all_ended() -> list[Manifest] | None:
        items = await api.client.list(api.path())
        bad = [item.get("status", {}) for item in items if item["metadata"]["name"] != "sound"]
        return bad if all(status.get("phase") == "Failed" for status in bad) else None

    ended = None
    async with asyncio.timeout(8 * TIMEOUT_SECONDS):
        while ended is None:
            await asyncio.sleep(2)
            ended = await all_ended()
    assert len(ended) == BAD
    record_property("bad_seconds", round(time.monotonic() - begun, 2))
    for status in ended:
        assert status["verdict"] == "Error"
        assert status["conditions"][0]["reason"] not in ("", "Unknown")
        assert status["message"].startswith(("spec.", "spec: ", "test ")), status["message"]
        assert "cannot check it" not in status["message"]
    record_property("longest_lag_ms", round(1000 * max(lags), 1))


async def watch_lags(operator: RunningOperator) -> list[float]:
    """Return a list that gets, every 5 ms, how late the operator's event loop is."""
    lags = [0.0]

    async def tick() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            lags.append(time.monotonic() - before - 0.005)

    assert operator.loop is not None
    asyncio.run_coroutine_threadsafe(tick(), operator.loop)
    return lags
