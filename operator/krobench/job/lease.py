"""One load at a time in a cluster: a Lease beside kro, held by the load Job that runs.

The operator runs its benchmarks one after another. The Lease is for what it does not know of:
another krobench in the same cluster, or a ``krobench load`` by hand.
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

from krobench.job.errors import AbortedError
from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError, ApiUnreachableError

logger = logging.getLogger(__name__)

LEASE_NAME = "krobench-load"

DURATION_SECONDS = 30
WAIT_SECONDS = DURATION_SECONDS + 10.0
"""A holder that has died is known by then."""
_RENEW_SECONDS = 5.0
_POLL_SECONDS = 1.0
_GROUP = ("coordination.k8s.io", "v1", "leases")


class ClusterLease:
    """The right to put load on a cluster.

    Whether another holder is still alive is judged by *its* renewals as *we* see them arrive,
    on our own clock: the clocks of nodes differ.
    """

    def __init__(self, client: KubeClient, run: str, wait_seconds: float = WAIT_SECONDS) -> None:
        self._client = client
        self.identity = f"{run} in {socket.gethostname()[:63]} ({uuid.uuid4().hex[:8]})"
        self._wait_seconds = wait_seconds
        self._namespace = ""
        self._renewer: asyncio.Task[None] | None = None
        self._taken_by: str | None = None

    async def acquire(self, namespace: str, tell: Callable[[str], None]) -> None:
        """Take the lease in kro's namespace, or wait until its holder is done or gone, and tell so.

        Raises:
            AbortedError: ``ClusterBusy`` if it is still held after the wait.
        """
        self._namespace = namespace
        deadline = time.monotonic() + self._wait_seconds
        seen_version, seen_at = "", time.monotonic()
        while True:
            lease = await self._read()
            holder = _holder(lease)
            version = lease["metadata"]["resourceVersion"] if lease else ""
            now = time.monotonic()
            if version != seen_version:
                seen_version, seen_at = version, now
            expired = now - seen_at > _duration(lease)
            free = not holder or holder == self.identity or expired
            if free and await self._client.retry(partial(self._take, lease)):
                if holder:
                    logger.warning("took the lease over from %s, which renewed it no more", holder)
                break
            if now >= deadline:
                raise AbortedError("ClusterBusy", self._busy(holder))
            if holder:
                tell(f"waits for the cluster's lease, which {holder} holds")
            await asyncio.sleep(_POLL_SECONDS)
        self._renewer = asyncio.create_task(self._renew())

    def check(self) -> None:
        """Check that no other has taken the lease.

        Raises:
            AbortedError: if one has, as when this Job could not reach the API server for long.
        """
        if self._taken_by is not None:
            raise AbortedError(
                "ClusterLeaseLost",
                f"{self._where} was taken by {self._taken_by} after it could not be renewed for "
                f"{DURATION_SECONDS}s: two loads ran at once, and their numbers mean nothing",
            )

    async def release(self) -> None:
        """Let the next one in; what fails here is made good by the lease's expiry."""
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

    def _busy(self, holder: str | None) -> str:
        return (
            f"another load runs in this cluster: {self._where} is held by {holder}, still after "
            f"{self._wait_seconds:g}s of waiting: start this run again when that one has ended"
        )

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                lease = await self._read()
                if lease is not None and _holder(lease) != self.identity:
                    self._taken_by = _holder(lease) or "someone who has released it"
                    return
                await self._take(lease)
            except (ApiError, ApiUnreachableError) as error:
                logger.warning("%s was not renewed: %s", self._where, error)

    async def _read(self) -> JsonObject | None:
        return await self._client.find(self._path(LEASE_NAME))

    async def _take(self, lease: JsonObject | None) -> bool:
        """Write our name; False where another was faster."""
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        spec = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": DURATION_SECONDS,
            "acquireTime": now,
            "renewTime": now,
        }
        try:
            if lease is None:
                await self._client.create(self._path(), _manifest(spec), retries=0)
                return True
            if _holder(lease) == self.identity:
                spec["acquireTime"] = lease["spec"]["acquireTime"]
            # The resourceVersion in it guards against another who takes it at the same time.
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


def _duration(lease: JsonObject | None) -> float:
    return float((lease or {}).get("spec", {}).get("leaseDurationSeconds") or DURATION_SECONDS)


def _manifest(spec: JsonObject) -> JsonObject:
    labels = {"app.kubernetes.io/name": "krobench", "app.kubernetes.io/managed-by": "krobench"}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": LEASE_NAME, "labels": labels},
        "spec": spec,
    }
