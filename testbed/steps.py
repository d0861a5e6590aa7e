"""Named steps with their expected and actual times, so that a long wait explains itself."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Write progress. It goes to stderr: stdout carries results for scripts."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def step(name: str, cold_seconds: float) -> Iterator[None]:
    """Announce a step with its time on a cold machine, then say what it really took."""
    say(f"==> {name} (cold: about {_duration(cold_seconds)})")
    started = time.monotonic()
    yield
    say(f"    {_duration(time.monotonic() - started)}")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
