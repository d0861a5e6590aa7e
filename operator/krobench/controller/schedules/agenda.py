"""Which schedules to look at, so that those for which nothing has changed cost nothing."""

import heapq
from datetime import datetime


class Agenda:
    """Schedules by their UIDs: those to look at now, and when to look at others."""

    def __init__(self) -> None:
        self._now: set[str] = set()
        self._at: dict[str, datetime | None] = {}
        self._times: list[tuple[datetime, str]] = []
        """A heap; times that are not in ``_at`` any more are skipped."""
        self._clock: datetime | None = None

    def note(self, uid: str) -> None:
        """Look at a schedule as soon as possible, as something has changed."""
        self._now.add(uid)

    def plan(self, uid: str, at: datetime | None) -> None:
        """Look at a schedule again at this time, or only after something has changed."""
        self._now.discard(uid)
        if at is not None and self._at.get(uid) != at:
            heapq.heappush(self._times, (at, uid))
        self._at[uid] = at

    def drop(self, uid: str) -> None:
        """Forget a schedule."""
        self._now.discard(uid)
        self._at.pop(uid, None)

    def due(self, now: datetime) -> list[str]:
        """Return what to look at now. It stays due until it is planned or dropped."""
        if self._clock is not None and now < self._clock:
            self._now.update(self._at)  # the clock went back, so no planned time is right
        self._clock = now
        while self._times and self._times[0][0] <= now:
            at, uid = heapq.heappop(self._times)
            if self._at.get(uid) == at:
                self._now.add(uid)
        return sorted(self._now)
