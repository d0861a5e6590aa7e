import pytest
from doubles.cluster import MemoryApi

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.preflight import read_own_rgds

WORKLOAD = {"rgd": {"configMapKeyRef": {"name": "rgds", "key": "app.yaml"}}, "instances": 1}
SPEC = KroBenchmarkSpec.model_validate(
    {"tests": [{"name": name, "workload": WORKLOAD} for name in ("a", "b")]}
)


async def test_a_config_map_is_read_once_from_the_benchmarks_namespace() -> None:
    text = "spec: {schema: {kind: App}, resources: []}"
    config_map = {"metadata": {"name": "rgds"}, "data": {"app.yaml": text}}
    api = MemoryApi({"/api/v1/namespaces/team/configmaps/rgds": config_map})
    spec = await read_own_rgds(api, SPEC, "team")
    assert len(api.asked) == 1
    for test in spec.tests:
        assert test.workload.rgd is not None
        assert test.workload.rgd.inline == {"spec": {"schema": {"kind": "App"}, "resources": []}}


async def test_a_config_map_that_is_missing_ends_the_run_by_its_name() -> None:
    with pytest.raises(AbortedError) as raised:
        await read_own_rgds(MemoryApi(), SPEC, "team")
    assert raised.value.info.reason == "InvalidWorkload"
    assert raised.value.info.message == (
        "spec.tests[0].workload.rgd.configMapKeyRef.name: ConfigMap team/rgds does not exist; "
        "create it"
    )
