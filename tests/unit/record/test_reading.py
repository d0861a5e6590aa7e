"""What cannot be read is refused in a sentence: where it is, what is wrong, what to do."""

import gzip
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from unit.analysis.comparison.runs import METRICS, run

from krobench.record import reading
from krobench.record.baseline import Baseline, parse, to_json
from krobench.record.reading import RecordError
from krobench.record.store import read_objects, read_run_record


@pytest.fixture
def record() -> dict[str, Any]:
    paths = sorted((Path(__file__).parent / "data").glob("*.json"))
    config_map = json.loads(paths[0].read_text())
    found: dict[str, Any] = json.loads(config_map["data"]["run.json"])
    return found


@pytest.fixture(autouse=True)
def this_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "__version__", "0.5.0")


def refusal_of(record: Any) -> str:
    config_map = {"metadata": {"name": "bench-results"}, "data": {"run.json": json.dumps(record)}}
    with pytest.raises(RecordError) as refused:
        read_run_record(config_map)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith("run.json in ConfigMap bench-results ")
    return str(refused.value)


def test_a_field_that_a_newer_version_added_is_named_with_both_versions(
    record: dict[str, Any],
) -> None:
    record["environment"]["krobench"] = "0.10.0"
    record["tests"][0]["iterations"][0]["weather"] = "fine"
    assert refusal_of(record) == (
        "run.json in ConfigMap bench-results was written by krobench 0.10.0, which is newer than "
        "this one (0.5.0), and has a field tests[0].iterations[0].weather, which this one does not "
        "know: use krobench 0.10.0, or a later one"
    )


def test_a_field_from_another_build_of_the_same_version_is_newer_too(
    record: dict[str, Any],
) -> None:
    record["environment"]["krobench"] = "0.5.0"
    record["weather"] = "fine"
    refused = refusal_of(record)
    assert "by a newer krobench than this one (0.5.0)" in refused
    assert "use the krobench that wrote it, or a later one" in refused


def test_a_value_that_a_newer_version_introduced_is_named(record: dict[str, Any]) -> None:
    record["environment"]["krobench"] = "1.0.0"
    record["state"] = "Paused"
    refused = refusal_of(record)
    assert "written by krobench 1.0.0" in refused
    assert "a value of state that this one does not know" in refused


def test_a_newer_schema_is_refused_by_its_name(record: dict[str, Any]) -> None:
    record["environment"]["krobench"] = "1.0.0"
    record["schema"] = "krobench.run/v3"
    refused = refusal_of(record)
    assert "written by krobench 1.0.0" in refused
    assert "has schema krobench.run/v3, which this one does not know" in refused


def test_damage_differs_from_a_newer_version(record: dict[str, Any]) -> None:
    record["environment"]["krobench"] = "0.4.9"
    del record["tests"][0]["name"]
    assert refusal_of(record) == (
        "run.json in ConfigMap bench-results is not a valid krobench.run/v1: its field "
        "tests[0].name is missing"
    )
    record["tests"][0]["name"] = "a"
    record["generation"] = "x"
    assert "its field generation is wrong: must be a valid integer" in refusal_of(record)
    record["generation"] = 1
    record["tests"][0]["nmae"] = "a"
    assert "it has a field tests[0].nmae, which no krobench writes" in refusal_of(record)
    assert "it is wrong" in refusal_of([])


def test_invalid_json_is_refused_with_its_position() -> None:
    config_map = {"metadata": {"name": "r"}, "data": {"run.json": "{"}}
    with pytest.raises(RecordError, match=r"run.json in ConfigMap r is not valid JSON: .*line 1"):
        read_run_record(config_map)


@pytest.mark.parametrize(
    ("version", "by"),
    [("0.1.0", "a newer krobench than this one"), ("0.7.1", "krobench 0.7.1, which is newer")],
)
def test_a_baseline_of_a_newer_version_is_refused_likewise(version: str, by: str) -> None:
    # Who exported a baseline is not in it: its runs may be older than that.
    baseline = json.loads(to_json(Baseline(runs=[run("a", [{METRICS[0]: 1.0}])])))
    baseline["runs"][0]["environment"]["krobench"] = version
    baseline["runs"][0]["weather"] = "fine"
    with pytest.raises(RecordError) as refused:
        parse(json.dumps(baseline), "old.json")
    assert str(refused.value).startswith(f"old.json was written by {by}")
    assert "runs[0].weather" in str(refused.value)


def test_a_newer_schema_of_a_baseline_is_refused_likewise() -> None:
    with pytest.raises(RecordError, match=r"x was written by a newer krobench .*baseline/v9"):
        parse('{"schema": "krobench.baseline/v9"}', "x")


def test_lines_with_a_column_that_is_not_known_or_damaged_are_refused_likewise() -> None:
    def config_map(content: bytes) -> dict[str, Any]:
        binary = {"objects.jsonl.gz": b64encode(content).decode()}
        return {"metadata": {"name": "r-1"}, "binaryData": binary}

    line = {"test": "a", "iteration": 0, "warmup": False, "operation": "create-instance",
            "kind": "K", "namespace": "n", "name": "x", "weather": 1}  # fmt: skip
    whole = gzip.compress(json.dumps(line).encode())
    with pytest.raises(RecordError, match=r"objects\.jsonl\.gz in ConfigMap r-1 .*newer.*weather"):
        read_objects([config_map(whole)])
    with pytest.raises(RecordError, match=r"objects\.jsonl\.gz in ConfigMap r-1 cannot be read"):
        read_objects([config_map(whole[:-8])])
