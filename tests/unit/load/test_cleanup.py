from collections.abc import Mapping
from typing import Any

from doubles.cluster import QUICK, MemoryApi

from krobench.api.common import RUN_LABEL
from krobench.api.kinds import RunKind, RunRef
from krobench.figures.reasons.load import ObjectsNotListed
from krobench.kube.client import JsonObject
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.load.cleanup import RunCleanup
from krobench.record.run import Orphans

RUN = RunRef(RunKind.BENCHMARK, "default", "bench", "0a1b2c3d-4e5f-6789-abcd-ef0123456789")
RGDS = "/apis/kro.run/v1alpha1/resourcegraphdefinitions"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
KINDS = "/apis/load.bench.kro.run/v1alpha1/kinds"


OWNED = {"kro.run/owned": "true", "kro.run/instance-name": f"{RUN.prefix}0-0-0-00000"}


def named(name: str, **metadata: Any) -> JsonObject:
    return {"metadata": {"name": name} | metadata}


def ours(name: str, **metadata: Any) -> JsonObject:
    return named(name, labels={RUN_LABEL: RUN.uid}, **metadata)


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


def objects(items: dict[str, list[JsonObject]]) -> dict[str, JsonObject]:
    return {
        f"{collection}/{item['metadata']['name']}": item
        for collection, found in items.items()
        for item in found
    }


async def audit(items: dict[str, list[JsonObject]]) -> Orphans:
    return await RunCleanup(MemoryApi(objects(items)), RUN.uid).audit(["mine"])


async def test_nothing_left_is_a_count_of_zero() -> None:
    assert await audit({}) == Orphans(count=0)


async def test_all_that_is_left_of_the_run_is_counted_and_named() -> None:
    orphans = await audit(
        {
            CRDS: [crd()],
            KINDS: [ours(f"{RUN.prefix}0-0-0-00000", namespace="mine")],
            RGDS: [ours(f"{RUN.prefix}0-0-0"), named("of-another-run")],
            "/api/v1/namespaces": [ours(RUN.namespace)],
            "/api/v1/namespaces/mine/configmaps": [
                named("config", namespace="mine", labels=OWNED),
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
        "ConfigMap/mine/config",
    ]


async def test_objects_are_found_by_the_label_of_the_run() -> None:
    api = MemoryApi()
    await RunCleanup(api, RUN.uid).audit([])
    assert api.selectors["/api/v1/namespaces"] == f"{RUN_LABEL}={RUN.uid}"


async def test_what_cannot_be_counted_is_not_zero() -> None:
    class Away(MemoryApi):
        async def admit(self, verb: str, path: str, body: JsonObject) -> None:
            raise ApiUnreachableError("connection refused")

    orphans = await RunCleanup(Away(), RUN.uid).audit([])
    assert orphans == Orphans(count=None, unavailable=ObjectsNotListed(detail="connection refused"))


async def test_only_metadata_is_listed() -> None:
    left = {CRDS: [crd()], RGDS: [ours(f"{RUN.prefix}0-0-0")]}
    api = MemoryApi(objects(left))
    await RunCleanup(api, RUN.uid).delete_objects(1.0)
    assert api.objects == {}
    lists = {path for verb, path in api.asked if verb == "list"}
    assert not lists - api.metadata_only


async def test_deleting_goes_on_for_as_long_as_objects_go() -> None:
    class Slow(MemoryApi):
        """Removes an instance only when they are listed, one at a time."""

        def _delete(self, path: str, options: JsonObject) -> JsonObject:
            return (
                self._existing(path) if path.startswith(KINDS) else super()._delete(path, options)
            )

        def _list(self, path: str, params: Mapping[str, str]) -> JsonObject:
            instances = [each for each in self.objects if each.startswith(KINDS)]
            if path == KINDS and instances:
                self._remove(instances[0])
            return super()._list(path, params)

    instances = [ours(f"{RUN.prefix}0-0-0-{index:05}") for index in range(40)]
    api = Slow(objects({CRDS: [crd()], RGDS: [ours(f"{RUN.prefix}0-0-0")], KINDS: instances}))
    teardown = await RunCleanup(api, RUN.uid, timing=QUICK).delete_objects(0.05)
    assert teardown.done
    assert teardown.duration_seconds > 0.3
    assert api.objects == {}


async def test_deleting_goes_on_for_as_long_as_children_go() -> None:
    class ChildrenFirst(MemoryApi):
        """Removes a child at each look, and instances once no child is left."""

        def _delete(self, path: str, options: JsonObject) -> JsonObject:
            return (
                self._existing(path) if path.startswith(KINDS) else super()._delete(path, options)
            )

        def _list(self, path: str, params: Mapping[str, str]) -> JsonObject:
            if path == KINDS:
                children = [each for each in self.objects if "/configmaps/" in each]
                for gone in children[:1] or [each for each in self.objects if KINDS in each]:
                    self._remove(gone)
            return super()._list(path, params)

    name = f"{RUN.prefix}0-0-0"
    instances = [ours(f"{name}-{index:05}", namespace="mine") for index in range(2)]
    children = [named(f"child-{index}", namespace="mine", labels=OWNED) for index in range(60)]
    in_namespace = "/api/v1/namespaces/mine/configmaps"
    api = ChildrenFirst(
        objects({CRDS: [crd()], RGDS: [ours(name)], KINDS: instances, in_namespace: children})
        | SERVED
    )

    teardown = await RunCleanup(api, RUN.uid, timing=QUICK).delete_objects(0.1)
    assert teardown.done, teardown
    assert teardown.duration_seconds > 0.3
    assert api.objects == SERVED


def discovery(group: str, *kinds: tuple[str, str, bool]) -> JsonObject:
    """Return what an API server says of a group: plural, kind and whether it is namespaced."""
    resources = [
        {
            "resource": plural,
            "responseKind": {"kind": kind},
            "scope": "Namespaced" if namespaced else "Cluster",
            "verbs": ["list", "delete"],
        }
        for plural, kind, namespaced in kinds
    ]
    versions = [{"version": "v1", "resources": resources}]
    return {"metadata": {"name": group}, "versions": versions}


RBAC = "/apis/rbac.authorization.k8s.io/v1"
SERVED = {
    "/api": {
        "items": [
            discovery(
                "",
                ("configmaps", "ConfigMap", True),
                ("serviceaccounts", "ServiceAccount", True),
                ("persistentvolumeclaims", "PersistentVolumeClaim", True),
            )
        ]
    },
    "/apis": {
        "items": [
            discovery("apps", ("statefulsets", "StatefulSet", True)),
            discovery("rbac.authorization.k8s.io", ("clusterroles", "ClusterRole", False)),
        ]
    },
}


async def test_children_of_every_kind_are_found_wherever_they_are() -> None:
    """Instances, RGDs and CRDs are gone; only kro's labels tell whose children they were."""
    others = {"kro.run/owned": "true", "kro.run/instance-name": "somebody-elses"}
    nested = {"kro.run/owned": "true", "kro.run/instance-id": "nested-uid"}
    items = {
        "/api/v1/namespaces/kube-public/serviceaccounts": [
            named("hard-coded", namespace="kube-public", labels=OWNED),
            named("of-others", namespace="kube-public", labels=others),
        ],
        f"{RBAC}/clusterroles": [
            named("reader", labels=OWNED, uid="nested-uid"),
            named("below", labels=nested),
            named("admin"),
        ],
        "/api/v1/namespaces/mine/persistentvolumeclaims": [
            named(f"data-{RUN.prefix}0-0-0-00000-0", namespace="mine"),
            named("data-of-others-0", namespace="mine"),
        ],
    }
    api = MemoryApi(objects(items) | SERVED)
    orphans = await RunCleanup(api, RUN.uid).audit()
    assert orphans.count == 4
    assert set(orphans.commands) == {
        "kubectl delete serviceaccounts -n kube-public hard-coded",
        "kubectl delete clusterroles.rbac.authorization.k8s.io reader",
        "kubectl delete clusterroles.rbac.authorization.k8s.io below",
        f"kubectl delete persistentvolumeclaims -n mine data-{RUN.prefix}0-0-0-00000-0",
    }
    assert not {path for verb, path in api.asked if verb == "list"} - api.metadata_only


async def test_kinds_that_may_not_be_listed_are_named_if_the_rgds_create_them() -> None:
    class Forbidding(MemoryApi):
        async def admit(self, verb: str, path: str, body: JsonObject) -> None:
            if verb == "list" and path.endswith(("/clusterroles", "/statefulsets", "claims")):
                raise ApiError(403, "Forbidden", path)
            if verb == "list" and path == "/api/v1/serviceaccounts":
                raise ApiError(403, "Forbidden", path)

    accounts = {"/api/v1/namespaces/mine/serviceaccounts": [named("a", namespace="mine")]}
    accounts["/api/v1/namespaces/mine/serviceaccounts"][0]["metadata"]["labels"] = OWNED
    api = Forbidding(objects(accounts) | SERVED)
    created = {("apps", "StatefulSet"), ("", "ServiceAccount")}
    orphans = await RunCleanup(api, RUN.uid).audit(["mine"], created)
    assert orphans.objects == ["ServiceAccount/mine/a"], "found in the namespace that was used"
    assert orphans.unlisted == ["persistentvolumeclaims", "statefulsets.apps"]


async def test_what_goes_with_its_namespace_does_not_wait_for_kro() -> None:
    name, inside = f"{RUN.prefix}0-0-0-00000", f"namespaces/{RUN.namespace}"
    instance = ours(name, namespace=RUN.namespace, finalizers=["kro.run/finalizer"])
    api = MemoryApi(
        objects(
            {
                CRDS: [crd()],
                KINDS.replace("kinds", f"{inside}/kinds"): [instance],
                RGDS: [ours(f"{RUN.prefix}0-0-0")],
                "/api/v1/namespaces": [ours(RUN.namespace) | {"kind": "Namespace"}],
                f"/api/v1/{inside}/configmaps": [named("child", namespace=RUN.namespace)],
            }
        )
    )
    cleanup = RunCleanup(api, RUN.uid, timing=QUICK)
    assert (await cleanup.delete_with_namespaces()).done
    assert (await cleanup.delete_namespaces()).done
    assert api.objects == {}


async def test_instances_are_deleted_without_their_rgds() -> None:
    rgd, instance = f"{RUN.prefix}0-0-0", f"{RUN.prefix}0-1-0-00000"
    other = f"{RUN.prefix}1-0-0"
    api = MemoryApi(
        objects(
            {
                CRDS: [crd()],
                RGDS: [ours(rgd), ours(other)],
                f"{KINDS.replace('/kinds', '/namespaces/mine/kinds')}": [
                    ours(instance, namespace="mine")
                ],
            }
        )
    )
    cleanup = RunCleanup(api, RUN.uid, f"{RUN.prefix}0-0-", QUICK)
    assert (await cleanup.delete_instances(5.0)).done
    assert {f"{RGDS}/{rgd}", f"{RGDS}/{other}"} <= api.objects.keys()
    assert not [path for path in api.objects if path.endswith(instance)]
