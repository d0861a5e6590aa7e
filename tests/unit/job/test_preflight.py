from typing import Any, cast

import pytest

from krobench.job.errors import AbortedError
from krobench.job.preflight import read_own_rgds, wait_for_leader
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError
from krobench.model.benchmark import KroBenchmarkSpec
from krobench.model.target import Target

WORKLOAD = {"rgd": {"configMapKeyRef": {"name": "rgds", "key": "app.yaml"}}, "instances": 1}
SPEC = KroBenchmarkSpec.model_validate(
    {"tests": [{"name": name, "workload": WORKLOAD} for name in ("a", "b")]}
)


class StoredObjects:
    """Answers GET requests as an API server would."""

    def __init__(self, objects: dict[str, Any]) -> None:
        self.objects = objects
        self.asked: list[str] = []

    async def get(self, path: str) -> Any:
        self.asked.append(path)
        if path not in self.objects:
            raise ApiError(404, "NotFound", "not found")
        return self.objects[path]


async def test_a_config_map_is_read_once_from_the_benchmarks_namespace() -> None:
    text = "spec: {schema: {kind: App}, resources: []}"
    client = StoredObjects(
        {"/api/v1/namespaces/team/configmaps/rgds": {"data": {"app.yaml": text}}}
    )
    spec = await read_own_rgds(cast("KubeClient", client), SPEC, "team")
    assert len(client.asked) == 1
    for test in spec.tests:
        assert test.workload.rgd is not None
        assert test.workload.rgd.inline == {"spec": {"schema": {"kind": "App"}, "resources": []}}


async def test_a_config_map_that_is_missing_ends_the_run_by_its_name() -> None:
    with pytest.raises(AbortedError) as raised:
        await read_own_rgds(cast("KubeClient", StoredObjects({})), SPEC, "team")
    assert raised.value.info.reason == "InvalidWorkload"
    assert "there is no ConfigMap team/rgds" in raised.value.info.message


async def test_a_kro_that_has_just_started_is_waited_for_until_it_leads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holders: list[str | None] = ["kro-0_x", "kro-0_x", "kro-1_y"]
    asked: list[str | None] = []

    async def leader(*_: object) -> str | None:
        asked.append(holders[len(asked)])
        return asked[-1]

    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr("krobench.job.preflight.kro_leader", leader)
    monkeypatch.setattr("krobench.job.preflight.asyncio.sleep", at_once)
    told: list[str] = []
    await wait_for_leader(cast("KubeClient", None), Target(), "kro-1", told.append)
    assert asked == holders
    assert told == ["waits for kro's pod kro-1 to lead"] * 2
