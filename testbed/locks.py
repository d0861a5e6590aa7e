"""Locks between processes: two users of one machine must not build or start twice at once."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.steps import say


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file; it is free again when this process ends, however that happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another testbed command that holds {path}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
