"""Looks at kro and at the clocks while an iteration runs; what is seen is judged afterwards."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Self

from krobench.api.specs.kro import Target
from krobench.figures.surroundings import Moment
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.kro import kro_leader, kro_pods
from krobench.load.clock import RunClock

logger = logging.getLogger(__name__)

# Two small requests each time. A container that ends is back within a second or two, but its
# pod's count of restarts stays, so that nothing is missed between two looks.
_INTERVAL_SECONDS = 3.0
_STEADY_SECONDS = 0.01
_ATTEMPTS = 5


@dataclass
class KnownKro:
    """What a run has seen of the kro that it measures.

    Whoever changes kro on purpose, as between variants, forgets ``last`` and keeps a ``first``
    for each of its settings.
    """

    first: Moment | None = None
    """When its pods were seen for the first time in this run: how kro is set up."""
    last: Moment | None = None


@dataclass(frozen=True)
class Watched:
    """What a watchman saw."""

    first: Moment | None
    """The run's first look at this kro."""
    moments: list[Moment]
    """From the end of the turn before on."""


class Watchman:
    """Looks from entry until :meth:`finish`; an async context manager that never fails the run."""

    def __init__(
        self, client: KubeClient, clock: RunClock, target: Target, known: KnownKro
    ) -> None:
        self._client = client
        self._clock = clock
        self._target = target
        self._known = known
        self._moments = [] if known.last is None else [known.last]

    async def __aenter__(self) -> Self:
        await self._look()
        self._task = asyncio.create_task(self._keep_looking())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def finish(self) -> Watched:
        """Look for the last time, and return all that was seen."""
        self._task.cancel()
        await self._look()
        return Watched(self._known.first, self._moments)

    async def _look(self) -> None:
        try:
            pods = await kro_pods(self._client, self._target)
            leader = await kro_leader(self._client, self._target)
        except KubeError as error:
            logger.warning("kro's pods could not be looked at: %s", error)
            return
        moment = Moment(self._clock.now(), wall_clock_zero(self._clock), pods, leader)
        self._moments.append(moment)
        self._known.last = moment
        if self._known.first is None and pods:
            self._known.first = moment

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            await self._look()


def wall_clock_zero(clock: RunClock) -> float:
    """Return when the run's clock stood at zero, by the wall clock.

    The two are read one after the other; where this process was held up between, they are read
    again.
    """
    zero = 0.0
    for _ in range(_ATTEMPTS):
        before = time.monotonic()
        zero = clock.zero_epoch_seconds()
        if time.monotonic() - before < _STEADY_SECONDS:
            break
    return zero
