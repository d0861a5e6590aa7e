"""Runs of users' own RGDs: what ends them early, and what their records say."""

from dataclasses import replace
from typing import Any

import pytest
from doubles.cluster import QUICK, MemoryCluster
from emulated.test_load import quick, run_suite

from krobench.kube.client import JsonObject

__all__ = ["quick"]  # a fixture that all tests here use

CONDITIONS = ["${runtime.newCondition({type: 'AppReady', status: 'True'})}"]


def own(template: JsonObject | None = None, **resource: Any) -> list[JsonObject]:
    """Return a test with an RGD of a user's own, which has a ConfigMap."""
    metadata = {"name": "${schema.metadata.name}"}
    child = template or {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    resources = [{"id": "child", "template": child}, *([resource] if resource else [])]
    manifest = {"spec": {"schema": {"kind": "App"}, "resources": resources}}
    return [{"name": "a", "workload": {"rgd": {"inline": manifest}, "instances": 3}}]


class Failing(MemoryCluster):
    """A kro whose instances all fail, each in words of its own name."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self._message = message

    def prepare(self, path: str, item: JsonObject) -> None:
        super().prepare(path, item)
        if item.get("kind") == "App":
            name = item["metadata"]["name"]
            failed = {"type": "ResourcesReady", "status": "False", "message": self._message + name}
            item["status"] = {"state": "ERROR", "conditions": [failed]}


async def test_a_load_whose_instances_all_report_one_error_ends_with_it() -> None:
    timing = replace(QUICK, same_error=0.2, same_error_poll=0.02)
    cluster = Failing("child belongs to a different ApplySet: ")
    record = await run_suite(cluster, own(), timing=timing, defaults={"timeout": "60s"})
    [test] = record.tests
    assert test.error is not None
    assert test.error.reason == "InstancesFailed"
    assert "different ApplySet" in test.error.message


async def test_an_error_that_may_pass_is_waited_for() -> None:
    timing = replace(QUICK, same_error=0.05, same_error_poll=0.02)
    cluster = Failing("context deadline exceeded: ")
    record = await run_suite(cluster, own(), timing=timing, defaults={"timeout": "2s"})
    [test] = record.tests
    assert test.error is not None
    assert test.error.reason == "Timeout"


async def test_the_record_says_what_showed_that_instances_were_ready() -> None:
    record = await run_suite(MemoryCluster(), own())
    [test] = record.tests
    assert test.success
    assert test.ready_by == "condition Ready"


@pytest.mark.parametrize(
    ("template", "resource"),
    [
        (
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "${schema.metadata.name}", "namespace": "missing"},
            },
            {},
        ),
        (
            None,
            {
                "id": "settings",
                "externalRef": {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": "missing"},
                },
            },
        ),
    ],
)
async def test_what_an_rgd_names_and_is_not_there_ends_its_test_before_the_load(
    template: JsonObject | None, resource: JsonObject
) -> None:
    cluster = MemoryCluster()
    cluster.resources["/api/v1"] = [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]
    sound = {"name": "sound", "workload": {"scenario": "single", "instances": 2}}
    record = await run_suite(cluster, [*own(template, **resource), sound])
    lacking, other = record.tests
    assert lacking.error is not None
    assert lacking.error.reason == "PrerequisiteMissing"
    assert "missing" in lacking.error.message
    assert other.success
