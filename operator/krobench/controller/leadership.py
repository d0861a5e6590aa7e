"""One operator acts at a time: a Lease, as client-go's leader election has one.

kopf's own peering would need a CRD more, compares the clocks of nodes, and pauses only kopf's
watches; what acts here is the work queue. An operator that stops releases the Lease, so that the
next one, for example of an upgrade, acts at once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable

from krobench.controller.settings import Settings
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.lease import Lease
from krobench.kube.timing import Timing
from krobench.kube.watch import Watch

logger = logging.getLogger(__name__)

LEASE_NAME = "krobench-operator"


class Leadership:
    """Has work done while this operator holds the Lease."""

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        alive: Callable[[], None],
        timing: Timing | None = None,
    ) -> None:
        """``alive`` is called from time to time while this operator stands by."""
        self._client = client
        self._alive = alive
        self._timing = timing or Timing()
        self._lease = Lease(
            client,
            settings.lease_namespace,
            LEASE_NAME,
            identity=f"{settings.namespace}/{settings.pod}",
            duration_seconds=self._timing.leader_duration,
        )
        self._holds = False

    @property
    def leads(self) -> bool:
        """Whether this operator may act now. The clock tells: the process may have stood still."""
        return self._holds and self._seconds_to_act > 0

    async def lead(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work whenever this operator holds the Lease, until cancelled."""
        try:
            while True:
                try:
                    await self._acquire()
                    await self._hold(work)
                except KubeError as error:
                    logger.warning("cannot get %s: %s", self._lease, error)
                    await self._pause()
                except Exception:
                    logger.exception("cannot lead; trying again")
                    await self._pause()
        finally:
            with contextlib.suppress(KubeError, TimeoutError):
                async with asyncio.timeout(self._timing.leader_retry):
                    await self._lease.release()

    async def _pause(self) -> None:
        self._alive()
        await asyncio.sleep(self._timing.leader_retry)

    async def _acquire(self) -> None:
        while not await self._lease.acquire():
            logger.info("standing by: %s has %s", self._lease.holder, self._lease)
            await self._until_free()

    async def _until_free(self) -> None:
        """Wait until the Lease is released or expires; a renewal that is seen costs no request."""
        field = f"metadata.name={self._lease.name}"
        watch = Watch(self._client, self._lease.collection, field_selector=field)
        found = [each for each in await watch.start() if self._is_it(each)]
        self._lease.see(found[0] if found else None)
        loop = asyncio.get_running_loop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._lease.seconds_left) as limit:
                async for event in watch.events():
                    self._alive()
                    # If somebody deletes it, its holder still acts, and creates it again.
                    if self._is_it(event.object) and event.type != "DELETED":
                        self._lease.see(event.object)
                    limit.reschedule(loop.time() + self._lease.seconds_left)

    def _is_it(self, lease: object) -> bool:
        return isinstance(lease, dict) and lease["metadata"]["name"] == self._lease.name

    async def _hold(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work until the Lease is lost."""
        logger.info("acting: this operator has %s", self._lease)
        self._holds = True
        task = asyncio.ensure_future(work())
        try:
            await self._renew(task)
        finally:
            self._holds = False
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        logger.warning("standing by: this operator has lost %s", self._lease)

    async def _renew(self, task: asyncio.Future[None]) -> None:
        """Renew the Lease until it is lost or the work ends."""
        pause = self._timing.leader_renewal
        while True:
            await asyncio.wait({task}, timeout=min(pause, max(0.0, self._seconds_to_act)))
            if task.done():
                return
            try:
                async with asyncio.timeout(self._seconds_to_act):
                    if not await self._lease.renew():
                        return
                pause = self._timing.leader_renewal
            except TimeoutError:
                return
            except KubeError as error:
                logger.warning("%s was not renewed: %s", self._lease, error)
                pause = self._timing.leader_retry

    @property
    def _seconds_to_act(self) -> float:
        """How long this operator may act if it cannot renew the Lease."""
        return self._lease.renewed_at + self._timing.leader_deadline - time.monotonic()
