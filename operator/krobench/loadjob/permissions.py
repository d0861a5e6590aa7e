"""What the load Job must be allowed to do, and whether it is allowed to."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from krobench.api.common import API_GROUP, LOAD_GROUP
from krobench.api.kinds import RunRef
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.kropods import LEADER_LEASE
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.lease import LEASE_NAME
from krobench.workload.testplan import TestPlan

_REVIEWS = 5
# Phases update RGDs and instances, and a cleanup that gets stuck takes their finalizers away.
_CHANGED = ("create", "list", "watch", "patch", "delete")
_LEASES = "coordination.k8s.io"
_REVIEWS_PATH = paths.group("authorization.k8s.io", "v1", "selfsubjectaccessreviews")


@dataclass(frozen=True)
class Permission:
    """Something that the load Job must be allowed to do."""

    verb: str
    resource: str
    group: str = ""
    namespace: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        if self.name:
            kind += f"/{self.name}"
        return f"{self.verb} {kind}" + (f" in {self.namespace}" if self.namespace else "")


@dataclass(frozen=True)
class Need:
    """A permission, and what to do if it is missing."""

    permission: Permission
    remedy: str


async def check_permissions(client: KubeClient, needs: Iterable[Need], timing: Timing) -> None:
    """Check that the load Job may do all of this.

    Raises:
        AbortedError: names every missing permission.
    """
    missing = await _missing(client, list(dict.fromkeys(needs)))
    for _ in range(1, _REVIEWS):
        if not missing or not await client.may_be_starting():
            break
        await asyncio.sleep(timing.permission_review)
        missing = await _missing(client, missing)
    if missing:
        by_remedy: dict[str, list[str]] = {}
        for need in missing:
            by_remedy.setdefault(need.remedy, []).append(str(need.permission))
        parts = (f"{', '.join(lacks)}: {remedy}" for remedy, lacks in by_remedy.items())
        message = f"the load Job's ServiceAccount may not {'; and not '.join(parts)}"
        raise AbortedError("Forbidden", message)


def needs_of_run(run: RunRef, kro_namespaces: Iterable[str]) -> list[Need]:
    """Return what every run needs: reading itself, storing results, its objects, and kro."""
    own = [
        Permission("get", run.kind.plural, API_GROUP, run.namespace),
        *(Permission(verb, "resourcegraphdefinitions", "kro.run") for verb in ("get", *_CHANGED)),
        *(
            Permission(verb, "customresourcedefinitions", "apiextensions.k8s.io")
            for verb in ("get", "list", "watch", "delete")
        ),
        *(Permission(verb, "namespaces") for verb in ("get", "list", "create", "delete")),
        *(Permission(verb, "configmaps") for verb in ("get", "update", *_CHANGED)),
        *(Permission(verb, "*", LOAD_GROUP) for verb in ("get", *_CHANGED)),
    ]
    needs = [Need(each, "bind the ClusterRole krobench-load to it") for each in own]
    for namespace in sorted(set(kro_namespaces)):
        remedy = f"add {namespace} to the chart's value kro.namespaces"
        needs += [Need(each, remedy) for each in _permissions_at_kro(namespace)]
    return needs


def needs_of_tests(run: RunRef, tests: Iterable[TestPlan]) -> list[Need]:
    """Return what a run with these tests needs."""
    tests = list(tests)
    needs = needs_of_run(run, (test.target.namespace for test in tests))
    for group in sorted({group for test in tests for group in test.api_groups} - {LOAD_GROUP}):
        remedy = f"add {group} to the chart's value load.extraGroups"
        needs += [Need(Permission(verb, "*", group), remedy) for verb in ("get", *_CHANGED)]
    return needs


def needs_of_variants(namespace: str, wanted_for: str = "spec.variants") -> list[Need]:
    """Return what applying variants of kro needs; ``wanted_for`` is the field that asks for it."""
    permissions = (
        *(Permission(verb, "deployments", "apps", namespace) for verb in ("get", "list", "update")),
        Permission("update", "leases", _LEASES, namespace, LEADER_LEASE),
        Permission("get", "pods/log", namespace=namespace),
    )
    return [Need(each, _to_change_kro(namespace, wanted_for)) for each in permissions]


def needs_of_restarts(namespace: str) -> list[Need]:
    """Return what restarting kro needs."""
    permissions = (
        Permission("get", "pods", namespace=namespace),
        Permission("delete", "pods", namespace=namespace),
        Permission("update", "leases", _LEASES, namespace, LEADER_LEASE),
    )
    return [Need(each, _to_change_kro(namespace, "restarts")) for each in permissions]


def _permissions_at_kro(namespace: str) -> list[Permission]:
    return [
        Permission("list", "pods", namespace=namespace),
        Permission("create", "leases", _LEASES, namespace),
        Permission("get", "leases", _LEASES, namespace, LEASE_NAME),
        Permission("update", "leases", _LEASES, namespace, LEASE_NAME),
    ]


def _to_change_kro(namespace: str, wanted_for: str) -> str:
    return (
        f"for {wanted_for}, install the chart with variants.enabled=true and "
        f"variants.namespace={namespace}"
    )


async def _missing(client: KubeClient, needs: Sequence[Need]) -> list[Need]:
    allowed = await asyncio.gather(*(_is_allowed(client, need.permission) for need in needs))
    return [need for need, may in zip(needs, allowed, strict=True) if not may]


async def _is_allowed(client: KubeClient, permission: Permission) -> bool:
    resource, _, subresource = permission.resource.partition("/")
    attributes = {"verb": permission.verb, "group": permission.group, "resource": resource}
    if subresource:
        attributes["subresource"] = subresource
    if permission.namespace:
        attributes["namespace"] = permission.namespace
    if permission.name:
        attributes["name"] = permission.name
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = await client.create(_REVIEWS_PATH, review)
    return bool(answer.get("status", {}).get("allowed"))
