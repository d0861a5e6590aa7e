"""Checks before a load starts: kro, namespaces, limits, leftovers of other runs, users' RGDs."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from krobench.api.access import Access
from krobench.api.common import RUN_LABEL
from krobench.api.kinds import RunRef
from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.collect import Collect
from krobench.api.specs.kro import Target
from krobench.api.specs.manifests import RGDSource
from krobench.api.specs.workload import Workload
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.kube.kropods import KroNotFoundError, KroPod, find_kro, is_of_pod, kro_leader
from krobench.kube.timing import Timing
from krobench.load.lifecycle import RGDS_PATH, kinds_of_run, path_of_kind
from krobench.loadjob.errors import AbortedError
from krobench.workload.blueprint import WorkloadError
from krobench.workload.references import ExternalObject, ResourceGraph
from krobench.workload.source import config_map_refs, refs_of, with_rgd_inline, with_rgds_inline
from krobench.workload.testplan import INVALID_SPEC, TestPlan, check_objects, check_schedules

logger = logging.getLogger(__name__)


def check_urls(collect: Collect, access: Access) -> None:
    """Check that the administrator allows the URLs that a spec names.

    Raises:
        AbortedError: if one is not allowed.
    """
    urls = {
        "etcd": collect.etcd.url if collect.etcd is not None else None,
        "prometheus": collect.prometheus.url if collect.prometheus is not None else None,
    }
    for name, url in urls.items():
        if url is not None and not access.allows(url):
            raise AbortedError(
                "UrlNotAllowed",
                f"spec.collect.{name}.url: {url} is not allowed; use a URL in the chart's value "
                "collect.allowedUrls, or ask for this one to be added",
            )


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
                "this cluster does not serve ResourceGraphDefinition (kro.run/v1alpha1); install "
                "kro with its Helm chart",
            ) from error
        if error.forbidden:
            raise AbortedError("Forbidden", error.message) from error
        raise


async def require_kro(
    client: KubeClient,
    target: Target,
    timing: Timing,
    wait_seconds: float = 0.0,
    report: Callable[[str], None] = logger.info,
) -> KroPod:
    """Return the pod of the active kro; wait for it if asked to, for example after a restart.

    Raises:
        AbortedError: if there is none by then.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return await find_kro(client, target)
        except KroNotFoundError as error:
            if time.monotonic() >= deadline:
                raise AbortedError("KroNotFound", str(error)) from error
            report("waiting for a kro pod to run")
            await asyncio.sleep(timing.kro_poll)


async def wait_for_leader(
    client: KubeClient, target: Target, pod: str, timing: Timing, report: Callable[[str], None]
) -> None:
    """Wait until this pod leads: a new pod does nothing until its predecessor's lease expires.

    If kro no longer elects leaders, a lease may remain that nobody takes: then the wait ends
    without an error.
    """
    deadline = time.monotonic() + timing.kro_leads
    while time.monotonic() < deadline:
        leader = await kro_leader(client, target)
        if leader is None or is_of_pod(leader, pod):
            return
        report(f"waiting for kro's pod {pod} to become the leader")
        await asyncio.sleep(timing.kro_poll)


def check_limits(tests: Iterable[TestPlan], max_objects: int) -> None:
    """Check the size and the schedules of all tests, now that every RGD is known.

    Raises:
        AbortedError: if there are too many objects, a schedule is longer than its timeout, or
            random operations leave too few instances for those after them.
    """
    for test in tests:
        try:
            errors = [*check_schedules([test]), *check_objects([test], max_objects)]
        except WorkloadError as error:
            raise AbortedError(INVALID_SPEC, f"spec.{test.field_prefix}{error}") from error
        for each in errors:
            raise AbortedError(each.reason, each.message)


async def ensure_namespace(client: KubeClient, run: RunRef, namespace: str) -> None:
    """Create a namespace if it is not there.

    Raises:
        AbortedError: if it is being deleted, or a policy denies its creation.
    """
    existing = await client.find(paths.core("namespaces", None, namespace))
    if existing is None:
        access = Access.from_environment()
        labels = access.namespace_labels | {
            "app.kubernetes.io/managed-by": "krobench",
            RUN_LABEL: run.uid,
        }
        metadata = {
            "name": namespace,
            "labels": labels,
            "annotations": access.namespace_annotations,
        }
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        try:
            existing = await client.create(paths.core("namespaces"), body)
        except ApiError as error:
            if error.denied:
                raise AbortedError(
                    "DeniedByPolicy",
                    f"namespace {namespace} cannot be created: {error.message}; set the labels "
                    "and annotations that it needs in the chart's values load.namespaceLabels and "
                    "load.namespaceAnnotations, or set spec.defaults.namespace to a namespace that "
                    "exists",
                ) from error
            raise
    if existing.get("status", {}).get("phase") == "Terminating":
        raise AbortedError(
            "NamespaceTerminating",
            f"namespace {namespace} is being deleted; wait until it is gone, or set "
            "spec.defaults.namespace or the test's namespace to another one",
        )


async def check_surroundings(client: KubeClient, run: RunRef, test: TestPlan) -> None:
    """Check that what a test's RGDs name literally is there.

    Objects that the load Job must not read are left to kro.

    Raises:
        AbortedError: if a namespace or an object is missing.
    """
    rgd = test.workload.rgd
    field = f"spec.{test.field_prefix}workload"
    for each in (rgd, *rgd.requires) if rgd is not None else ():
        if each.inline is None:
            continue
        graph = ResourceGraph(each.inline)
        for namespace, resource in graph.fixed_namespaces.items():
            if await client.find(paths.core("namespaces", None, namespace)) is None:
                raise AbortedError(
                    "PrerequisiteMissing",
                    f"resource {resource} of the RGD in {field} is in namespace {namespace}, which "
                    f"does not exist: create it, add it to {field}.prerequisites, or use "
                    "schema.metadata.namespace in the RGD",
                )
        for reference in graph.fixed_references:
            await _check_reference(client, test, reference, run)


async def _check_reference(
    client: KubeClient, test: TestPlan, reference: ExternalObject, run: RunRef
) -> None:
    own = test.namespace or run.own_namespace
    namespace = reference.namespace or own
    try:
        path = await path_of_kind(client, reference.api_version, reference.kind, namespace)
        if path is None or await client.find(f"{path}/{reference.name}") is not None:
            return
    except ApiError as error:
        if error.forbidden:
            return
        raise
    what = f"{reference.kind} {namespace}/{reference.name}"
    if namespace == run.own_namespace:
        what = f"{reference.kind} {reference.name} in the namespace of the instances"
    field = f"spec.{test.field_prefix}"
    raise AbortedError(
        "PrerequisiteMissing",
        f"resource {reference.resource} of the RGD in {field}workload reads {what}, which does not "
        f"exist: add it to {field}workload.prerequisites, or set {field}namespace to the namespace "
        "that has it",
    )


_ALL_RUNS = "kb-"


async def find_leftovers(client: KubeClient, run: RunRef) -> tuple[list[str], list[str]]:
    """Return objects of other runs, as kind/namespace/name, and the UIDs of these runs.

    Raises:
        KubeError: if they cannot be listed.
    """
    selector = f"{RUN_LABEL},{RUN_LABEL}!={run.uid}"
    found = [
        ("ResourceGraphDefinition", rgd)
        for rgd in await client.list(RGDS_PATH, selector, metadata_only=True)
    ]
    for kind in await kinds_of_run(client, _ALL_RUNS):
        try:
            instances = await client.find_all(kind.path(), selector, metadata_only=True)
        except ApiError as error:
            if not error.forbidden:  # a user's own group to which access was revoked
                raise
            continue
        found += [(kind.kind, instance) for instance in instances or []]
    runs = dict.fromkeys(item["metadata"]["labels"][RUN_LABEL] for _, item in found)
    names = [(k, item["metadata"].get("namespace"), item["metadata"]["name"]) for k, item in found]
    return ["/".join(filter(None, parts)) for parts in names], list(runs)


async def read_own_rgds(
    client: KubeClient, spec: KroBenchmarkSpec, namespace: str
) -> KroBenchmarkSpec:
    """Return the spec with users' RGDs, read from ConfigMaps, in place of the references.

    Raises:
        AbortedError: if one is missing or contains no RGD.
    """
    names = {ref.name for _, ref in config_map_refs(spec)}
    config_maps = await _config_maps(client, names, namespace)
    try:
        return with_rgds_inline(spec, config_maps, namespace)
    except WorkloadError as error:
        raise AbortedError("InvalidWorkload", f"spec.{error}") from error


async def read_own_rgd(client: KubeClient, workload: Workload, namespace: str) -> Workload:
    """Return a scale test's workload with its RGD in place of the reference to a ConfigMap.

    Raises:
        AbortedError: if it is missing or contains no RGD.
    """
    names = {ref.name for ref in refs_of(workload)}
    config_maps = await _config_maps(client, names, namespace)
    try:
        return with_rgd_inline(workload, config_maps, namespace, "workload")
    except WorkloadError as error:
        raise AbortedError("InvalidWorkload", f"spec.{error}") from error


def read_rgd(rgd: RGDSource) -> JsonObject:
    """Return an RGD as the record keeps it: as it was read, in place of the ConfigMap."""
    return rgd.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)


async def _config_maps(
    client: KubeClient, names: Iterable[str], namespace: str
) -> dict[str, JsonObject]:
    """Return those of these ConfigMaps that exist, by name."""
    found = {}
    for name in names:
        config_map = await client.find(paths.core("configmaps", namespace, name))
        if config_map is not None:
            found[name] = config_map
    return found
