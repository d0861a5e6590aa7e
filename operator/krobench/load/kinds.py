"""The kinds that RGDs define, and those of their children: plurals cannot be guessed."""

import asyncio
from dataclasses import dataclass

from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.timing import Timing

RGDS_PATH = paths.group("kro.run", "v1alpha1", "resourcegraphdefinitions")
CRDS_PATH = paths.group("apiextensions.k8s.io", "v1", "customresourcedefinitions")
RGD_NAME_LABEL = "kro.run/resource-graph-definition-name"

_CRDS_AT_ONCE = 50
"""A CRD may have a hundred kilobytes of schema, and takes eight times that once parsed."""


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

    def path(self, namespace: str | None = None) -> str:
        """Return the path of its collection, of one namespace or of all."""
        return paths.group(self.group, self.version, self.plural, namespace)


async def find_kind(client: KubeClient, rgd_name: str, timing: Timing) -> Kind | None:
    """Return the kind that this RGD defines, or None if none appears in time."""
    async with asyncio.timeout(timing.kind_appears + 1):
        for _ in range(int(timing.kind_appears / timing.kind_poll)):
            found = await client.list(CRDS_PATH, f"{RGD_NAME_LABEL}={rgd_name}")
            if found:
                return _kind_of_crd(found[0])
            await asyncio.sleep(timing.kind_poll)
    return None


async def kinds_of_run(client: KubeClient, prefix: str) -> list[Kind]:
    """Return the kinds of all RGDs whose name begins with ``prefix``."""
    pages = client.pages(CRDS_PATH, RGD_NAME_LABEL, limit=_CRDS_AT_ONCE)
    kinds = [_kind_of_crd(crd) async for page in pages for crd in page]
    return [kind for kind in kinds if kind.rgd.startswith(prefix)]


async def crd_of(client: KubeClient, group: str, kind: str) -> str | None:
    """Return the name of the CRD of this group and kind, if there is one."""
    for item in await client.list(CRDS_PATH, metadata_only=True):
        name: str = item["metadata"]["name"]
        if name.partition(".")[2] == group:
            crd = await client.find(f"{CRDS_PATH}/{name}")
            if crd is not None and crd["spec"]["names"]["kind"] == kind:
                return name
    return None


async def path_of_kind(client: KubeClient, api_version: str, kind: str) -> str | None:
    """Return the path of this kind's collection in all namespaces; None if it is not served."""
    base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    served = await client.find(base) or {}
    for entry in served.get("resources") or []:
        if entry["kind"] == kind and "/" not in entry["name"]:
            return f"{base}/{entry['name']}"
    return None


def _kind_of_crd(crd: JsonObject) -> Kind:
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
