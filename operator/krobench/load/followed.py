"""Objects that are waited for, each with the lines of its operations."""

import asyncio

from krobench.record.lines import ObjectRecord


class Pending:
    """An update of an object that is waited for."""

    def __init__(self, record: ObjectRecord) -> None:
        self.record = record
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.generation: int | None = None
        """Generation that the update made; None until it was answered."""

    def finish(self, seconds: float) -> None:
        """Note the moment from which the object was as the update wanted it."""
        if not self.done.done():
            self.record.ready_seconds = seconds
            self.done.set_result(None)


class Followed:
    """An object that is waited for; there may be many thousands, so it is kept small."""

    __slots__ = (
        "_gone",
        "_is_gone",
        "_ready_generation",
        "_ready_seconds",
        "_updates",
        "deletion",
        "generation",
        "problem",
        "ready",
        "record",
    )

    def __init__(self, record: ObjectRecord) -> None:
        self.record = record
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.deletion: ObjectRecord | None = None
        self.problem: str | None = None
        self.generation = 1
        """Of the latest spec that the API server took."""
        self._gone: asyncio.Future[None] | None = None
        self._is_gone = False
        self._updates: tuple[Pending, ...] = ()
        self._ready_generation = -1
        self._ready_seconds = 0.0

    def fail(self, error: Exception) -> None:
        """End the waiting with an error."""
        for future in (self.ready, *(update.done for update in self._updates)):
            if not future.done():
                future.set_exception(error)
                # Whoever waits sees it; where nobody does any more, it is not worth a warning.
                future.add_done_callback(lambda done: done.exception())

    def expect(self, update: Pending, generation: int) -> None:
        """Wait for this generation to be ready; the event that says so may have come already."""
        self.generation = update.generation = generation
        if self._ready_generation >= generation:
            update.finish(self._ready_seconds)
        else:
            self._updates = (*self._updates, update)

    def became_ready(self, generation: int, seconds: float) -> None:
        """Note that the object is ready with the spec of this generation."""
        if self.record.ready_seconds is None:
            self.record.ready_seconds = seconds
        if not self.ready.done():
            self.ready.set_result(None)
        if generation > self._ready_generation:
            self._ready_generation, self._ready_seconds = generation, seconds
        for update in self._updates:
            if update.generation is not None and generation >= update.generation:
                update.finish(seconds)
        self._updates = tuple(update for update in self._updates if not update.done.done())

    def became_gone(self, seconds: float) -> None:
        """Note that the object is not there any more."""
        self._is_gone = True
        if self.deletion is not None:
            self.deletion.gone_seconds = seconds
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    @property
    def is_gone(self) -> bool:
        """Whether the object has been deleted, by whomever."""
        return self._is_gone

    def when_gone(self) -> "asyncio.Future[None]":
        """Return what is done when the object is gone, for one who waits for that."""
        self._gone = asyncio.get_running_loop().create_future()
        if self._is_gone:
            self._gone.set_result(None)
        return self._gone
