"""Creating the kind of simulated cloud resources; the cleanup of the run deletes it."""

import asyncio

from krobench.api.common import CLOUD_COMPONENT, CLOUD_GROUP, COMPONENT_LABEL, RUN_LABEL
from krobench.kube.errors import ApiError
from krobench.load.lifecycle import CRDS_PATH
from krobench.loadjob.context import RunContext
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.permissions import Need, Permission, check_permissions
from krobench.workload.cloud import CLOUD_VERSION, cloud_crd, cloud_kind, cloud_plural
from krobench.workload.testplan import TestPlan

_REMEDY = "for workload.scenario cloud, install the chart with load.cloud=true"


def needs_of_cloud(plural: str) -> list[Need]:
    """Return what simulating a cloud needs."""
    permissions = (
        Permission("create", "customresourcedefinitions", "apiextensions.k8s.io"),
        Permission("list", plural, CLOUD_GROUP),
        Permission("watch", plural, CLOUD_GROUP),
        Permission("patch", f"{plural}/status", CLOUD_GROUP),
    )
    return [Need(each, _REMEDY) for each in permissions]


async def create_cloud(context: RunContext, test: TestPlan) -> None:
    """Create the kind of a test's resources, if it has any; wait until kro can see its schema.

    Raises:
        AbortedError: if that is not possible.
    """
    if test.cloud is None:
        return
    client, timing = context.client, context.timing
    kind = cloud_kind(context.run.short_id)
    await check_permissions(client, needs_of_cloud(cloud_plural(kind)), timing)
    labels = {
        RUN_LABEL: context.run.uid,
        COMPONENT_LABEL: CLOUD_COMPONENT,
        "app.kubernetes.io/managed-by": "krobench",
    }
    try:
        await client.create(CRDS_PATH, cloud_crd(kind, labels))
    except ApiError as error:
        if not error.already_exists:  # an earlier test of the run has created it
            raise
    for _ in range(int(timing.kind_appears / timing.kind_poll)):
        described = await client.find(f"/openapi/v3/apis/{CLOUD_GROUP}/{CLOUD_VERSION}") or {}
        schemas = (described.get("components") or {}).get("schemas") or {}
        if any(name.endswith(f".{kind}") for name in schemas):
            return
        await asyncio.sleep(timing.kind_poll)
    raise AbortedError(
        "CloudNotServed",
        f"the API server does not describe kind {kind} of the simulated cloud resources within "
        f"{timing.kind_appears:g}s; give it more memory and CPU, or run when it is quiet",
    )
