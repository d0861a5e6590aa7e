"""Observes kro's pods and the clocks while a load runs; the analysis judges them afterwards."""

import logging
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from krobench.api.specs.kro import Target
from krobench.figures.environment import Moment
from krobench.kube.client import KubeClient
from krobench.kube.errors import KubeError
from krobench.kube.kropods import kro_leader, kro_pods
from krobench.load.loops import RunClock, repeating

logger = logging.getLogger(__name__)

_STEADY_SECONDS = 0.01
_ATTEMPTS = 5


@dataclass
class KnownKro:
    """What a run has seen of the kro that it measures.

    Code that changes kro on purpose resets ``last``; there is one ``first`` for each variant.
    """

    first: Moment | None = None
    """kro when this run first saw its pods: how it is configured."""
    last: Moment | None = None


@dataclass(frozen=True)
class Observation:
    """What a monitor has observed."""

    first: Moment | None
    """The run's first observation of this kro."""
    moments: list[Moment]
    """From the end of the previous iteration."""


class Monitor:
    """Observes from entry until :meth:`finish`; an async context manager that never fails a run."""

    def __init__(
        self,
        client: KubeClient,
        clock: RunClock,
        target: Target,
        known: KnownKro,
        interval_seconds: float,
    ) -> None:
        self._client = client
        self._clock = clock
        self._target = target
        self._known = known
        self._interval_seconds = interval_seconds
        self._stack = AsyncExitStack()
        self._moments = [] if known.last is None else [known.last]

    async def __aenter__(self) -> Self:
        await self._look()
        await self._stack.enter_async_context(repeating(self._interval_seconds, self._look))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def finish(self) -> Observation:
        """Observe for the last time, and return all observations."""
        await self._stack.aclose()
        await self._look()
        return Observation(self._known.first, self._moments)

    async def _look(self) -> None:
        try:
            pods = await kro_pods(self._client, self._target)
            leader = await kro_leader(self._client, self._target)
        except KubeError as error:
            logger.warning("kro's pods could not be observed: %s", error)
            return
        moment = Moment(self._clock.now(), wall_clock_zero(self._clock), pods, leader)
        self._moments.append(moment)
        self._known.last = moment
        if self._known.first is None and pods:
            self._known.first = moment


def wall_clock_zero(clock: RunClock) -> float:
    """Return when the run's clock was zero, by the wall clock.

    The two are read one after the other, and again if this process was delayed in between.
    """
    zero = 0.0
    for _ in range(_ATTEMPTS):
        before = time.monotonic()
        zero = clock.zero_epoch_seconds()
        if time.monotonic() - before < _STEADY_SECONDS:
            break
    return zero
