"""What a source of samples is."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from krobench.collect.exposition import Reading, Series, read
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, KubeError
from krobench.model.rawlines import SourceName

SCRAPE_TIMEOUT_SECONDS = 5.0


class SourceUnavailableError(Exception):
    """A source gave no samples; the message says why."""


@dataclass(frozen=True)
class Scrape:
    """What a source gave, and what that took."""

    readings: list[Reading]
    scraped_bytes: int = 0
    parse_cpu_seconds: float = 0.0


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


async def get_metrics(client: KubeClient, path: str, what: str, grant: str) -> str:
    """Read an exposition from the API server, or through it.

    Raises:
        SourceUnavailableError: saying ``what`` could not be read, and which right to ``grant``
            where one is missing.
    """
    try:
        return await client.get_text(path)
    except ApiError as error:
        hint = f"; grant {grant}" if error.forbidden else ""
        raise SourceUnavailableError(f"{what}: {error}{hint}") from error
    except KubeError as error:
        raise SourceUnavailableError(f"{what}: {error}") from error
