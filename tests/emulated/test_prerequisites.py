"""Runs that create what their instances need."""

from typing import Any

import pytest
from doubles.cluster import MemoryCluster
from emulated.test_load import UID, quick, run, run_suite

from krobench.api.common import RUN_LABEL, ErrorInfo
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError
from krobench.loadjob.main import restore
from krobench.record.run import RunRecord

__all__ = ["quick"]  # a fixture that all tests here use

SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
QUEUE = {"apiVersion": "example.org/v1", "kind": "Queue", "metadata": {"name": "main"}}
CRDS = "/apis/apiextensions.k8s.io/v1"


class Cluster(MemoryCluster):
    """Serves ConfigMaps, CRDs, and the kinds of these."""

    def __init__(self) -> None:
        super().__init__()
        self.settings_created = 0
        entry = {"name": "configmaps", "kind": "ConfigMap", "namespaced": True}
        self.resources["/api/v1"] = [entry]
        crds = {"name": "customresourcedefinitions", "kind": "CustomResourceDefinition"}
        self.resources[CRDS] = [crds | {"namespaced": False}]
        self.put("/api/v1/namespaces/default", {"metadata": {"name": "default"}})

    def prepare(self, path: str, item: JsonObject) -> None:
        super().prepare(path, item)
        self.settings_created += item["metadata"]["name"] == "settings"
        if item.get("kind") == "CustomResourceDefinition":
            item["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
            entry = {"name": item["spec"]["names"]["plural"], "kind": item["spec"]["names"]["kind"]}
            self.resources[f"/apis/{item['spec']['group']}/v1"] = [entry | {"namespaced": True}]


async def with_prerequisites(cluster: MemoryCluster, *prerequisites: Any, **test: Any) -> RunRecord:
    workload = {"scenario": "single", "instances": 2, "prerequisites": [*prerequisites]}
    return await run_suite(cluster, [{"name": "a", "workload": workload} | test])


def error_of(record: RunRecord) -> ErrorInfo:
    error = record.tests[0].error
    assert error is not None
    return error


def settings_in(cluster: MemoryCluster) -> list[str]:
    return [path for path in cluster.objects if path.endswith("/configmaps/settings")]


async def test_objects_are_there_before_the_rgds_and_gone_after_the_run() -> None:
    cluster = Cluster()
    record = await with_prerequisites(cluster, SETTINGS, namespace="default")
    assert record.tests[0].success
    created = [path for verb, path in cluster.asked if verb == "create"]
    first_rgd = next(at for at, path in enumerate(created) if "resourcegraph" in path)
    assert "/api/v1/namespaces/default/configmaps" in created[:first_rgd]
    assert settings_in(cluster) == []
    assert record.orphans is not None
    assert record.orphans.count == 0


async def test_they_are_created_once_for_all_iterations_and_tests() -> None:
    cluster = Cluster()
    tests = [
        {"name": name, "workload": {"scenario": "single", "prerequisites": [SETTINGS]}}
        for name in ("a", "b")
    ]
    record = await run_suite(cluster, tests)
    assert [test.success for test in record.tests] == [True, True]
    created = [path for verb, path in cluster.asked if verb == "create"]
    plain = [path for path in created if path.endswith("/configmaps")]
    assert len(set(plain)) <= 2


async def test_what_is_left_of_a_run_that_died_is_deleted() -> None:
    cluster = Cluster()
    record = await with_prerequisites(cluster, SETTINGS, namespace="default")
    assert record.tests[0].success
    mine = {"name": "settings", "labels": {RUN_LABEL: UID, "bench.kro.run/prerequisite": "true"}}
    other = {"name": "other", "labels": {RUN_LABEL: UID}}
    for metadata in (mine, other):
        path = f"/api/v1/namespaces/default/configmaps/{metadata['name']}"
        cluster.put(path, {"metadata": metadata | {"namespace": "default"}})
    await restore(cluster, UID, only_kro=False)
    assert settings_in(cluster) == []
    assert "/api/v1/namespaces/default/configmaps/other" in cluster.objects


async def test_an_object_of_somebody_else_is_neither_used_nor_deleted() -> None:
    cluster = Cluster()
    path = "/api/v1/namespaces/default/configmaps/settings"
    cluster.put(path, {"metadata": {"name": "settings", "namespace": "default"}})
    error = error_of(await with_prerequisites(cluster, SETTINGS, namespace="default"))
    assert error.reason == "PrerequisiteExists"
    assert "tests[0].workload.prerequisites[0]" in error.message
    assert settings_in(cluster) == [path]


async def test_a_crd_may_come_before_its_objects() -> None:
    cluster = Cluster()
    names = {"kind": "Queue", "plural": "queues"}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "queues.example.org"},
        "spec": {"group": "example.org", "names": names},
    }
    record = await with_prerequisites(cluster, crd, QUEUE)
    assert record.tests[0].success
    assert any(path.endswith("/queues") for verb, path in cluster.asked if verb == "create")


FORBIDDEN = 'configmaps is forbidden: User "load" cannot create resource "configmaps"'
REFUSALS = [
    (ApiError(403, "Forbidden", FORBIDDEN), "Forbidden", "load.prerequisiteKinds"),
    (ApiError(403, "Forbidden", "exceeded quota: small"), "DeniedByPolicy", "exceeded quota"),
    (ApiError(422, "Invalid", "data: Invalid value"), "PrerequisiteRefused", "data: Invalid"),
]


@pytest.mark.parametrize(("refusal", "reason", "words"), REFUSALS)
async def test_a_refusal_names_the_field_and_the_object(
    refusal: ApiError, reason: str, words: str
) -> None:
    class Refusing(Cluster):
        async def admit(self, verb: str, path: str, body: JsonObject) -> None:
            await super().admit(verb, path, body)
            if verb == "create" and body.get("metadata", {}).get("name") == "settings":
                raise refusal

    error = error_of(await with_prerequisites(Refusing(), SETTINGS))
    assert error.reason == reason
    assert "tests[0].workload.prerequisites[0]: ConfigMap settings" in error.message
    assert words in error.message


async def test_a_kind_that_the_cluster_lacks_is_named() -> None:
    error = error_of(await with_prerequisites(Cluster(), QUEUE))
    assert error.reason == "PrerequisiteRefused"
    assert "Queue" in error.message


async def test_runs_without_prerequisites_do_not_look_for_any() -> None:
    cluster = MemoryCluster()
    await run(cluster, 2)
    assert not any("prerequisite" in (each or "") for each in cluster.selectors.values())
