"""What older versions stored stays readable; each file here was written by one of them."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from krobench.analysis.comparison.compare import Side, compare
from krobench.analysis.comparison.estimates import condense
from krobench.analysis.comparison.rules import Rules
from krobench.record.store import read_objects, read_run_record, read_series
from krobench.report import junit, markdown

DATA = Path(__file__).parent / "data"
DOCS = Path(__file__).parents[3] / "docs" / "results.md"


@pytest.fixture(params=sorted(DATA.glob("*.json")), ids=lambda path: path.stem)
def config_map(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.param.read_text())
    return found


def test_an_old_record_is_read_reported_and_compared(config_map: dict[str, Any]) -> None:
    run = read_run_record(config_map)
    assert run.tests[0].summary is not None
    assert f"# default/{run.name}: {run.verdict}" in markdown.render(run)
    assert "<testsuite" in junit.render(run)
    objects = read_objects([config_map])
    assert any(line.ready_seconds is not None for line in objects)
    assert {sample.source for sample in read_series([config_map])} >= {"kro", "apiserver"}
    estimates = condense(run)
    assert all(len(test.iterations) >= 1 for test in estimates.tests)
    comparison = compare(Side("old", [estimates]), Side("new", [estimates]), Rules())
    assert comparison.refused is None
    assert {metric.ratio for metric in comparison.primary if metric.ratio is not None} == {1.0}


def test_pandas_opens_each_part_in_a_line_as_the_docs_say(
    config_map: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run.json").write_text(config_map["data"]["run.json"])
    for name, content in config_map["binaryData"].items():
        (tmp_path / name).write_bytes(b64decode(content))
    monkeypatch.chdir(tmp_path)
    opened: dict[str, Any] = {}
    exec(documented_code(), opened)
    assert list(opened["tests"].index) == ["web-app", "steps"]
    assert opened["iterations"]["latency.instanceReady.p50Seconds"].notna().all()
    assert len(opened["objects"]) == len(read_objects([config_map]))
    assert {"seconds", "source", "metric", "value"} <= set(opened["series"].columns)
    latencies = opened["objects"]["readySeconds"] - opened["objects"]["sentSeconds"]
    assert (latencies.dropna() > 0).all()


def documented_code() -> str:
    """Return the first example in Python of docs/results.md."""
    return DOCS.read_text().partition("```python\n")[2].partition("```")[0]
