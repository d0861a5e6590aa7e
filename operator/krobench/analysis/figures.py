"""Figures of an iteration that are compared between tests of different size or content."""

from dataclasses import dataclass

from krobench.figures.catalogue import (
    API_SERVER_CPU_SECONDS,
    KRO_ALLOCATED,
    KRO_CPU_SECONDS,
    KRO_GOROUTINES,
    KRO_LIVE_HEAP,
    KRO_REQUESTS,
    KRO_RESIDENT,
    KRO_WATCHED_KINDS,
)
from krobench.figures.figure import Figure
from krobench.figures.latencies import latency_of
from krobench.findings.slope import SlopeUnit
from krobench.record.iteration import IterationRecord
from krobench.record.test import TestRecord


@dataclass(frozen=True)
class Compared:
    """A figure, or the median of a latency, of each iteration."""

    name: str
    unit: SlopeUnit
    of: Figure | str
    """A line of the catalogue, or the name of a latency."""
    of_each: bool = False
    """Whether it grows with each instance, so that it can be shared out among them."""

    def value(self, iteration: IterationRecord) -> float | None:
        """Return its value; None if it was not measured."""
        if isinstance(self.of, Figure):
            return iteration.figures[self.of]
        latency = latency_of(iteration.latency, self.of)
        return None if latency is None else latency.p50_seconds


def values_of(test: TestRecord, figure: Compared) -> list[float]:
    """Return the figure of each measured iteration that has it."""
    each = (figure.value(i) for i in test.iterations if not i.warmup and i.success)
    return [value for value in each if value is not None]


LIVE_HEAP = Compared("kro live heap", "bytes", KRO_LIVE_HEAP)
RESIDENT = Compared("kro resident memory, max", "bytes", KRO_RESIDENT.max)
GOROUTINES = Compared("kro goroutines, max", "number", KRO_GOROUTINES.max)
WATCHED_KINDS = Compared("kinds watched by kro", "number", KRO_WATCHED_KINDS.max)
SET_UP_CPU = Compared("kro CPU time, set-up", "seconds", KRO_CPU_SECONDS.set_up)
SET_UP_REQUESTS = Compared("API requests by kro, set-up", "number", KRO_REQUESTS.set_up)
CPU = Compared("kro CPU time", "seconds", KRO_CPU_SECONDS, of_each=True)
REQUESTS = Compared("API requests by kro", "number", KRO_REQUESTS, of_each=True)
ALLOCATED = Compared("allocated by kro", "bytes", KRO_ALLOCATED, of_each=True)
SERVER_CPU = Compared("API server CPU time", "seconds", API_SERVER_CPU_SECONDS, of_each=True)
READY = Compared("instance ready p50", "seconds", "instanceReady")
RGD_READY = Compared("RGD ready p50", "seconds", "rgdReady")
