"""What a source of samples is."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from krobench.collect.exposition import Reading, Series, Tally, read
from krobench.figures.lines import SourceName
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, KubeError

SCRAPE_TIMEOUT_SECONDS = 5.0


class SourceUnavailableError(Exception):
    """A source gave no samples; the message says why."""


@dataclass(frozen=True)
class Scrape:
    """What a source gave, and what that took."""

    readings: list[Reading]
    scraped_bytes: int = 0
    parse_cpu_seconds: float = 0.0
    silent: Mapping[str, str] = field(default_factory=dict)
    """Parts of the source that gave nothing, and why."""


class Source(Protocol):
    """Something that can be sampled; all its methods are called in the collectors' own thread."""

    name: SourceName

    async def scrape(self) -> Scrape:
        """Return current readings.

        Raises:
            SourceUnavailableError: if it gives none.
        """

    async def close(self) -> None:
        """Close all connections."""


def parse(text: str, wanted: Iterable[Series]) -> Scrape:
    """Read an exposition, and note what that took.

    Raises:
        SourceUnavailableError: if it is none.
    """
    before = time.thread_time()
    try:
        readings = read(text, wanted)
    except ValueError as error:
        raise SourceUnavailableError(f"what was read is no exposition: {error}") from error
    return Scrape(readings, len(text), time.thread_time() - before)


async def scrape_through(
    client: KubeClient, path: str, what: str, grant: str, wanted: Iterable[Series]
) -> Scrape:
    """Read an exposition from the API server, or through it, as it comes in.

    Raises:
        SourceUnavailableError: saying ``what`` could not be read, and which right to ``grant``
            where one is missing.
    """
    try:
        return await read_through(client.chunks(path), wanted)
    except ApiError as error:
        hint = f"; grant {grant}" if error.forbidden else ""
        raise SourceUnavailableError(f"{what}: {error}{hint}") from error
    except KubeError as error:
        raise SourceUnavailableError(f"{what}: {error}") from error
    except ValueError as error:
        raise SourceUnavailableError(f"{what}: what was read is no exposition: {error}") from error


async def read_through(chunks: AsyncIterator[bytes], wanted: Iterable[Series]) -> Scrape:
    """Read an exposition as it comes in, and note what that took.

    Raises:
        ValueError: if it is none.
    """
    tally, rest = Tally(wanted), b""
    scraped_bytes, cpu_seconds = 0, 0.0
    async for chunk in chunks:
        before = time.thread_time()
        scraped_bytes += len(chunk)
        lines, newline, end = chunk.rpartition(b"\n")
        if newline:
            tally.feed((rest + lines).decode(errors="replace"))
            rest = end
        else:
            rest += chunk
        cpu_seconds += time.thread_time() - before
    tally.feed(rest.decode(errors="replace"))
    return Scrape(tally.readings(), scraped_bytes, cpu_seconds)
