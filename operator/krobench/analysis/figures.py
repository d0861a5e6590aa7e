"""Figures of an iteration that are compared between tests of different size or content."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from krobench.findings.slope import SlopeUnit
from krobench.record.iteration import IterationRecord
from krobench.record.test import TestRecord


@dataclass(frozen=True)
class Figure:
    """A number of each iteration; None where it was not measured."""

    name: str
    unit: SlopeUnit
    value: Callable[[IterationRecord, TestRecord], float | None]
    of_each: bool = False
    """Whether it grows with each instance, so that it can be shared out among them."""


def values_of(test: TestRecord, figure: Figure) -> list[float]:
    """Return the figure of each measured iteration that has it."""
    return [value for value in _each(test, figure) if value is not None]


def _each(test: TestRecord, figure: Figure) -> Iterable[float | None]:
    return (figure.value(i, test) for i in test.iterations if not i.warmup and i.success)


def _set_up(each: float | None, test: TestRecord) -> float | None:
    return None if each is None else each * test.rgds


LIVE_HEAP = Figure("kro live heap", "bytes", lambda i, _: i.usage.kro_runtime.live_heap_bytes)
RESIDENT = Figure("kro resident memory, max", "bytes", lambda i, _: i.usage.kro.resident_bytes.max)
GOROUTINES = Figure(
    "kro goroutines, max", "number", lambda i, _: i.usage.kro_runtime.goroutines.max
)
WATCHED_KINDS = Figure("kinds watched by kro", "number", lambda i, _: i.usage.kro_informers.max)
SET_UP_CPU = Figure(
    "kro CPU time, set-up",
    "seconds",
    lambda i, test: _set_up(i.usage.per_rgd.kro_cpu_seconds, test),
)
SET_UP_REQUESTS = Figure(
    "API requests by kro, set-up",
    "number",
    lambda i, test: _set_up(i.usage.per_rgd.kro_api_requests, test),
)
CPU = Figure("kro CPU time", "seconds", lambda i, _: i.cpu.kro_seconds, of_each=True)
REQUESTS = Figure("API requests by kro", "number", lambda i, _: i.api_requests.kro, of_each=True)
ALLOCATED = Figure(
    "allocated by kro", "bytes", lambda i, _: i.usage.kro_runtime.allocated_bytes, of_each=True
)
SERVER_CPU = Figure(
    "API server CPU time",
    "seconds",
    lambda i, _: i.usage.api_server_process.cpu_seconds,
    of_each=True,
)
READY = Figure(
    "instance ready p50",
    "seconds",
    lambda i, _: None if i.latency.instance_ready is None else i.latency.instance_ready.p50_seconds,
)
RGD_READY = Figure(
    "RGD ready p50",
    "seconds",
    lambda i, _: None if i.latency.rgd_ready is None else i.latency.rgd_ready.p50_seconds,
)
