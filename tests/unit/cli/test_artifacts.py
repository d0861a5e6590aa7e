"""All files of a run for a CI system."""

import json
from pathlib import Path
from typing import Any

import pytest
from unit.controller.world import record

from krobench.cli import artifacts, sources
from krobench.cli.errors import CliError
from krobench.record.run import RunState


@pytest.fixture(autouse=True)
def without_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> tuple[list[Any], list[Any]]:
        return [], []

    monkeypatch.setattr(sources, "fetch_lines", none)


def test_every_file_is_written_and_can_be_read(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "artifacts"
    files = artifacts.write_artifacts(sources.FetchedRun(record(RunState.COMPLETED)), directory)
    assert sorted(files) == sorted(directory.iterdir())
    assert all(file.stat().st_size for file in files)
    for file in directory.glob("*.json"):
        json.loads(file.read_text())
    assert {"report.html", "report.md", "junit.xml"} <= {file.name for file in files}


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CliError, match="file"):
        artifacts.write_artifacts(
            sources.FetchedRun(record(RunState.COMPLETED)), tmp_path / "file" / "x"
        )
