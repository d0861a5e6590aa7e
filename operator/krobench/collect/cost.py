"""What sampling itself takes, as samples of the source ``krobench``."""

import time
from collections import Counter
from collections.abc import Iterator

from krobench.api.notation import labelled
from krobench.collect.source import Scrape
from krobench.figures.lines import SourceName

CPU_SECONDS = "collectors_cpu_seconds_total"
PROCESS_CPU_SECONDS = "process_cpu_seconds_total"


class Cost:
    """Counts scrapes, and the CPU time of the thread that makes them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._parse_seconds: dict[str, float] = {}

    def count(self, source: SourceName, scrape: Scrape) -> None:
        """Book a scrape that gave something."""
        of = {"source": source}
        self._counts[labelled("scrapes_total", of)] += 1
        self._counts[labelled("scraped_bytes_total", of)] += scrape.scraped_bytes
        name = labelled("parse_cpu_seconds_total", of)
        self._parse_seconds[name] = self._parse_seconds.get(name, 0.0) + scrape.parse_cpu_seconds

    def count_failure(self, source: SourceName) -> None:
        """Book a scrape that failed."""
        self._counts[labelled("failed_scrapes_total", {"source": source})] += 1

    def readings(self) -> Iterator[tuple[str, float]]:
        """Yield all counters; to be called in the thread whose CPU time is meant."""
        yield CPU_SECONDS, time.thread_time()
        # The whole load Job, of which the collectors are a part.
        yield PROCESS_CPU_SECONDS, time.process_time()
        yield from self._counts.items()
        yield from self._parse_seconds.items()
