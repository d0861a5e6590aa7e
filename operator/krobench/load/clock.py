"""The one clock by which everything in a run is timed."""

import time


class RunClock:
    """Seconds since the start of the run, on the monotonic clock of this process."""

    def __init__(self) -> None:
        self._origin = time.monotonic()

    def now(self) -> float:
        """Return the current time on this clock."""
        return time.monotonic() - self._origin

    def of(self, monotonic: float) -> float:
        """Convert a value of ``time.monotonic()``."""
        return monotonic - self._origin
