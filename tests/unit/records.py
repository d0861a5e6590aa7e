"""Records of which a test says no more than what it is about."""

from collections.abc import Mapping
from typing import Any

from krobench.figures.environment import Environment
from krobench.figures.rawdata import ObjectRecord
from krobench.figures.summaries import Counts, Figures, Latencies
from krobench.record.run import RunRecord
from krobench.record.test import IterationRecord, TestRecord, TestSummary

START = "2026-01-01T00:00:00Z"


def some_line(**changes: Any) -> ObjectRecord:
    """Return the line of an instance's creation, unless another operation is named."""
    fields: dict[str, Any] = {
        "test": "a",
        "iteration": 0,
        "warmup": False,
        "operation": "create-instance",
        "kind": "K",
        "name": "x",
        "sent_seconds": 0.0,
    }
    return ObjectRecord(**(fields | changes))


def figures(values: Mapping[str, float | None]) -> Figures:
    """Return figures by name; those that are None were not measured."""
    return Figures({name: value for name, value in values.items() if value is not None})


def some_iteration(**changes: Any) -> IterationRecord:
    """Return a measured iteration of a second, with a single instance."""
    fields: dict[str, Any] = {
        "index": 0,
        "warmup": False,
        "start_time": START,
        "end_time": "2026-01-01T00:00:01Z",
        "duration_seconds": 1.0,
        "success": True,
        "counts": Counts(requested=1),
    }
    return IterationRecord(**(fields | changes))


def some_summary(**changes: Any) -> TestSummary:
    """Return a summary in which nothing was measured."""
    fields: dict[str, Any] = {
        "iterations": 1,
        "latency": Latencies(),
        "duration_seconds": 1.0,
        "errors_total": 0,
    }
    return TestSummary(**(fields | changes))


def some_test(**changes: Any) -> TestRecord:
    """Return a test of one instance that has not begun."""
    fields: dict[str, Any] = {
        "name": "a",
        "workload": "single",
        "planned_iterations": 1,
        "planned_warmup": 0,
        "instances": 1,
        "rgds": 1,
        "concurrency": 1,
        "timeout_seconds": 60.0,
    }
    return TestRecord(**(fields | changes))


def some_run(*tests: TestRecord, **changes: Any) -> RunRecord:
    """Return a run under way with these tests."""
    fields: dict[str, Any] = {
        "id": "uid-1",
        "name": "bench",
        "namespace": "default",
        "generation": 1,
        "start_time": START,
        "spec": {},
        "environment": Environment(krobench="0"),
        "tests": list(tests),
    }
    return RunRecord(**(fields | changes))
