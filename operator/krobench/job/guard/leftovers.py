"""What other runs have left in the cluster, found by the labels that all runs set."""

from dataclasses import dataclass

from krobench.api.common import RUN_LABEL
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError
from krobench.load.kinds import RGDS_PATH, kinds_of_run
from krobench.workload.identity import RunIdentity

_ALL_RUNS = "kb-"


@dataclass(frozen=True)
class Leftovers:
    """RGDs and instances that other runs made."""

    objects: list[str]
    """As kind/namespace/name."""
    runs: list[str]
    """UIDs of these runs."""


async def find_leftovers(client: KubeClient, run: RunIdentity) -> Leftovers:
    """Return what is there of other runs, whether these have ended or not.

    Raises:
        KubeError: if it cannot be listed.
    """
    selector = f"{RUN_LABEL},{RUN_LABEL}!={run.uid}"
    found = [("ResourceGraphDefinition", rgd) for rgd in await client.list(RGDS_PATH, selector)]
    for kind in await kinds_of_run(client, _ALL_RUNS):
        collection = paths.group(kind.group, kind.version, kind.plural)
        try:
            instances = await client.list(collection, selector)
        except ApiError as error:
            # The CRD goes just now, or it is of a user's own group that is not granted any more.
            if not (error.not_found or error.forbidden):
                raise
            continue
        found += [(kind.kind, instance) for instance in instances]
    runs = dict.fromkeys(item["metadata"]["labels"][RUN_LABEL] for _, item in found)
    return Leftovers([_name(kind, item) for kind, item in found], list(runs))


def _name(kind: str, item: JsonObject) -> str:
    metadata = item["metadata"]
    parts = (kind, metadata.get("namespace"), metadata["name"])
    return "/".join(part for part in parts if part)
