"""What must be so before a load is worth starting, and else is said at once."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from krobench.job.errors import AbortedError
from krobench.job.lease import LEASE_NAME
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.discover import LEADER_LEASE, KroNotFoundError, KroPod, find_kro
from krobench.kube.errors import ApiError
from krobench.kube.kropods import kro_leader
from krobench.load.kinds import RGDS_PATH
from krobench.model.benchmark import KroBenchmarkSpec
from krobench.model.common import LOAD_GROUP, RUN_LABEL
from krobench.model.target import Target
from krobench.model.workload import Workload
from krobench.workload.blueprint import WorkloadError
from krobench.workload.identity import RunIdentity
from krobench.workload.limits import check_objects, check_schedules
from krobench.workload.own import config_map_refs, with_rgd_inline, with_rgds_inline
from krobench.workload.testplan import TestPlan

logger = logging.getLogger(__name__)

# kro's leases last 15 seconds where its chart's defaults are kept.
_LEADS_WITHIN_SECONDS = 20.0
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


async def check_kro_installed(client: KubeClient) -> None:
    """Check that ResourceGraphDefinitions are served.

    Raises:
        AbortedError: if they are not.
    """
    try:
        await client.get(RGDS_PATH, {"limit": "1"})
    except ApiError as error:
        if error.not_found:
            raise AbortedError(
                "KroNotInstalled",
                "this cluster serves no ResourceGraphDefinition (kro.run/v1alpha1): install kro "
                "with its Helm chart",
            ) from error
        if error.forbidden:
            raise AbortedError("Forbidden", error.message) from error
        raise


async def require_kro(
    client: KubeClient,
    target: Target,
    patience_seconds: float = 0.0,
    tell: Callable[[str], None] = logger.info,
) -> KroPod:
    """Return the pod of the active kro, which may be back only after some time.

    Raises:
        AbortedError: if there is none until then.
    """
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return await find_kro(client, target)
        except KroNotFoundError as error:
            if time.monotonic() >= deadline:
                raise AbortedError("KroNotFound", str(error)) from error
            tell("waits for kro to be back")
            await asyncio.sleep(1.0)


async def wait_for_leader(
    client: KubeClient, target: Target, pod: str, tell: Callable[[str], None]
) -> None:
    """Wait until this pod leads: one that has just started does nothing until the lease of the
    one before has run out.

    Where a lease is left from a time when kro elected leaders, that is in vain, and no error.
    """
    deadline = time.monotonic() + _LEADS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        leader = await kro_leader(client, target)
        if leader is None or leader.startswith(pod):
            return
        tell(f"waits for kro's pod {pod} to lead")
        await asyncio.sleep(1.0)


async def read_own_rgds(
    client: KubeClient, spec: KroBenchmarkSpec, namespace: str
) -> KroBenchmarkSpec:
    """Return the spec with the RGDs that stand in ConfigMaps in place of their references.

    Raises:
        AbortedError: if one is missing or holds no RGD.
    """
    names = {ref.name for _, ref in config_map_refs(spec)}
    config_maps = await _config_maps(client, names, namespace)
    try:
        return with_rgds_inline(spec, config_maps, namespace)
    except WorkloadError as error:
        raise AbortedError("InvalidWorkload", str(error)) from error


async def read_own_rgd(client: KubeClient, workload: Workload, namespace: str) -> Workload:
    """Return the workload of a scale test with its RGD in place of the reference to a ConfigMap.

    Raises:
        AbortedError: if it is missing or holds no RGD.
    """
    ref = workload.rgd.config_map_key_ref if workload.rgd is not None else None
    config_maps = await _config_maps(client, {ref.name} if ref is not None else set(), namespace)
    try:
        return with_rgd_inline(workload, config_maps, namespace, "workload")
    except WorkloadError as error:
        raise AbortedError("InvalidWorkload", str(error)) from error


async def _config_maps(
    client: KubeClient, names: Iterable[str], namespace: str
) -> dict[str, JsonObject]:
    """Return those of these ConfigMaps that exist, by name."""
    found = {}
    for name in names:
        try:
            found[name] = await client.get(paths.core("configmaps", namespace, name))
        except ApiError as error:
            if not error.not_found:
                raise
    return found


def check_limits(tests: Iterable[TestPlan], max_objects: int) -> None:
    """Check what is asked for, now that every RGD is known.

    Raises:
        AbortedError: if it is more than the operator allows, or takes longer than it may.
    """
    tests = list(tests)
    for error in [*check_schedules(tests), *check_objects(tests, max_objects)]:
        raise AbortedError(error.reason, error.message)


async def check_permissions(client: KubeClient, tests: Iterable[TestPlan]) -> None:
    """Check that the load Job may do all it has to.

    Raises:
        AbortedError: naming every permission that is missing.
    """
    await _require(
        client,
        _required(tests),
        "bind the ClusterRole krobench-load to it, and name groups of your own RGDs in the "
        "chart's value load.extraGroups",
    )


async def check_may_change_kro(
    client: KubeClient, namespace: str, wanted_for: str = "spec.variants"
) -> None:
    """Check that the load Job may put variants of kro in force, and let the next one lead.

    ``wanted_for`` is the field of the spec that asks for it.

    Raises:
        AbortedError: naming every permission that is missing.
    """
    await _require(
        client,
        variant_permissions(namespace),
        f"for {wanted_for}, install the chart with variants.enabled=true and "
        f"variants.namespace={namespace}",
    )


def variant_permissions(namespace: str) -> list[Permission]:
    """Return what variants of the kro in this namespace take."""
    return [
        *(Permission(verb, "deployments", "apps", namespace) for verb in ("get", "list", "update")),
        Permission("update", "leases", "coordination.k8s.io", namespace, LEADER_LEASE),
        Permission("get", "pods/log", namespace=namespace),
    ]


async def ensure_namespace(client: KubeClient, run: RunIdentity, namespace: str) -> None:
    """Create a namespace if it is not there.

    Raises:
        AbortedError: if it is being deleted.
    """

    async def found_or_created() -> JsonObject:
        try:
            return await client.get(paths.core("namespaces", None, namespace))
        except ApiError as error:
            if not error.not_found:
                raise
        return await client.create(paths.core("namespaces"), _namespace(run, namespace))

    existing = await client.patiently(found_or_created)
    if existing.get("status", {}).get("phase") == "Terminating":
        raise AbortedError(
            "NamespaceTerminating",
            f"namespace {namespace} is being deleted: wait until it is gone, or name another in "
            "spec.defaults.namespace or the test's namespace",
        )


def _namespace(run: RunIdentity, name: str) -> dict[str, object]:
    labels = {"app.kubernetes.io/managed-by": "krobench", RUN_LABEL: run.uid}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _required(tests: Iterable[TestPlan]) -> list[Permission]:
    tests = list(tests)
    permissions = [
        Permission(verb, "resourcegraphdefinitions", "kro.run")
        for verb in ("create", "list", "watch", "delete")
    ]
    permissions += [
        Permission(verb, "customresourcedefinitions", "apiextensions.k8s.io")
        for verb in ("list", "delete")
    ]
    permissions += [Permission(verb, "namespaces") for verb in ("get", "list", "create", "delete")]
    permissions += [
        Permission(verb, "configmaps") for verb in ("create", "list", "watch", "patch", "delete")
    ]
    permissions += [
        Permission("get", "leases", "coordination.k8s.io"),
        Permission("create", "leases", "coordination.k8s.io"),
        Permission("update", "leases", "coordination.k8s.io", name=LEASE_NAME),
    ]
    for group in sorted({api_group(test) for test in tests}):
        permissions += [
            Permission(verb, "*", group) for verb in ("create", "list", "watch", "delete")
        ]
    for namespace in sorted({test.target.namespace for test in tests}):
        permissions.append(Permission("list", "pods", namespace=namespace))
    return permissions


def api_group(test: TestPlan) -> str:
    """Return the API group of the kinds that a test's RGDs define."""
    if test.workload.rgd is None or test.workload.rgd.inline is None:
        return LOAD_GROUP
    schema = test.workload.rgd.inline.get("spec", {}).get("schema", {})
    return str(schema.get("group", LOAD_GROUP))


async def _require(client: KubeClient, required: Sequence[Permission], remedy: str) -> None:
    allowed = await asyncio.gather(*(_is_allowed(client, item) for item in required))
    missing = [str(item) for item, may in zip(required, allowed, strict=True) if not may]
    if missing:
        raise AbortedError(
            "Forbidden", f"the load Job's ServiceAccount may not {', '.join(missing)}: {remedy}"
        )


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
