"""What the load Job must be allowed to do, and whether it is allowed to."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.kropods import LEADER_LEASE
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.lease import LEASE_NAME
from krobench.workload.testplan import TestPlan

_REVIEWS = 5
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


async def check_permissions(client: KubeClient, tests: Iterable[TestPlan], timing: Timing) -> None:
    """Check that the load Job may do what these tests need.

    Raises:
        AbortedError: names every missing permission.
    """
    await _require(
        client,
        timing,
        required_permissions(tests),
        "bind the ClusterRole krobench-load to it, and name groups of your own RGDs in the "
        "chart's value load.extraGroups",
    )


async def check_may_change_kro(
    client: KubeClient, namespace: str, timing: Timing, wanted_for: str = "spec.variants"
) -> None:
    """Check that the load Job may apply variants of kro and release kro's lease.

    ``wanted_for`` is the field of the spec that needs it.

    Raises:
        AbortedError: names every missing permission.
    """
    await _require(
        client,
        timing,
        variant_permissions(namespace),
        f"for {wanted_for}, install the chart with variants.enabled=true and "
        f"variants.namespace={namespace}",
    )


async def check_may_restart_kro(client: KubeClient, namespace: str, timing: Timing) -> None:
    """Check that the load Job may delete kro's pod and release kro's lease.

    Raises:
        AbortedError: names every missing permission.
    """
    await _require(
        client,
        timing,
        restart_permissions(namespace),
        "for workload.cel.restarts, install the chart with variants.enabled=true and "
        f"variants.namespace={namespace}",
    )


def required_permissions(tests: Iterable[TestPlan]) -> list[Permission]:
    tests = list(tests)
    # Phases update RGDs and instances, and a cleanup that gets stuck takes their finalizers away.
    changed = ("create", "list", "watch", "patch", "delete")
    permissions = [Permission(verb, "resourcegraphdefinitions", "kro.run") for verb in changed]
    permissions += [
        Permission(verb, "customresourcedefinitions", "apiextensions.k8s.io")
        for verb in ("list", "delete")
    ]
    permissions += [Permission(verb, "namespaces") for verb in ("get", "list", "create", "delete")]
    permissions += [Permission(verb, "configmaps") for verb in changed]
    permissions += [
        Permission("get", "leases", "coordination.k8s.io"),
        Permission("create", "leases", "coordination.k8s.io"),
        Permission("update", "leases", "coordination.k8s.io", name=LEASE_NAME),
    ]
    for group in sorted({test.api_group for test in tests}):
        permissions += [Permission(verb, "*", group) for verb in changed]
    for namespace in sorted({test.target.namespace for test in tests}):
        permissions.append(Permission("list", "pods", namespace=namespace))
    return permissions


def variant_permissions(namespace: str) -> list[Permission]:
    return [
        *(Permission(verb, "deployments", "apps", namespace) for verb in ("get", "list", "update")),
        Permission("update", "leases", "coordination.k8s.io", namespace, LEADER_LEASE),
        Permission("get", "pods/log", namespace=namespace),
    ]


def restart_permissions(namespace: str) -> list[Permission]:
    return [
        Permission("get", "pods", namespace=namespace),
        Permission("delete", "pods", namespace=namespace),
        Permission("update", "leases", "coordination.k8s.io", namespace, LEADER_LEASE),
    ]


async def _require(
    client: KubeClient, timing: Timing, required: Sequence[Permission], remedy: str
) -> None:
    missing = await _missing(client, required)
    for _ in range(1, _REVIEWS):
        if not missing or not await client.may_be_starting():
            break
        await asyncio.sleep(timing.permission_review)
        missing = await _missing(client, missing)
    if missing:
        raise AbortedError(
            "Forbidden",
            f"the load Job's ServiceAccount may not {', '.join(map(str, missing))}; {remedy}",
        )


async def _missing(client: KubeClient, required: Sequence[Permission]) -> list[Permission]:
    allowed = await asyncio.gather(*(_is_allowed(client, item) for item in required))
    return [item for item, may in zip(required, allowed, strict=True) if not may]


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
