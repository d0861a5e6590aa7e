"""Creating what a test needs before its instances; the cleanup of the run deletes it."""

import asyncio
from functools import partial
from itertools import groupby

from krobench.api.common import PREREQUISITE_LABEL, RUN_LABEL
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.kube.timing import Timing
from krobench.load.lifecycle import is_true, path_of_kind
from krobench.load.loops import at_most
from krobench.loadjob.context import RunContext
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.permissions import Need, Permission, check_permissions
from krobench.workload.blueprint import Manifest
from krobench.workload.prerequisites import Prerequisite
from krobench.workload.testplan import TestPlan

_CONCURRENCY = 16
_CRD = "CustomResourceDefinition"
_VERBS = ("create", "get", "list", "delete")


async def create_prerequisites(context: RunContext, test: TestPlan, namespace: str) -> None:
    """Create those that an earlier test of the run has not created; in order.

    Raises:
        AbortedError: if one cannot be created, or exists and is not the run's.
    """
    client = context.client
    for _, group in groupby(test.prerequisites, key=lambda each: each.field):
        alike = list(group)
        first = alike[0]
        context.report(f"{test.name}: {first}")
        context.created.add((first.group, first.manifest["kind"]))
        collection = await _collection(client, first, namespace, context.timing)
        plural = collection.rpartition("/")[2]
        remedy = f"{_to_allow(first, plural)}, for {first} in spec.{first.field}"
        needs = [Need(Permission(verb, plural, first.group), remedy) for verb in _VERBS]
        await check_permissions(client, needs, context.timing)
        create = partial(_create, context, collection, namespace)
        await at_most(_CONCURRENCY, create, alike)


async def _collection(
    client: KubeClient, needed: Prerequisite, namespace: str, timing: Timing
) -> str:
    """Return the path of a kind's collection; its CRD may be a prerequisite, too."""
    manifest = needed.manifest
    version, kind = manifest["apiVersion"], manifest["kind"]
    for _ in range(int(timing.kind_appears / timing.kind_poll)):
        found = await path_of_kind(client, version, kind, namespace)
        if found is not None:
            return found
        if not await client.find(f"/apis/{needed.group}"):
            break
        await asyncio.sleep(timing.kind_poll)
    raise AbortedError(
        "PrerequisiteRefused",
        f"spec.{needed.field}: the cluster has no kind {kind} in {version}, so {needed} cannot be "
        "created: correct apiVersion and kind, or put its CRD before it in the list",
    )


async def _create(
    context: RunContext, collection: str, namespace: str, needed: Prerequisite
) -> None:
    client, where = context.client, f"spec.{needed.field}: {needed}"
    inside = needed.manifest["metadata"].get("namespace", namespace)
    path = collection.replace(f"/namespaces/{namespace}/", f"/namespaces/{inside}/")
    try:
        await client.create(path, _labelled(needed.manifest, context.run.uid))
    except ApiError as error:
        if error.transient:
            raise
        if error.already_exists:
            await _check_owned(client, needed, path, context.run.uid)
            return
        if error.lacks_permission:
            raise AbortedError(
                "Forbidden",
                f"{where} is forbidden: {_to_allow(needed, path.rpartition('/')[2])} "
                f"({error.message})",
            ) from error
        if error.denied:
            raise AbortedError(
                "DeniedByPolicy",
                f"{where} was denied: {error.message}; follow the policy or the quota that this "
                "message names, or ask its owner for an exception",
            ) from error
        raise AbortedError(
            "PrerequisiteRefused",
            f"{where} was refused: {error.message}; correct the manifest",
        ) from error
    if needed.manifest["kind"] == _CRD:
        await _established(client, f"{path}/{needed.manifest['metadata']['name']}", context.timing)


async def _check_owned(client: KubeClient, needed: Prerequisite, path: str, run_uid: str) -> None:
    existing = await client.find(f"{path}/{needed.manifest['metadata']['name']}")
    labels = ((existing or {}).get("metadata") or {}).get("labels") or {}
    if labels.get(RUN_LABEL) != run_uid or PREREQUISITE_LABEL not in labels:
        raise AbortedError(
            "PrerequisiteExists",
            f"spec.{needed.field}: {needed} exists already at {path} and belongs to somebody else, "
            "so the run neither changes nor deletes it: leave it out to use what is there, or give "
            "it another name",
        )


async def _established(client: KubeClient, path: str, timing: Timing) -> None:
    """Wait until a CRD is served; if it never is, its first object says so."""
    for _ in range(int(timing.kind_appears / timing.kind_poll)):
        if is_true(await client.find(path) or {"metadata": {}}, "Established"):
            return
        await asyncio.sleep(timing.kind_poll)


def _labelled(manifest: Manifest, run_uid: str) -> JsonObject:
    metadata = manifest["metadata"]
    labels = metadata.get("labels", {}) | {RUN_LABEL: run_uid, PREREQUISITE_LABEL: "true"}
    return manifest | {"metadata": metadata | {"labels": labels}}


def _to_allow(needed: Prerequisite, plural: str) -> str:
    kind = needed.manifest["kind"]
    entry = f'{{apiGroup: "{needed.group}", resource: {plural}, kind: {kind}}}'
    return f"add {entry} to the chart's value load.prerequisiteKinds"
