"""Restarting kro by the deletion of its pod.

What runs the pod, as a Deployment does, makes another one of the same settings. So nothing of kro
is changed, and nothing has to be put back should this Job be killed; under a variant it is the
variant that starts anew. A rollout would take one more restart, for the way back.
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

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.1
_TIMEOUT_SECONDS = 120.0


async def check_restartable(client: KubeClient, target: Target) -> None:
    """Check that kro would be started again, and that one can tell when it leads.

    Raises:
        AbortedError: if not; the message says why.
    """
    for pod in await _pods(client, target):
        metadata = pod["metadata"]
        owners = metadata.get("ownerReferences") or []
        if not any(owner.get("controller") for owner in owners):
            raise AbortedError(
                "KroNotRestartable",
                f"pod {target.namespace}/{metadata['name']} is of no Deployment that would make "
                "another one when it is deleted: leave out restarts, or install kro with its chart",
            )
        if named(pod["spec"]["containers"], target.container) is None:
            continue
        why = why_leader_unknown(pod, target.container, target.namespace)
        if why is not None:
            raise AbortedError(
                "LeaderUnknown",
                f"restarts need to know when the new kro leads, and {why}: leave out restarts, or "
                "run kro with --leader-elect=false and one replica",
            )


async def restart_kro(client: KubeClient, target: Target, kro: KroPod) -> KroPod:
    """Delete kro's pod and wait until another one leads; returns that one.

    Raises:
        NotStartedError: if none leads in time.
        KubeError: if the pod cannot be deleted.
    """
    path = paths.core("pods", target.namespace, kro.name)
    template = await client.get(path)
    await client.delete(path)
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            found = await _next_leader(client, target, template)
        except (ApiError, ApiUnreachableError) as error:
            if not error.transient:
                raise
            found = None
        if found is not None:
            logger.info("kro %s leads after %s was deleted", found.name, kro.name)
            return found
        await asyncio.sleep(_POLL_SECONDS)
    raise NotStartedError(
        f"no other kro led within {_TIMEOUT_SECONDS:g}s of the deletion of pod "
        f"{target.namespace}/{kro.name}: see kubectl describe pod in {target.namespace}"
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
