"""Run records with their iterations, where run.json had no room for these."""

from functools import partial

from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError
from krobench.record.run import FULL_RUN_KEY, RunRecord
from krobench.record.store import whole_run


async def whole(client: KubeClient, run: RunRecord) -> RunRecord:
    """Return the run with its iterations; as it is where they are in it, or nowhere any more.

    Raises:
        RecordError: if they cannot be read.
        KubeError: if the cluster cannot be asked.
    """
    if not run.shortened:
        return run
    try:
        config_maps = [
            await client.patiently(
                partial(client.get, paths.core("configmaps", run.namespace, name))
            )
            for name in run.parts[FULL_RUN_KEY]
        ]
    except ApiError as error:
        if error.not_found:
            return run
        raise
    return whole_run(run, config_maps)
