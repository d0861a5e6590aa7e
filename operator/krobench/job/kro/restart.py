"""Restarting kro by deleting its pod.

The pod's controller creates another pod with the same settings. So kro is not changed, and nothing
has to be restored if this Job is killed; with a variant applied, the variant restarts. A rollout
would need a second restart to undo it.
"""

import asyncio
import logging
import time

from krobench.api.specs.kro import Target
from krobench.job.errors import AbortedError
from krobench.job.kro.rollout import NotStartedError, one_leads, why_leader_unknown
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.kube.kro import (
    KroNotFoundError,
    KroPod,
    find_kro,
    has_ended,
    list_kro_pods,
    named,
)
from krobench.kube.timing import Timing

logger = logging.getLogger(__name__)


async def check_restartable(client: KubeClient, target: Target) -> None:
    """Check that a deleted kro pod is replaced, and that its new leader can be known.

    Raises:
        AbortedError: if not.
    """
    for pod in await _pods(client, target):
        metadata = pod["metadata"]
        owners = metadata.get("ownerReferences") or []
        if not any(owner.get("controller") for owner in owners):
            raise AbortedError(
                "KroNotRestartable",
                f"pod {target.namespace}/{metadata['name']} has no controller that replaces it; "
                "leave out restarts, or install kro with its Helm chart",
            )
        if named(pod["spec"]["containers"], target.container) is None:
            continue
        why = why_leader_unknown(pod, target.container, target.namespace)
        if why is not None:
            raise AbortedError(
                "LeaderUnknown",
                f"restarts need to know when the new kro pod leads, but {why}; leave out restarts, "
                "or run kro with --leader-elect=false and one replica",
            )


async def restart_kro(client: KubeClient, target: Target, kro: KroPod, timing: Timing) -> KroPod:
    """Delete kro's pod, wait until another one leads, and return that one.

    Raises:
        NotStartedError: if none leads in time.
        KubeError: if the pod cannot be deleted.
    """
    path = paths.core("pods", target.namespace, kro.name)
    template = await client.get(path)
    await client.delete(path)
    deadline = time.monotonic() + timing.restart_timeout
    while time.monotonic() < deadline:
        try:
            found = await _next_leader(client, target, template)
        except (ApiError, ApiUnreachableError) as error:
            if not error.transient:
                raise
            found = None
        if found is not None:
            logger.info("kro pod %s leads after %s was deleted", found.name, kro.name)
            return found
        await asyncio.sleep(timing.restart_poll)
    raise NotStartedError(
        f"no other kro pod led within {timing.restart_timeout:g}s after pod "
        f"{target.namespace}/{kro.name} was deleted; check kubectl describe pod in namespace "
        f"{target.namespace}"
    )


async def _next_leader(client: KubeClient, target: Target, deleted: JsonObject) -> KroPod | None:
    pods = await _pods(client, target)
    if any(pod["metadata"]["uid"] == deleted["metadata"]["uid"] for pod in pods):
        return None
    if not pods or not await one_leads(client, target, deleted, pods):
        return None
    try:
        return await find_kro(client, target)
    except KroNotFoundError:
        return None


async def _pods(client: KubeClient, target: Target) -> list[JsonObject]:
    return [pod for pod in await list_kro_pods(client, target) if not has_ended(pod)]
