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
from datetime import UTC, datetime
from functools import partial

from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError
from krobench.kube.timing import Timing
from krobench.loadjob.errors import AbortedError

logger = logging.getLogger(__name__)

LEASE_NAME = "krobench-load"

_GROUP = ("coordination.k8s.io", "v1", "leases")


class ClusterLease:
    """The right to put load on a cluster.

    Another holder is alive as long as its renewals arrive, by this process's clock: the clocks of
    nodes differ.
    """

    def __init__(self, client: KubeClient, run: str, timing: Timing | None = None) -> None:
        self._client = client
        self._timing = timing or Timing()
        self.identity = f"{run} in {socket.gethostname()[:63]} ({uuid.uuid4().hex[:8]})"
        self._namespace = ""
        self._renewer: asyncio.Task[None] | None = None
        self._taken_by: str | None = None

    async def acquire(self, namespace: str, report: Callable[[str], None]) -> None:
        """Take the lease in kro's namespace; wait until its holder has ended or died.

        Raises:
            AbortedError: ``ClusterBusy`` if it is still held after ``lease_wait``.
        """
        self._namespace = namespace
        deadline = time.monotonic() + self._timing.lease_wait
        seen_version, seen_at = "", time.monotonic()
        while True:
            lease = await self._read()
            holder = _holder(lease)
            version = lease["metadata"]["resourceVersion"] if lease else ""
            now = time.monotonic()
            if version != seen_version:
                seen_version, seen_at = version, now
            duration = (lease or {}).get("spec", {}).get("leaseDurationSeconds")
            expired = now - seen_at > float(duration or self._timing.lease_duration)
            free = not holder or holder == self.identity or expired
            if free and await self._client.retry(partial(self._take, lease)):
                if holder:
                    logger.warning("took over the lease from %s, which stopped renewing it", holder)
                break
            if now >= deadline:
                raise AbortedError(
                    "ClusterBusy",
                    f"another load is running in this cluster: {holder} still holds "
                    f"{self._where} after {self._timing.lease_wait:g}s; start this run again when "
                    "that load has ended",
                )
            if holder:
                report(f"waiting for the cluster's lease, held by {holder}")
            await asyncio.sleep(self._timing.lease_poll)
        self._renewer = asyncio.create_task(self._renew())

    def check(self) -> None:
        """Check that this run still holds the lease.

        Raises:
            AbortedError: if another load took it, for example because this Job could not reach the
                API server for long.
        """
        if self._taken_by is not None:
            raise AbortedError(
                "ClusterLeaseLost",
                f"{self._taken_by} took {self._where} after it could not be renewed for "
                f"{self._timing.lease_duration:g}s: two loads ran at once, so discard the numbers "
                "of both and start the runs again",
            )

    async def release(self) -> None:
        """Let the next load in; if this fails, the lease expires."""
        if self._renewer is None:
            return
        self._renewer.cancel()
        await asyncio.gather(self._renewer, return_exceptions=True)
        self._renewer = None
        with contextlib.suppress(ApiError, ApiUnreachableError):
            lease = await self._read()
            if lease is not None and _holder(lease) == self.identity:
                spec = lease["spec"] | {"holderIdentity": None}
                await self._client.replace(self._path(LEASE_NAME), lease | {"spec": spec})

    @property
    def _where(self) -> str:
        return f"Lease {self._namespace}/{LEASE_NAME}"

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._timing.lease_renewal)
            try:
                lease = await self._read()
                if lease is not None and _holder(lease) != self.identity:
                    self._taken_by = _holder(lease) or "a load that has released it since"
                    return
                await self._take(lease)
            except (ApiError, ApiUnreachableError) as error:
                logger.warning("%s was not renewed: %s", self._where, error)

    async def _read(self) -> JsonObject | None:
        return await self._client.find(self._path(LEASE_NAME))

    async def _take(self, lease: JsonObject | None) -> bool:
        """Write our name; False if another load was faster."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        spec = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": max(1, round(self._timing.lease_duration)),
            "acquireTime": now,
            "renewTime": now,
        }
        try:
            if lease is None:
                labels = {
                    "app.kubernetes.io/name": "krobench",
                    "app.kubernetes.io/managed-by": "krobench",
                }
                body = {
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": {"name": LEASE_NAME, "labels": labels},
                    "spec": spec,
                }
                await self._client.create(self._path(), body, retries=0)
                return True
            if _holder(lease) == self.identity:
                spec["acquireTime"] = lease["spec"]["acquireTime"]
            # Its resourceVersion makes this fail if another load takes it at the same time.
            body = lease | {"spec": spec}
            await self._client.replace(self._path(LEASE_NAME), body, retries=0)
        except ApiError as error:
            if error.conflict:
                return False
            raise
        return True

    def _path(self, name: str | None = None) -> str:
        return paths.group(*_GROUP, self._namespace, name)


def _holder(lease: JsonObject | None) -> str | None:
    return (lease or {}).get("spec", {}).get("holderIdentity") or None
