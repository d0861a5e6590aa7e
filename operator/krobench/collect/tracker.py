"""Which pod is kro, also after it was restarted, replaced, or another replica took the lead."""

from collections.abc import Callable

from krobench.api.specs.kro import Target
from krobench.figures.measures import KroRestart
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.kro import KroPod, find_kro

_LEAD_SECONDS = 10.0


class KroTracker:
    """The kro that is measured now, and the restarts that were seen.

    ``restarts`` holds each moment at which another process was found to be kro, in order.
    """

    def __init__(
        self, client: KubeClient, target: Target, pod: KroPod, now: Callable[[], float]
    ) -> None:
        self._client = client
        self._target = target
        self._now = now
        self._started: float | None = None
        self._measured = pod.name
        self._looked_at = now()
        self.pod = pod
        self.restarts: list[KroRestart] = []

    async def follow_lead(self) -> None:
        """Ask now and then which replica leads, if there are several.

        The lease of a leader that died is taken by another only when it has run out; until then
        nothing tells that the pod which was restarted leads no more.
        """
        due = self._now() - self._looked_at >= _LEAD_SECONDS
        if due and self.pod.fingerprint.replicas > 1:
            await self.find_again()

    async def find_again(self) -> bool:
        """Look for kro; whether it is another pod, or has another address, than before."""
        self._looked_at = self._now()
        try:
            found = await find_kro(self._client, self._target)
        except KubeError:
            return False  # between two leaders there is none; the next scrape looks again
        changed = (found.name, found.ip) != (self.pod.name, self.pod.ip)
        self.pod = found
        return changed

    async def saw_start(self, started: float | None) -> bool:
        """Note when the process that answered was started.

        Returns whether another pod is kro now, because the one that was restarted did not come
        back as the leader; what it says is then of no interest.
        """
        if started is None or started == self._started:
            return False
        if self._started is None:
            self._started = started
            return False
        if self.pod.name == self._measured and await self.find_again():
            return True
        self.restarts.append(
            KroRestart(
                seconds=round(self._now(), 3),
                pod=self.pod.name,
                previous_pod=self._measured if self._measured != self.pod.name else None,
            )
        )
        self._started, self._measured = started, self.pod.name
        return False
