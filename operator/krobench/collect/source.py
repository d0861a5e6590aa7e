"""Sources of samples, and reading their expositions."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from krobench.collect.exposition import Reading, Series, Tally
from krobench.figures.catalogue import metrics_of
from krobench.figures.figure import Groups, Labels
from krobench.figures.rawdata import SourceName
from krobench.figures.reasons.sources import (
    Exposition,
    InvalidFormat,
    NotReadable,
    SourceReason,
)
from krobench.kube.client import KubeClient
from krobench.kube.errors import ApiError, KubeError

SCRAPE_TIMEOUT_SECONDS = 5.0
_MAX_EXPOSITION_BYTES = 256 << 20
"""That of an API server with many kinds has tens of megabytes."""
HEADERS = {"Accept-Encoding": "identity"}
"""Unpacked: packing would cost the program that is measured CPU time."""


class SourceUnavailableError(Exception):
    """A source gave no samples."""

    def __init__(self, reason: SourceReason) -> None:
        super().__init__(repr(reason))
        self.reason = reason


class ExpositionError(Exception):
    """Not a readable exposition; the message says why, without quoting it."""


@dataclass(frozen=True)
class Scrape:
    """The readings of a source, and the cost of reading them."""

    readings: list[Reading]
    scraped_bytes: int = 0
    parse_cpu_seconds: float = 0.0
    silent: Mapping[str, SourceReason] = field(default_factory=dict)
    """Parts of the source that gave nothing, and why."""


def lines_of(source: SourceName, own: Groups = frozenset()) -> tuple[Series, ...]:
    """Return the series that the catalogue of figures reads from a source.

    Kinds in the API groups ``own`` are the test's. An older name of a metric is read as well.
    """
    lines: dict[tuple[object, ...], Series] = {}
    for metric in metrics_of(source):
        split = None if metric.by is None else partial(_kept_apart, metric.by, own)
        line = Series(metric.name, metric.match, metric.exclude, metric.stored_as, split)
        distinct = (metric.key, metric.name, metric.by is None)
        lines.setdefault(distinct, line)
        if metric.older is not None:
            lines.setdefault((metric.older,), replace(line, metric=metric.older, name=None))
    return tuple(lines.values())


def _kept_apart(by: Callable[[Labels, Groups], Labels], own: Groups, labels: Labels) -> Labels:
    return by(labels, own)


def with_present_names(scrape: Scrape, source: SourceName) -> Scrape:
    """Return the scrape with metrics of an older version under its current names."""
    names = {m.older: m.key for m in metrics_of(source) if m.older is not None}
    by_key = {reading.key: reading for reading in scrape.readings}
    older = {key: by_key.pop(key) for key in names if key in by_key}
    for key, reading in older.items():
        by_key.setdefault(names[key], replace(reading, key=names[key]))
    return replace(scrape, readings=list(by_key.values()))


class Source(Protocol):
    """Something that can be sampled; all its methods are called in the collectors' own thread."""

    name: SourceName

    async def scrape(self) -> Scrape:
        """Return current readings.

        Raises:
            SourceUnavailableError: if there are none.
        """

    async def close(self) -> None:
        """Close all connections."""


async def scrape_through(
    client: KubeClient,
    path: str,
    wanted: Iterable[Series],
    exposition: Exposition,
    at: str | None = None,
) -> Scrape:
    """Read an exposition from the API server, or through it, as it arrives.

    Raises:
        SourceUnavailableError: if it could not be read.
    """
    try:
        return await read_through(client.chunks(path), wanted)
    except KubeError as error:
        forbidden = isinstance(error, ApiError) and error.forbidden
        raise SourceUnavailableError(
            NotReadable(exposition=exposition, at=at, forbidden=forbidden, detail=str(error))
        ) from error
    except ExpositionError as error:
        raise SourceUnavailableError(
            InvalidFormat(exposition=exposition, at=at, detail=str(error))
        ) from error


async def read_through(chunks: AsyncIterator[bytes], wanted: Iterable[Series]) -> Scrape:
    """Read an exposition as it arrives, and measure the cost.

    Raises:
        ExpositionError: if it is not in Prometheus' text format, or too large.
    """
    tally, rest = Tally(wanted), b""
    scraped_bytes, cpu_seconds = 0, 0.0
    async for chunk in chunks:
        before = time.thread_time()
        scraped_bytes += len(chunk)
        if scraped_bytes > _MAX_EXPOSITION_BYTES:
            raise ExpositionError(f"more than {_MAX_EXPOSITION_BYTES >> 20} MiB of metrics")
        lines, newline, end = chunk.rpartition(b"\n")
        if newline:
            _feed(tally, rest + lines)
            rest = end
        else:
            rest += chunk
        cpu_seconds += time.thread_time() - before
    _feed(tally, rest)
    return Scrape(tally.readings(), scraped_bytes, cpu_seconds)


def _feed(tally: Tally, lines: bytes) -> None:
    try:
        tally.feed(lines.decode(errors="replace"))
    except ValueError as error:
        # Without the line: what else may be at the address is nobody's business.
        raise ExpositionError("a line is not a sample") from error
