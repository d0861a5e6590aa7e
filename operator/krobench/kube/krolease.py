"""The Lease by which kro's replicas agree on which of them leads."""

from krobench.api.specs.target import Target
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError

LEADER_LEASE = "controller.kro.run"


def leader_path(namespace: str) -> str:
    """Return the path of the lease of the kro in this namespace."""
    return paths.group("coordination.k8s.io", "v1", "leases", namespace, LEADER_LEASE)


def holder_of(lease: JsonObject) -> str | None:
    """Return who holds a lease; None where nobody does."""
    return lease.get("spec", {}).get("holderIdentity") or None


def is_of_pod(holder: str, pod: str) -> bool:
    """Whether a holder is in this pod: it is the pod's name and a random part."""
    return holder.startswith(pod)


async def kro_leader(client: KubeClient, target: Target) -> str | None:
    """Return who holds kro's lease; None where there is no lease, or it may not be read.

    Raises:
        KubeError: if the API server does not answer.
    """
    try:
        return holder_of(await client.get(leader_path(target.namespace)))
    except ApiError as error:
        if error.not_found or error.forbidden:
            return None
        raise
