"""The primary metrics in the formats of tools that keep benchmarks over time."""

import re
from typing import Any

import pytest
from unit.controller.world import record

from krobench.figures.catalogue import THROUGHPUT
from krobench.findings.validity import LeftoverObjects, RequestsNotSent, Validity
from krobench.record.run import RunRecord, RunState
from krobench.record.test import IterationRecord
from krobench.report import trackers
from krobench.report.junit import render

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def measured(*p50s: float) -> RunRecord:
    run = record(RunState.COMPLETED)
    run.tests[0].iterations = [
        IterationRecord.model_validate(
            {
                "index": index,
                "warmup": False,
                "startTime": "2026-01-01T00:00:00Z",
                "endTime": "2026-01-01T00:00:09Z",
                "durationSeconds": 9.0,
                "success": True,
                "counts": {"requested": 3, "ready": 3},
                "latency": {"instanceReady": {"n": 3, "p50Seconds": p50}},
                "figures": {"perInstance.kro.cpu.seconds": 0.01, THROUGHPUT.name: 3.0},
            }
        )
        for index, p50 in enumerate(p50s)
    ]
    return run


@pytest.fixture
def run() -> RunRecord:
    return measured(1.0, 1.1, 1.2, 1.3)


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in numbers(each)]
    return [value] if isinstance(value, int | float) else []


def test_each_format_has_every_metric_of_the_run_once(run: RunRecord) -> None:
    entries = trackers.entries(run)
    assert {entry.metric for entry in entries} >= {"latency.instanceReady.p50"}
    items = trackers.perfdata(run)["dataItems"]
    assert [item["data"]["Mean"] for item in items] == [entry.value for entry in entries]
    smaller, bigger = (
        trackers.github_action(run, higher_is_better=better) for better in (False, True)
    )
    assert len(smaller) + len(bigger) == len(entries)
    assert all("throughput" in item["name"].lower() for item in bigger)
    measures = [each for test in trackers.bencher(run).values() for each in test]
    assert len(measures) == len(set(measures)) == len(entries)
    assert all(SLUG.fullmatch(measure) for measure in measures)


def test_an_interval_contains_the_value(run: RunRecord) -> None:
    [measures] = trackers.bencher(run).values()
    p50 = measures["latency-instance-ready-p50"]
    assert p50["lower_value"] < p50["value"] < p50["upper_value"]


def test_one_iteration_has_no_interval() -> None:
    run = measured(1.0)
    [measures] = trackers.bencher(run).values()
    assert measures["latency-instance-ready-p50"].keys() == {"value"}


def test_what_may_be_wrong_reaches_no_tracker(run: RunRecord) -> None:
    late = Validity.of([RequestsNotSent(sent=3, due=9)])
    test = run.tests[0].model_copy(update={"validity": late})
    assert trackers.entries(run.model_copy(update={"tests": [test]})) == []
    left = LeftoverObjects(runs=["other"], first="RGD/a", count=1)
    assert trackers.entries(run.model_copy(update={"causes": [left]})) == []


def test_a_test_case_has_the_metrics_as_numbers(run: RunRecord) -> None:
    values = re.findall(r'<property name="latency[^"]*" value="([^"]*)"', render(run))
    assert [float(value) for value in values]
