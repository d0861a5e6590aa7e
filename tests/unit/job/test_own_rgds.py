from typing import Any, cast

import pytest

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.job.errors import AbortedError
from krobench.job.preflight import read_own_rgds
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError

WORKLOAD = {"rgd": {"configMapKeyRef": {"name": "rgds", "key": "app.yaml"}}, "instances": 1}
SPEC = KroBenchmarkSpec.model_validate(
    {"tests": [{"name": name, "workload": WORKLOAD} for name in ("a", "b")]}
)


class StoredObjects:
    """Answers GET requests as an API server would."""

    patiently = KubeClient.patiently
    backoff = KubeClient.backoff

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
    assert raised.value.info.message == (
        "spec.tests[0].workload.rgd.configMapKeyRef.name: there is no ConfigMap team/rgds"
    )
