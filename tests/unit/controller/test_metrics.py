"""What ``/metrics`` shows of runs."""

from typing import Any

from prometheus_client import CollectorRegistry
from unit.controller.world import SPECS

from krobench.api.kinds import RunKind
from krobench.controller.metrics import RunMetrics
from krobench.controller.runs import parse_run


def registry(*statuses: tuple[RunKind, dict[str, Any]]) -> CollectorRegistry:
    figures = []
    for number, (kind, status) in enumerate(statuses):
        metadata = {
            "name": f"run-{number}",
            "namespace": "default",
            "uid": str(number),
            "creationTimestamp": "2026-01-01T00:00:00Z",
        }
        item = {"metadata": metadata, "spec": SPECS[kind], "status": status}
        figures.append(parse_run(kind, item).figures)
    made = CollectorRegistry()
    made.register(RunMetrics(lambda: figures))
    return made


def test_runs_are_counted_by_kind_and_phase() -> None:
    shown = registry(
        (RunKind.BENCHMARK, {}),
        (RunKind.BENCHMARK, {"phase": "Completed"}),
        (RunKind.BENCHMARK, {"phase": "Completed"}),
        (RunKind.SCALE_TEST, {"phase": "Running"}),
    )
    counts = {
        (kind, phase): shown.get_sample_value("krobench_runs", {"kind": kind, "phase": phase})
        for kind, phase in (
            ("KroBenchmark", "Pending"),
            ("KroBenchmark", "Completed"),
            ("KroBenchmark", "Failed"),
            ("KroScaleTest", "Running"),
        )
    }
    assert list(counts.values()) == [1, 2, 0, 1]


def test_a_test_shows_its_figures_unless_they_are_invalid() -> None:
    test = {"name": "t", "phase": "Succeeded", "iterations": "1/1", "instanceReadyP50Seconds": 0.5}
    valid = {"phase": "Completed", "tests": [test | {"verdict": "Passed"}]}
    invalid = {"phase": "Completed", "tests": [test | {"verdict": "Invalid"}]}
    shown = registry((RunKind.BENCHMARK, valid), (RunKind.BENCHMARK, invalid))
    values = [
        shown.get_sample_value(
            "krobench_test_instance_ready_p50_seconds",
            {"namespace": "default", "name": name, "test": "t"},
        )
        for name in ("run-0", "run-1")
    ]
    assert values == [0.5, None]


def test_a_scale_test_shows_the_limit_that_it_found() -> None:
    found = {"phase": "Completed", "limit": {"text": "14", "state": "Found", "size": 14.0}}
    reached = {"phase": "Completed", "limit": {"text": "> 40", "state": "NotReached", "size": 40.0}}
    shown = registry((RunKind.SCALE_TEST, found), (RunKind.SCALE_TEST, reached))
    values = [
        shown.get_sample_value(
            "krobench_scale_limit", {"namespace": "default", "name": name, "axis": "instances"}
        )
        for name in ("run-0", "run-1")
    ]
    assert values == [14.0, None]
