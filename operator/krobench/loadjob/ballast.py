"""Keeping as many CRDs beside the load as a test asks for.

They stay from one iteration to the next: an API server is busy for a while after each change. The
cleanup of the run deletes them.
"""

import asyncio

from krobench.api import units
from krobench.api.common import BALLAST_COMPONENT, COMPONENT_LABEL, RUN_LABEL
from krobench.api.specs.workload import Ballast
from krobench.kube.errors import ApiError
from krobench.load.leftovers import served_ballast
from krobench.load.lifecycle import CRDS_PATH
from krobench.load.loops import at_most
from krobench.loadjob.context import RunContext
from krobench.loadjob.errors import AbortedError
from krobench.loadjob.permissions import Need, Permission, check_permissions
from krobench.workload.ballast import ballast_crd, ballast_names
from krobench.workload.testplan import TestPlan

_CONCURRENCY = 4
_NEEDED = Need(
    Permission("create", "customresourcedefinitions", "apiextensions.k8s.io"),
    "for workload.ballast, install the chart with load.ballast=true",
)


class BallastKeeper:
    """Creates and deletes CRDs of one run, between iterations."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._now: Ballast | None = Ballast(crds=0)
        """What is there; None after a failure."""

    async def ensure(self, test: TestPlan) -> None:
        """Have exactly the ballast of this test.

        Raises:
            AbortedError: if that is not possible.
        """
        context, wanted = self._context, test.ballast
        if wanted == self._now or not (wanted.crds or self._now is None or self._now.crds):
            return
        if wanted.crds:
            await check_permissions(context.client, [_NEEDED], context.timing)
        context.report(f"{test.name}: {units.counted(wanted.crds, 'CRD')} as ballast")
        self._now = None
        names = dict.fromkeys(ballast_names(context.run.short_id, wanted.crds, wanted.fields))
        there = await self._names()
        labels = {
            RUN_LABEL: context.run.uid,
            COMPONENT_LABEL: BALLAST_COMPONENT,
            "app.kubernetes.io/managed-by": "krobench",
        }

        async def create(name: str) -> None:
            await context.client.create(CRDS_PATH, ballast_crd(name, wanted.fields, labels))

        async def delete(name: str) -> None:
            await context.client.delete(f"{CRDS_PATH}/{name}")

        try:
            await at_most(_CONCURRENCY, delete, there - names.keys())
            await at_most(_CONCURRENCY, create, (name for name in names if name not in there))
            await self._until_served(wanted.crds)
        except ApiError as error:
            raise AbortedError(
                "BallastRefused",
                f"spec.{test.field_prefix}workload.ballast: the API server refused a CRD: "
                f"{error.message}; lower crds or fields",
            ) from error
        await asyncio.sleep(context.timing.ballast_pause)
        self._now = wanted

    async def _names(self) -> set[str]:
        selector = f"{RUN_LABEL}={self._context.run.uid},{COMPONENT_LABEL}={BALLAST_COMPONENT}"
        found = await self._context.client.list(CRDS_PATH, selector, metadata_only=True)
        return {crd["metadata"]["name"] for crd in found}

    async def _until_served(self, count: int) -> None:
        """Wait until the API server serves as many kinds: all, and no deleted one."""
        clock, timing = self._context.clock, self._context.timing
        before, since = -1, clock.now()
        while (served := await served_ballast(self._context.client)) != count:
            if served != before:
                before, since = served, clock.now()
            elif clock.now() - since > timing.ballast_served:
                raise AbortedError(
                    "BallastNotServed",
                    f"the API server serves {served} of {count} CRDs of the ballast, and no other "
                    f"within {timing.ballast_served:g}s; lower workload.ballast, or give the API "
                    "server more memory and CPU",
                )
            await asyncio.sleep(timing.ballast_poll)
