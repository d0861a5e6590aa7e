"""Running coroutines side by side.

``asyncio.TaskGroup`` would serve, were it not for Python before 3.11.5: a group that failed
leaves its task marked as being cancelled, and the next timeout then ends the whole program.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from krobench.load.clock import RunClock
from krobench.workload.steps import PlannedOperation


async def run_together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all; the first that fails ends the others, and its error is raised."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# Time to set all tasks up before the first request is due.
_LEAD_SECONDS = 0.05
_LEAD_SECONDS_PER_OPERATION = 25e-6

Send = Callable[[PlannedOperation, float | None], Awaitable[Awaitable[None] | None]]
"""Sends an operation, with its intended time in an open loop; returns what to wait for until it
has had its effect, or None where it was refused."""


async def closed_loop(send: Send, operations: Sequence[PlannedOperation], concurrency: int) -> None:
    """Keep ``concurrency`` operations under way until all have had their effect.

    One that is refused is recorded as failed, and the loop goes on.
    """
    source = iter(operations)

    async def work() -> None:
        for operation in source:
            effect = await send(operation, None)
            if effect is not None:
                await effect

    await run_together(work() for _ in range(min(concurrency, len(operations))))


def from_now(schedule: Sequence[float], clock: RunClock) -> tuple[float, ...]:
    """Return the times of a schedule that is to begin now, on the run's clock."""
    origin = clock.now() + _LEAD_SECONDS + len(schedule) * _LEAD_SECONDS_PER_OPERATION
    return tuple(origin + seconds for seconds in schedule)


async def open_loop(
    send: Send,
    operations: Sequence[PlannedOperation],
    times: Sequence[float],
    clock: RunClock,
    max_in_flight: int,
) -> None:
    """Send each operation at its time, and wait until all have had their effect.

    No request waits for the answer to another, but beyond ``max_in_flight`` unanswered ones:
    what a server does not answer must not pile up in it without end. Repetitions of a request
    count as that request being unanswered.
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
