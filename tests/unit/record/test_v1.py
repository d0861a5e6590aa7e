"""Sentences that krobench.run/v1 stored are quoted as they are."""

import json
from pathlib import Path
from typing import Any

import pytest

from krobench.record.reading import read_as
from krobench.record.run import RunRecord
from krobench.report.markdown import render

DATA = Path(__file__).parent / "data" / "run-v1-2026-11.json"
CAUSE = {"reason": "GeneratorLate", "message": "the cause in words"}
EVIDENCE = {
    "figure": "use of it",
    "value": 0.9,
    "unit": "ratio",
    "expected": "above 80 %",
    "speaksFor": False,
}


@pytest.fixture
def raw() -> dict[str, Any]:
    run: dict[str, Any] = json.loads(json.loads(DATA.read_text())["data"]["run.json"])
    assert run["schema"] == "krobench.run/v1"
    return run


def test_sentences_are_read_as_findings_and_printed_as_they_are(raw: dict[str, Any]) -> None:
    test = raw["tests"][0]
    raw["causes"] = [CAUSE]
    raw["validity"] = {"valid": False, "causes": [CAUSE]}
    test["iterations"][0]["validity"] = {"valid": False, "causes": [CAUSE]}
    test["iterations"][0]["steadyState"] = {"observations": 9, "message": "steady in words"}
    test["steadyState"] = {"observations": 3, "message": "the steady state in words"}
    test["headline"] = {"iterations": 1, "meanSeconds": 1.0}
    test["stop"] = {"reason": "MaxIterations", "message": "the stop in words"}
    test["thresholds"] = [
        {"expression": "errors.total == 0", "passed": None, "message": "undecided in words"}
    ]
    test["attribution"] = {
        "bottlenecks": [
            {"kind": "Etcd", "score": 0.5, "message": "the bottleneck", "evidence": [EVIDENCE]}
        ],
        "unavailable": {"KroCPU": "unavailable in words"},
    }
    raw["recommendations"] = [
        {
            "title": "The title",
            "area": "Cluster",
            "expectedEffect": "The effect.",
            "confidence": "High",
            "source": "the source",
            "evidence": [EVIDENCE],
            "verification": {"verdict": None, "metric": "m", "message": "not tried in words"},
        }
    ]

    run = read_as(RunRecord, raw, "here")

    assert {cause.code for cause in run.causes} == {"Quoted"}
    assert run.tests[0].iterations[0].validity.causes[0].reason == "GeneratorLate"
    text = render(run)
    for words in (
        "**GeneratorLate**: the cause in words",
        "Steady state: the steady state in words.",
        "MaxIterations: the stop in words.",
        "undecided in words",
        "the bottleneck",
        "| use of it | 90 % | above 80 % | no |",
        "unavailable in words",
        "1. The title",
        "**Expected**: The effect.",
        "from: the source.",
        "- use of it: 90 % (above 80 %); contradicts it",
        "**Not verified**: not tried in words",
    ):
        assert words in text


def test_a_record_of_this_version_is_read_as_it_is_written(raw: dict[str, Any]) -> None:
    run = read_as(RunRecord, raw, "here")
    again = read_as(RunRecord, run.model_dump(by_alias=True, mode="json"), "here")
    assert again == run
