"""Creating the instances of an iteration: in a closed loop, or in an open one."""

import asyncio
from collections.abc import Iterator, Sequence

from krobench.load.clock import RunClock
from krobench.load.concurrency import run_together
from krobench.load.driver import Driver
from krobench.load.observer import Observer
from krobench.workload.blueprint import Manifest
from krobench.workload.plan import RgdPlan

# Time to set all tasks up before the first request is due.
_LEAD_SECONDS = 0.05
_LEAD_SECONDS_PER_INSTANCE = 25e-6

Target = tuple[RgdPlan, str, Observer]
"""An RGD, the collection path of its kind, and the observer of its instances."""


async def closed_loop(driver: Driver, targets: Sequence[Target], concurrency: int) -> None:
    """Keep ``concurrency`` instances under way until all were created and became ready.

    Instances of the RGDs take turns. An instance that is refused is recorded as failed, and
    the loop goes on.
    """
    source = _take_turns(targets)

    async def work() -> None:
        for manifest, path, observer in source:
            followed = await driver.create(path, manifest, observer, "create-instance")
            if followed.record.error is None:
                await followed.ready

    await run_together(work() for _ in range(concurrency))


def from_now(schedule: Sequence[float], clock: RunClock) -> tuple[float, ...]:
    """Return the times of a schedule that is to begin now, on the run's clock."""
    origin = clock.now() + _LEAD_SECONDS + len(schedule) * _LEAD_SECONDS_PER_INSTANCE
    return tuple(origin + seconds for seconds in schedule)


async def open_loop(
    driver: Driver,
    targets: Sequence[Target],
    times: Sequence[float],
    clock: RunClock,
    max_in_flight: int,
) -> None:
    """Send each instance at its time, and wait until all became ready.

    No request waits for the answer to another, but beyond ``max_in_flight`` unanswered ones:
    what a server does not answer must not pile up in it without end. Repetitions of a request
    count as that request being unanswered.
    """
    gate = asyncio.Semaphore(max_in_flight)

    async def send(intended: float, manifest: Manifest, path: str, observer: Observer) -> None:
        await clock.sleep_until(intended)
        async with gate:
            followed = await driver.create(path, manifest, observer, "create-instance", intended)
        if followed.record.error is None:
            await followed.ready

    await run_together(
        send(intended, *instance)
        for intended, instance in zip(times, _take_turns(targets), strict=True)
    )


def _take_turns(targets: Sequence[Target]) -> Iterator[tuple[Manifest, str, Observer]]:
    longest = max(len(rgd.instances) for rgd, _, _ in targets)
    for position in range(longest):
        for rgd, path, observer in targets:
            if position < len(rgd.instances):
                yield rgd.instances[position], path, observer
