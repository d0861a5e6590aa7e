"""The clock by which everything in a run is timed."""

import asyncio
import time


class RunClock:
    """Seconds since the start of the run, on the monotonic clock of this process."""

    def __init__(self) -> None:
        self._origin = time.monotonic()

    def now(self) -> float:
        return time.monotonic() - self._origin

    async def sleep_until(self, moment: float) -> None:
        """Return at ``moment``, or as soon after it as the event loop can.

        The loop's timers have a resolution of a millisecond and may fire that much too early.
        """
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110 - a time is no event
            await asyncio.sleep(left)

    def zero_epoch_seconds(self) -> float:
        """Return when this clock was at zero, according to the node's wall clock now."""
        return time.time() - self.now()

    def of(self, monotonic: float) -> float:
        """Convert a value of ``time.monotonic()``."""
        return monotonic - self._origin
