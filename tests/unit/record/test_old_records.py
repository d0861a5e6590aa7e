"""What older versions stored stays readable; each file here was written by one of them."""

import json
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from krobench.analysis.comparison.compare import Side, compare
from krobench.analysis.comparison.estimates import condense
from krobench.analysis.comparison.rules import Rules
from krobench.analysis.figurenames import known_names
from krobench.figures.environment import Environment
from krobench.figures.renamed import RENAMED, RENAMED_PARTS, new_name
from krobench.findings.estimates import RunEstimates, TestEstimates
from krobench.record.baseline import Baseline, parse, to_json
from krobench.record.run import RunRecord
from krobench.record.store import read_objects, read_run_record, read_series
from krobench.record.v1 import BASELINE_V1, RUN_V1, upgrade
from krobench.report import junit, markdown

DATA = Path(__file__).parent / "data"
DOCS = Path(__file__).parents[3] / "docs"
RESULTS = DOCS / "reference" / "results.md"
GUIDE = DOCS / "how-to" / "read-results.md"


@pytest.fixture(params=sorted(DATA.glob("run-v1-*.json")), ids=lambda path: path.stem)
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
    again = estimates.model_copy(update={"id": "another"})
    comparison = compare(Side("old", [estimates]), Side("new", [again]), Rules())
    assert comparison.refused is None
    assert {metric.ratio for metric in comparison.primary if metric.ratio is not None} == {1.0}


def test_an_old_record_has_phases_where_it_had_steps(config_map: dict[str, Any]) -> None:
    raw = json.loads(config_map["data"]["run.json"])
    run = read_run_record(config_map)
    for test, was in zip(run.tests, raw["tests"], strict=True):
        assert [str(phase) for phase in test.phases] == was["steps"]
        for iteration, before in zip(test.iterations, was["iterations"], strict=True):
            done = [phase.counts.done for phase in iteration.phases]
            assert done == [step["counts"]["done"] for step in before["steps"]]
    lines = read_objects([config_map])
    assert {line.phase for line in lines} >= {None, 0}


def test_every_number_of_an_old_record_is_found_under_its_new_name(
    config_map: dict[str, Any],
) -> None:
    raw = json.loads(config_map["data"]["run.json"])
    run = read_run_record(config_map)
    compared = 0
    for test, was in zip(run.tests, raw["tests"], strict=True):
        pairs = [*zip(test.iterations, was["iterations"], strict=True)]
        for now, before in [*pairs, (test.summary, was["summary"])]:
            assert now is not None
            for old, value in old_numbers(before):
                name = new_name(old)
                assert name is not None, old
                # Of two names for one number, the one with more digits is kept.
                assert now.figures.root[name] == pytest.approx(value, abs=1e-6, rel=1e-9), old
                compared += 1
            lists = {name: len(parts) for name, parts in now.parts.root.items()}
            assert lists == {RENAMED_PARTS[old]: count for old, count in old_lists(before)}
    assert compared > 100


@pytest.mark.parametrize("old", [name for name in RENAMED if not name.endswith("PerSecond")])
def test_each_number_that_version_1_could_have_is_found_under_its_new_name(old: str) -> None:
    *groups, last = old.split(".")
    iteration: dict[str, Any] = {}
    at = iteration
    for group in groups:
        at = at.setdefault(group, {})
    at[last] = 7.25
    raw = {"schema": RUN_V1, "tests": [{"iterations": [iteration], "summary": deepcopy(iteration)}]}
    [test] = upgrade(raw)["tests"]
    assert test["iterations"][0]["figures"] == {RENAMED[old]: 7.25}
    assert test["summary"]["figures"] == {RENAMED[old]: 7.25}


def test_a_baseline_of_version_1_has_the_new_names() -> None:
    iteration = {
        "latency.instanceReady.p50": 0.5,
        "memory.residentMaxBytes": 7.0,
        "metrics.kro_cpu_seconds_per_instance": 0.25,
    }
    run = RunEstimates(
        id="a",
        name="web",
        namespace="n",
        start_time="2026-01-01T00:00:00Z",
        environment=Environment(krobench="0.1.0"),
        tests=[TestEstimates(name="web", workload={}, iterations=[iteration])],
    )
    raw = json.loads(to_json(Baseline(runs=[run]))) | {"schema": BASELINE_V1}
    read = parse(json.dumps(raw), "old.json")
    assert isinstance(read, Baseline)
    assert read.runs[0].tests[0].iterations == [
        {
            "latency.instanceReady.p50": 0.5,
            "kro.memory.residentBytes.max": 7.0,
            "perInstance.kro.cpu.seconds": 0.25,
        }
    ]


def test_a_baseline_that_calls_phases_steps_matches_a_run_of_today(
    config_map: dict[str, Any],
) -> None:
    stored = (DATA / "baselines" / "v2-with-steps.json").read_text()
    assert '"steps": "sha256:' in stored
    baseline = parse(stored, "old.json")
    assert isinstance(baseline, Baseline)
    run = condense(read_run_record(config_map)).model_copy(update={"id": "another"})
    assert "phases" in run.tests[1].workload
    comparison = compare(Side("old", baseline.runs), Side("new", [run]), Rules())
    assert comparison.refused is None
    assert comparison.differences == []


def old_numbers(of: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numbers of version 1 by their names in thresholds."""
    groups = ("cpu", "memory", "apiRequests", "metrics", "usage")
    for path, value in leaves({group: of.get(group, {}) for group in groups}):
        if isinstance(value, int | float):
            yield path, value


def old_lists(of: dict[str, Any]) -> Iterator[tuple[str, int]]:
    for path, value in leaves({"usage": of.get("usage", {})}):
        if isinstance(value, list) and value and path != "usage.kroRestarts":
            yield path, len(value)


def leaves(of: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in of.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def test_reasons_of_an_old_record_are_given_by_the_new_names(config_map: dict[str, Any]) -> None:
    sources = {"kro", "apiserver", "kubelet", "etcd", "krobench", "run"}
    for test in read_run_record(config_map).tests:
        for iteration in test.iterations:
            for name in iteration.unavailable:
                whole = any(f"{known}.".startswith(f"{name}.") for known in known_names())
                assert whole or name in sources or name in RENAMED_PARTS.values(), name


def test_pandas_opens_each_part_in_a_line_as_the_docs_say(
    config_map: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run.json").write_text(config_map["data"]["run.json"])
    for name, content in config_map["binaryData"].items():
        (tmp_path / name).write_bytes(b64decode(content))
    monkeypatch.chdir(tmp_path)
    opened: dict[str, Any] = {}
    exec(documented_code(RESULTS), opened)
    assert list(opened["tests"].index) == ["web-app", "steps"]
    assert opened["iterations"]["latency.instanceReady.p50Seconds"].notna().all()
    assert len(opened["objects"]) == len(read_objects([config_map]))
    assert {"seconds", "source", "metric", "value"} <= set(opened["series"].columns)
    exec(documented_code(RESULTS, 2), opened)
    assert_latencies_are_those_of_the_run(opened["ready"], read_run_record(config_map))
    assert opened["memory"].index.is_monotonic_increasing
    assert opened["memory"].min() > 2**20


def test_pandas_finds_the_latencies_of_a_run_as_the_guide_says(
    config_map: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "check_output", lambda command: json.dumps(config_map))
    opened: dict[str, Any] = {}
    exec(documented_code(GUIDE), opened)
    ready = opened["ready_seconds"].groupby(opened["made"].test).describe()
    assert_latencies_are_those_of_the_run(ready, read_run_record(config_map))


def assert_latencies_are_those_of_the_run(ready: Any, run: RunRecord) -> None:
    for test in run.tests:
        assert test.summary is not None
        expected = test.summary.latency.instance_ready
        assert expected is not None
        assert ready.loc[test.name, "count"] == expected.n
        assert ready.loc[test.name, "max"] == pytest.approx(expected.max_seconds, abs=1e-4)


def documented_code(document: Path, number: int = 1) -> str:
    """Return an example in Python of a document."""
    return document.read_text().split("```python\n")[number].partition("```")[0]
