"""Instances whose RGD somebody has deleted before them: kro no longer knows them.

kro would have deleted their children and then let them go. Now nobody does, and for ever: they hang
on kro's finalizer, and their CRD on them.
"""

import logging
from collections.abc import Iterable

from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError
from krobench.load.kinds import RGDS_PATH, Kind

logger = logging.getLogger(__name__)

_OWNED = "kro.run/owned=true"
_INSTANCE_ID = "kro.run/instance-id"


async def free_abandoned(client: KubeClient, kinds: Iterable[Kind], selector: str) -> None:
    """Delete such instances and their ConfigMaps, and say how other children are found.

    Raises:
        ApiError: if the API server refuses that.
    """
    try:
        known = {rgd["metadata"]["name"] for rgd in await client.list(RGDS_PATH)}
    except ApiError as error:
        if not error.not_found:
            raise
        return  # kro itself is gone, and may come back
    for kind in kinds:
        if kind.rgd not in known:
            await _free(client, kind, selector)


async def _free(client: KubeClient, kind: Kind, selector: str) -> None:
    try:
        found = await client.list(paths.group(kind.group, kind.version, kind.plural), selector)
    except ApiError as error:
        if not error.not_found:
            raise
        return  # the CRD went meanwhile, and its instances with it
    if not found:
        return
    logger.warning(
        "RGD %s was deleted before its %d instances, which kro no longer knows: their ConfigMaps "
        "are deleted, other children are left: they bear the label kro.run/instance-kind=%s",
        kind.rgd,
        len(found),
        kind.kind,
    )
    uids = {instance["metadata"].get("uid") for instance in found}
    for child in await client.list(paths.core("configmaps"), _OWNED):
        if (child["metadata"].get("labels") or {}).get(_INSTANCE_ID) in uids:
            collection = paths.core("configmaps", child["metadata"]["namespace"])
            await _delete(client, f"{collection}/{child['metadata']['name']}")
    for instance in found:
        namespace = instance["metadata"].get("namespace")
        collection = paths.group(kind.group, kind.version, kind.plural, namespace)
        await _delete(client, f"{collection}/{instance['metadata']['name']}", held=True)


async def _delete(client: KubeClient, path: str, *, held: bool = False) -> None:
    """Delete an object, if it is still there; one that is ``held`` by finalizers, all the same."""
    try:
        if held:
            await client.patch(path, {"metadata": {"finalizers": None}})
        await client.delete(path)
    except ApiError as error:
        if not error.not_found:
            raise
