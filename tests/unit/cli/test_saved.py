"""Runs in files: what a pipeline keeps, kubectl prints, or a store holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from unit.cli.test_export import stored

from krobench.api.yaml import dump
from krobench.cli.errors import CliError
from krobench.cli.main import app
from krobench.cli.report import page_of
from krobench.cli.saved import read_saved, saved_path
from krobench.figures.profile import ProfileFile
from krobench.record.store import OBJECTS_KEY, SERIES_KEY


def config_map(name: str = "old-record-results") -> dict[str, Any]:
    [item] = stored().config_maps
    return {"apiVersion": "v1", "kind": "ConfigMap", **item, "metadata": {"name": name}}


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content) if path.suffix == ".json" else dump(content))
    return path


@pytest.mark.parametrize("name", ["results.json", "results.yaml"])
@pytest.mark.parametrize("in_list", [False, True])
def test_a_config_map_has_the_raw_lines_too(tmp_path: Path, name: str, in_list: bool) -> None:
    content = {"kind": "List", "items": [config_map()]} if in_list else config_map()
    run = read_saved(written(tmp_path / name, content))
    assert run.record.name == stored().record.name
    assert run.lines() == stored().lines()


def test_files_in_several_config_maps_are_put_together(tmp_path: Path) -> None:
    main = config_map()
    content = json.loads(main["data"]["run.json"])
    moved = {SERIES_KEY: main["binaryData"].pop(SERIES_KEY)}
    second = {"kind": "ConfigMap", "metadata": {"name": "second"}, "binaryData": moved}
    content["parts"] = {OBJECTS_KEY: [main["metadata"]["name"]], SERIES_KEY: ["second"]}
    main["data"]["run.json"] = json.dumps(content)
    path = written(tmp_path / "both.json", {"kind": "List", "items": [second, main]})
    assert read_saved(path).lines() == stored().lines()


def test_a_directory_holds_what_a_store_does(tmp_path: Path) -> None:
    written(tmp_path / "run.json", json.loads(config_map()["data"]["run.json"]))
    path = saved_path(str(tmp_path))
    assert path is not None
    assert read_saved(path).lines() == ([], [])
    (tmp_path / OBJECTS_KEY).write_bytes(stored().file(OBJECTS_KEY))
    assert read_saved(path).lines() == (stored().lines()[0], [])


def test_a_profile_that_was_not_saved_is_named_and_the_report_does_without(tmp_path: Path) -> None:
    content = json.loads(config_map()["data"]["run.json"])
    key = ProfileFile.CPU.key(content["tests"][0]["name"])
    content["parts"] = {key: ["elsewhere"]}
    written(tmp_path / "run.json", content)
    kept = config_map()
    kept["data"]["run.json"] = json.dumps(content)
    for source in (tmp_path / "run.json", written(tmp_path / "results.json", kept)):
        with pytest.raises(CliError, match="is not in"):
            read_saved(source).file(key)
        assert page_of(read_saved(source))


def test_the_report_of_a_file_needs_no_cluster(tmp_path: Path) -> None:
    path = written(tmp_path / "results.yaml", config_map())
    page = tmp_path / "page.html"
    result = CliRunner().invoke(app, ["report", str(path), "-o", str(page)])
    assert result.exit_code == 0, result.output
    assert stored().record.name in page.read_text()


def test_names_of_runs_are_no_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick").mkdir()
    assert saved_path("quick") is None
    assert saved_path("kroscaletest/default/quick") is None


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("none.json", {"kind": "List", "items": []}, "none.json"),
        ("two.json", {"items": [config_map("a"), config_map("b")]}, "2 ConfigMaps"),
        ("other.json", {"kind": "ConfigMap", "metadata": {"name": "a"}}, "0 ConfigMaps"),
        ("list.json", [], "list.json"),
        ("text.yaml", "text", "text.yaml"),
    ],
)
def test_what_is_not_one_run_is_refused(tmp_path: Path, name: str, content: Any, why: str) -> None:
    with pytest.raises(CliError, match=why):
        read_saved(written(tmp_path / name, content))


def test_a_file_that_does_not_exist_is_not_taken_for_a_run() -> None:
    with pytest.raises(CliError, match="no such file"):
        saved_path("missing/run.json")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"name: ar\xe9na", b"\x80\x80"])
def test_a_file_in_another_encoding_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bench.yaml"
    path.write_bytes(content)
    result = CliRunner().invoke(app, ["generate", "-f", str(path)])
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
