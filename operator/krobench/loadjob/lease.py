"""One load at a time in a cluster: a Lease in kro's namespace, held by the load Job that runs.

The operator runs its benchmarks one after another. The Lease also keeps out loads that this
operator does not know: another krobench in the cluster, or ``krobench load`` at a terminal.
"""

import asyncio
import contextlib
import logging
import socket
import time
import uuid
from collections.abc import Callable

from krobench.api.kinds import RunRef, short_id
from krobench.kube import paths
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError, KubeError
from krobench.kube.lease import Lease
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError

logger = logging.getLogger(__name__)

LEASE_NAME = "krobench-load"


class ClusterLease:
    """The right to put load on a cluster."""

    def __init__(self, client: KubeClient, run: RunRef, timing: Timing | None = None) -> None:
        self._client = client
        self._timing = timing or Timing()
        host, load = socket.gethostname()[:63], uuid.uuid4().hex[:4]
        self.identity = f"{run.namespace}/{run.name} in {host} {_mark(run.uid)}{load})"
        self._lease: Lease | None = None
        self._renewer: asyncio.Task[None] | None = None
        self._taken_by: str | None = None

    async def acquire(self, namespace: str, report: Callable[[str], None]) -> None:
        """Take the lease in kro's namespace; wait until its holder has ended or died.

        Raises:
            AbortedError: ``ClusterBusy`` if it is still held after ``lease_wait``.
        """
        lease = self._lease = Lease(
            self._client,
            namespace,
            LEASE_NAME,
            identity=self.identity,
            duration_seconds=self._timing.lease_duration,
        )
        deadline = time.monotonic() + self._timing.lease_wait
        while not await self._client.retry(lease.acquire):
            if time.monotonic() >= deadline:
                raise AbortedError(
                    "ClusterBusy",
                    f"another load is running in this cluster: {lease.holder} still holds "
                    f"{lease} after {self._timing.lease_wait:g}s; start this run again when "
                    "that load has ended",
                )
            if lease.holder:
                report(f"waiting for the cluster's lease, held by {lease.holder}")
            await asyncio.sleep(self._timing.lease_poll)
        self._renewer = asyncio.create_task(self._renew(lease))

    def check(self) -> None:
        """Check that this run still holds the lease.

        Raises:
            AbortedError: if another load took it, for example because this Job could not reach the
                API server for long.
        """
        if self._taken_by is not None:
            raise AbortedError(
                "ClusterLeaseLost",
                f"{self._taken_by} took {self._lease} after it could not be renewed for "
                f"{self._timing.lease_duration:g}s: two loads ran at once, so discard the numbers "
                "of both and start the runs again",
            )

    async def release(self) -> None:
        """Let the next load in; if this fails, the lease expires."""
        if self._lease is None or self._renewer is None:
            return
        self._renewer.cancel()
        await asyncio.gather(self._renewer, return_exceptions=True)
        self._renewer = None
        with contextlib.suppress(ApiError, ApiUnreachableError):
            await self._client.retry(self._lease.release)

    async def _renew(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(self._timing.lease_renewal)
            try:
                if not await self._client.retry(lease.renew):
                    self._taken_by = lease.holder or "a load that has released it since"
                    return
            except (ApiError, ApiUnreachableError) as error:
                logger.warning("%s was not renewed: %s", lease, error)


async def release_lease_of(client: KubeClient, uid: str, namespace: str) -> None:
    """Release the lease if a load of this run held it when it died.

    If this fails, the next load waits until the lease expires.
    """
    path = paths.group("coordination.k8s.io", "v1", "leases", namespace, LEASE_NAME)
    try:
        found = await client.find(path) or {}
        holder = found.get("spec", {}).get("holderIdentity") or ""
        if f" {_mark(uid)}" in holder:
            lease = Lease(client, namespace, LEASE_NAME, identity=holder, duration_seconds=0.0)
            await client.retry(lease.release)
    except KubeError as error:
        logger.warning("Lease %s/%s was not released: %s", namespace, LEASE_NAME, error)


def _mark(uid: str) -> str:
    """Return how the part of an identity begins that names the run for certain."""
    return f"({short_id(uid)}-"
