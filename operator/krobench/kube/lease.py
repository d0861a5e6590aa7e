"""A right that one process at a time has: a Lease of the API server.

Another holder is alive as long as its renewals arrive, by this process's clock: the clocks of
nodes differ.
"""

import time
from datetime import UTC, datetime

from krobench.kube import paths
from krobench.kube.client import JsonObject, KubeClient
from krobench.kube.errors import ApiError

_GROUP = ("coordination.k8s.io", "v1", "leases")


class Lease:
    """One Lease, as one of the processes sees it that want it."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        name: str,
        *,
        identity: str,
        duration_seconds: float,
    ) -> None:
        """If it is not renewed for ``duration_seconds``, another process may take it."""
        self.identity = identity
        self.namespace, self.name = namespace, name
        self._client = client
        self._duration_seconds = duration_seconds
        self._last: JsonObject | None = None
        self._seen_at = time.monotonic()
        self.renewed_at = float("-inf")
        """``time.monotonic()`` when this process asked for it the last time that it got it."""

    def __str__(self) -> str:
        return f"Lease {self.namespace}/{self.name}"

    @property
    def holder(self) -> str | None:
        """Who held it at the last look."""
        return (self._last or {}).get("spec", {}).get("holderIdentity") or None

    @property
    def collection(self) -> str:
        return paths.group(*_GROUP, self.namespace)

    def see(self, lease: JsonObject | None) -> None:
        """Take news of it."""
        if _version(lease) != _version(self._last):
            self._seen_at = time.monotonic()
        self._last = lease

    @property
    def seconds_left(self) -> float:
        """Time until another process's Lease expires if no news of it come."""
        if self.holder in (None, self.identity):
            return 0.0
        spec = (self._last or {}).get("spec", {})
        duration = float(spec.get("leaseDurationSeconds") or self._duration_seconds)
        return max(0.0, self._seen_at + duration - time.monotonic())

    async def acquire(self) -> bool:
        """Take it if it is free; return whether this process has it.

        Raises:
            KubeError: if the API server does not answer, or refuses.
        """
        self.see(await self._read())
        return self.seconds_left == 0.0 and await self._take()

    async def renew(self) -> bool:
        """Prolong it; return whether this process still has it.

        Raises:
            KubeError: if the API server does not answer, or refuses.
        """
        if await self._take():
            return True
        # The answer to the last renewal may have been lost, or somebody deleted the Lease.
        self.see(await self._read())
        is_ours = self._last is None or self.holder == self.identity
        return is_ours and await self._take()

    async def release(self) -> None:
        """Let another process have it at once, if this one has it.

        Raises:
            KubeError: if the API server does not answer, or refuses.
        """
        self.see(await self._read())
        if self._last is not None and self.holder == self.identity:
            spec = self._last["spec"] | {"holderIdentity": None}
            body = self._last | {"spec": spec}
            self.see(await self._client.replace(self._path, body, retries=0))

    @property
    def _path(self) -> str:
        return f"{self.collection}/{self.name}"

    async def _read(self) -> JsonObject | None:
        return await self._client.find(self._path, retries=0)

    async def _take(self) -> bool:
        """Write our name; False if another process was faster."""
        asked = time.monotonic()
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        spec = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": max(1, round(self._duration_seconds)),
            "acquireTime": now,
            "renewTime": now,
        }
        try:
            if self._last is None:
                answer = await self._client.create(self.collection, self._new(spec), retries=0)
            else:
                if self.holder == self.identity:
                    spec["acquireTime"] = self._last["spec"]["acquireTime"]
                # Its resourceVersion makes this fail if another process takes it meanwhile.
                body = self._last | {"spec": spec}
                answer = await self._client.replace(self._path, body, retries=0)
        except ApiError as error:
            if error.conflict or error.not_found:
                return False
            raise
        self.see(answer)
        self.renewed_at = asked
        return True

    def _new(self, spec: JsonObject) -> JsonObject:
        labels = {
            "app.kubernetes.io/name": "krobench",
            "app.kubernetes.io/managed-by": "krobench",
        }
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self.name, "labels": labels},
            "spec": spec,
        }


def _version(lease: JsonObject | None) -> str:
    return str(lease["metadata"].get("resourceVersion", "")) if lease else ""
