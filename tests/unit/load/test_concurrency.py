import asyncio

import pytest

from krobench.load.concurrency import run_together


async def test_the_first_error_ends_the_others_and_is_raised_as_it_is() -> None:
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        await run_together([wait(), fail()])
    assert ended.is_set()


async def test_a_timeout_after_a_failure_is_a_timeout_and_no_cancellation() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("failed before")

    with pytest.raises(ValueError, match="failed before"):
        await run_together([fail()])
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await run_together([asyncio.sleep(60)])
