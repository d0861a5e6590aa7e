"""The clock of a run, and the loops that send its operations: closed, or open.

``asyncio.TaskGroup`` would serve, were it not for Python before 3.11.5: a group that failed
leaves its task marked as being cancelled, and the next timeout then ends the whole program.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from krobench.kube.errors import KubeError
from krobench.workload.phases import PlannedOperation

logger = logging.getLogger(__name__)


ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


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
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110 - a time is not an event
            await asyncio.sleep(left)

    def zero_epoch_seconds(self) -> float:
        """Return when this clock was at zero, according to the node's wall clock now."""
        return time.time() - self.now()

    def of(self, monotonic: float) -> float:
        """Convert a value of ``time.monotonic()``."""
        return monotonic - self._origin


async def run_together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all; if one fails, cancel the others and raise its error."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        await cancel(*tasks)


async def at_most(
    most: int, work: Callable[[ItemT], Awaitable[ResultT]], items: Iterable[ItemT]
) -> list[ResultT]:
    """Do something with each item, with at most so many at once; return the results in order.

    The first error is raised, while the others go on.
    """
    gate = asyncio.Semaphore(most)

    async def one(item: ItemT) -> ResultT:
        async with gate:
            return await work(item)

    return await asyncio.gather(*map(one, items))


async def cancel(*tasks: "asyncio.Task[None]") -> None:
    """Cancel tasks, and wait until they have ended, however they end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def repeating(seconds: float, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do this again and again, with pauses of so many seconds, until the block ends.

    An error is logged and never fails the block: a run does not end for what is done beside it.
    """

    async def repeat() -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except KubeError as error:
                logger.warning("%s", error)
            except Exception:
                logger.exception("failed beside the run, and is tried again")

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


# Time to set all tasks up before the first request is due.
_LEAD_SECONDS = 0.05
_LEAD_SECONDS_PER_OPERATION = 25e-6

Send = Callable[[PlannedOperation, float | None], Awaitable[Awaitable[None] | None]]
"""Sends an operation, with its intended time in an open loop. Returns what to await until the
operation has taken effect, or None if it was refused."""


async def closed_loop(send: Send, operations: Sequence[PlannedOperation], concurrency: int) -> None:
    """Keep ``concurrency`` operations running until all have taken effect.

    An operation that is refused is recorded as failed, and the loop continues.
    """
    source = iter(operations)

    async def work() -> None:
        for operation in source:
            effect = await send(operation, None)
            if effect is not None:
                await effect

    await run_together(work() for _ in range(min(concurrency, len(operations))))


def from_now(schedule: Sequence[float], clock: RunClock) -> tuple[float, ...]:
    """Return the times of a schedule that begins now, on the run's clock."""
    origin = clock.now() + _LEAD_SECONDS + len(schedule) * _LEAD_SECONDS_PER_OPERATION
    return tuple(origin + seconds for seconds in schedule)


async def open_loop(
    send: Send,
    operations: Sequence[PlannedOperation],
    times: Sequence[float],
    clock: RunClock,
    max_in_flight: int,
) -> None:
    """Send each operation at its time, and wait until all have taken effect.

    A request waits for others only if ``max_in_flight`` are unanswered, so that requests do not
    pile up without end in a server that does not answer. A request that is retried counts as
    unanswered.
    """
    gate = asyncio.Semaphore(max_in_flight)

    async def at(intended: float, operation: PlannedOperation) -> None:
        await clock.sleep_until(intended)
        async with gate:
            effect = await send(operation, intended)
        if effect is not None:
            await effect

    await run_together(
        at(intended, operation) for intended, operation in zip(times, operations, strict=True)
    )
