"""Finding the resource of a kind, as RESTMapper does."""

from dataclasses import dataclass

from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError


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
