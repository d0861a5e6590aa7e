"""The kinds that RGDs define, found by the labels of their CRDs: plurals cannot be guessed."""

import asyncio
from dataclasses import dataclass

from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError

RGDS_PATH = paths.group("kro.run", "v1alpha1", "resourcegraphdefinitions")
CRDS_PATH = paths.group("apiextensions.k8s.io", "v1", "customresourcedefinitions")
RGD_NAME_LABEL = "kro.run/resource-graph-definition-name"

# An API server answers a create request of a kind that was established less than two seconds
# ago only after sleeping for two seconds (so that in a cluster of several servers the others
# have learnt of the kind). Without this pause after that, the sleep would be booked on kro.
NEW_KIND_PAUSE_SECONDS = 2.1

KIND_TIMEOUT_SECONDS = 10.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Kind:
    """A kind that an RGD defines."""

    crd: str
    """Name of its CRD."""
    rgd: str
    """Name of its RGD."""
    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool


def kind_of_crd(crd: JsonObject) -> Kind:
    """Return what a CRD says."""
    spec = crd["spec"]
    return Kind(
        crd=crd["metadata"]["name"],
        rgd=crd["metadata"].get("labels", {}).get(RGD_NAME_LABEL, ""),
        group=spec["group"],
        version=next(item["name"] for item in spec["versions"] if item.get("storage")),
        kind=spec["names"]["kind"],
        plural=spec["names"]["plural"],
        namespaced=spec["scope"] == "Namespaced",
    )


async def find_kind(client: KubeClient, rgd_name: str) -> Kind | None:
    """Return the kind that this RGD defines, or None where none appears in time."""
    async with asyncio.timeout(KIND_TIMEOUT_SECONDS + 1):
        for _ in range(int(KIND_TIMEOUT_SECONDS / _POLL_SECONDS)):
            found = await _crds(client, f"{RGD_NAME_LABEL}={rgd_name}")
            if found:
                return kind_of_crd(found[0])
            await asyncio.sleep(_POLL_SECONDS)
    return None


async def kinds_of_run(client: KubeClient, prefix: str) -> list[Kind]:
    """Return the kinds of all RGDs whose name begins with ``prefix``."""
    crds = await client.list(CRDS_PATH, RGD_NAME_LABEL)
    kinds = [kind_of_crd(crd) for crd in crds]
    return [kind for kind in kinds if kind.rgd.startswith(prefix)]


async def kind_exists(client: KubeClient, group: str, kind: str) -> str | None:
    """Return the name of the CRD of this group and kind, if there is one."""
    for crd in await _crds(client):
        if crd["spec"]["group"] == group and crd["spec"]["names"]["kind"] == kind:
            name: str = crd["metadata"]["name"]
            return name
    return None


async def _crds(client: KubeClient, label_selector: str | None = None) -> list[JsonObject]:
    return await client.patiently(lambda: client.list(CRDS_PATH, label_selector))


@dataclass(frozen=True)
class Resource:
    """How objects of a kind are addressed."""

    base: str
    """``/api/v1`` or ``/apis/<group>/<version>``."""
    plural: str


async def resource_of(client: KubeClient, api_version: str, kind: str) -> Resource | None:
    """Return the resource that serves this kind, or None where there is none."""
    base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    try:
        served = await client.patiently(lambda: client.get(base))
    except ApiError as error:
        if not error.not_found:
            raise
        return None
    for entry in served.get("resources") or []:
        if entry["kind"] == kind and "/" not in entry["name"]:
            return Resource(base, entry["name"])
    return None
