"""Running coroutines side by side.

``asyncio.TaskGroup`` would serve, were it not for Python before 3.11.5: a group that failed
leaves its task marked as being cancelled, and the next timeout then ends the whole program.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def run_together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all; the first that fails ends the others, and its error is raised."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
