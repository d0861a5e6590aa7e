"""Whether a new kro leads; it is let in where the one that led before is gone."""

from collections.abc import Sequence
from typing import Any

from krobench.api.specs.target import Target
from krobench.job.kro.leadership import elects
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.kube.kro import holder_of, is_of_pod, leader_path


async def one_leads(
    client: KubeClient, target: Target, template: dict[str, Any], pods: Sequence[JsonObject]
) -> bool:
    """Whether one of the pods of this template leads, if they elect a leader.

    kro does not release its Lease when it ends: a Lease whose holder is none of the pods is
    released here, or it would have to expire.
    """
    if not elects(template, target.container):
        return True
    path = leader_path(target.namespace)
    try:
        lease = await client.get(path)
    except ApiError as error:
        if error.not_found:
            return False
        raise
    holder = holder_of(lease)
    if holder is None:
        return False
    if any(is_of_pod(holder, pod["metadata"]["name"]) for pod in pods):
        return True
    await _release(client, path, lease)
    return False


async def _release(client: KubeClient, path: str, lease: JsonObject) -> None:
    """Do what the holder, which is gone, has not done."""
    spec = lease["spec"] | {"holderIdentity": "", "leaseDurationSeconds": 1}
    try:
        await client.replace(path, lease | {"spec": spec})
    except ApiError as error:
        if not (error.conflict or error.forbidden):
            raise
