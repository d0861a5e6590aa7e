"""RGDs of a user's own that stand in ConfigMaps, read before a run is planned."""

from collections.abc import Iterable
from functools import partial

from krobench.api.specs.benchmark import KroBenchmarkSpec
from krobench.api.specs.workload.workload import Workload
from krobench.job.errors import AbortedError
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.workload.blueprint import WorkloadError
from krobench.workload.source import config_map_refs, with_rgd_inline, with_rgds_inline


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
        raise AbortedError("InvalidWorkload", f"spec.{error}") from error


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
        raise AbortedError("InvalidWorkload", f"spec.{error}") from error


async def _config_maps(
    client: KubeClient, names: Iterable[str], namespace: str
) -> dict[str, JsonObject]:
    """Return those of these ConfigMaps that exist, by name."""
    found = {}
    for name in names:
        try:
            path = paths.core("configmaps", namespace, name)
            found[name] = await client.patiently(partial(client.get, path))
        except ApiError as error:
            if not error.not_found:
                raise
    return found
