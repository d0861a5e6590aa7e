from typing import Any, cast

import pytest

from krobench.api.common import RUN_LABEL
from krobench.api.kinds import RunKind, RunRef
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.load.cleanup import RunCleanup
from krobench.record.run import Orphans

RUN = RunRef(RunKind.BENCHMARK, "default", "bench", "0a1b2c3d-4e5f-6789-abcd-ef0123456789")
RGDS = "/apis/kro.run/v1alpha1/resourcegraphdefinitions"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
KINDS = "/apis/load.bench.kro.run/v1alpha1/kinds"


def named(name: str, **metadata: Any) -> JsonObject:
    return {"metadata": {"name": name} | metadata}


def crd() -> JsonObject:
    labels = {"kro.run/resource-graph-definition-name": f"{RUN.prefix}0-0-0"}
    return named("kinds.load.bench.kro.run", labels=labels) | {
        "spec": {
            "group": "load.bench.kro.run",
            "versions": [{"name": "v1alpha1", "storage": True}],
            "names": {"kind": "Kind", "plural": "kinds"},
            "scope": "Namespaced",
        }
    }


class Collections:
    """An API server of which only lists are asked; a missing collection is empty."""

    patiently = KubeClient.patiently
    backoff = KubeClient.backoff

    def __init__(self, items: dict[str, list[JsonObject]]) -> None:
        self._items = items
        self.selectors: dict[str, str | None] = {}

    async def list(self, path: str, label_selector: str | None = None) -> list[JsonObject]:
        self.selectors[path] = label_selector
        return self._items.get(path, [])

    async def get(self, path: str) -> JsonObject:
        collection, _, name = path.rpartition("/")
        for item in self._items.get(collection, []):
            if item["metadata"]["name"] == name:
                return item
        raise ApiError(404, "NotFound", path)


async def audit(items: dict[str, list[JsonObject]]) -> Orphans:
    return await RunCleanup(cast("KubeClient", Collections(items)), RUN.uid).audit(["mine"])


async def test_nothing_left_is_a_count_of_zero() -> None:
    assert await audit({}) == Orphans(count=0)


async def test_all_that_is_left_of_the_run_is_counted_and_named() -> None:
    orphans = await audit(
        {
            CRDS: [crd()],
            KINDS: [named(f"{RUN.prefix}0-0-0-00000", namespace="mine")],
            RGDS: [named(f"{RUN.prefix}0-0-0")],
            "/api/v1/namespaces": [named(RUN.namespace)],
            "/api/v1/namespaces/mine/configmaps": [
                named(f"{RUN.prefix}0-0-0-00000-config", namespace="mine"),
                named("somebody-elses", namespace="mine"),
            ],
        }
    )
    assert orphans.count == 5
    assert orphans.objects == [
        f"Kind/mine/{RUN.prefix}0-0-0-00000",
        f"ResourceGraphDefinition/{RUN.prefix}0-0-0",
        "CustomResourceDefinition/kinds.load.bench.kro.run",
        f"Namespace/{RUN.namespace}",
        f"ConfigMap/mine/{RUN.prefix}0-0-0-00000-config",
    ]


async def test_objects_are_found_by_the_label_of_the_run() -> None:
    collections = Collections({})
    await RunCleanup(cast("KubeClient", collections), RUN.uid).audit([])
    assert collections.selectors["/api/v1/namespaces"] == f"{RUN_LABEL}={RUN.uid}"


async def test_what_cannot_be_counted_is_not_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("krobench.kube.client._FIRST_BACKOFF_SECONDS", 0.0)

    class Away(Collections):
        async def list(self, path: str, label_selector: str | None = None) -> list[JsonObject]:
            raise ApiUnreachableError("connection refused")

    orphans = await RunCleanup(cast("KubeClient", Away({})), RUN.uid).audit([])
    assert orphans == Orphans(count=None, unavailable="connection refused")
