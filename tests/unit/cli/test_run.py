from pathlib import Path
from typing import Any, Self

import pytest
from typer.testing import CliRunner, Result
from unit.controller.world import record

from krobench.cli import report as report_module
from krobench.cli import results as results_module
from krobench.cli import run as module
from krobench.cli.main import app
from krobench.cli.run import ExitCode, Finished, RunError, read_manifest, run_file
from krobench.model.record import RunState

GOOD = "kind: KroBenchmark\nmetadata: {name: x}\nspec: {tests: []}\n"


def test_a_file_with_one_benchmark_is_read_into_the_default_namespace(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(GOOD)
    assert read_manifest(path)["metadata"] == {"name": "x", "namespace": "default"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{GOOD}---\n{GOOD}", "holds 2 documents"),
        ("", "holds 0 documents"),
        ("kind: Pod\nmetadata: {name: x}\n", "must hold a KroBenchmark"),
        ("kind: KroBenchmark\n", "metadata.name"),
        ("kind: KroBenchmark\nmetadata:\nspec: {}\n", "metadata.name"),
        ("a: [", "b.yaml"),
    ],
)
def test_any_other_file_is_refused_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(text)
    with pytest.raises(RunError, match=words):
        read_manifest(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"none\.yaml"):
        read_manifest(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("Passed", ExitCode.PASSED),
        ("Failed", ExitCode.FAILED),
        ("Invalid", ExitCode.INVALID),
        ("Error", ExitCode.ERROR),
        (None, ExitCode.ERROR),
    ],
)
def test_the_exit_code_says_the_verdict(verdict: str | None, code: ExitCode) -> None:
    assert Finished("default", "x", {"verdict": verdict}).exit_code is code


class Undeletable:
    """A client for which nothing is ever gone."""

    def __init__(self, config: object) -> None:
        del config

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *args: object) -> None: ...

    async def delete(self, path: str) -> None: ...

    async def get(self, path: str) -> dict[str, Any]:
        return {"path": path}


def test_a_benchmark_that_does_not_go_is_not_said_to_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(GOOD)
    monkeypatch.setattr(module, "KubeClient", Undeletable)
    monkeypatch.setattr(module, "load_client_config", object)
    monkeypatch.setattr(module, "_DELETE_SECONDS", 0.01)
    with pytest.raises(RunError, match=r"^KroBenchmark x was not deleted within 0\.01s$"):
        run_file(path, 3600.0, replace=True)


def krobench(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were run; each run passes."""
    files: list[Path] = []

    def run(path: Path, timeout_seconds: float, *, replace: bool) -> Finished:
        del timeout_seconds, replace
        files.append(path)
        return Finished("default", "bench", {"verdict": "Passed"})

    monkeypatch.setattr(module, "run_file", run)
    for user in (results_module, report_module):
        monkeypatch.setattr(user, "fetch_run", lambda *_: record(RunState.COMPLETED))
    return files


def test_a_directory_that_is_missing_is_told_before_the_run(
    tmp_path: Path, started: list[Path]
) -> None:
    done = krobench("run", "--file=b.yaml", f"--junit={tmp_path}/none/out.xml")
    assert done.exit_code == ExitCode.ERROR
    assert "there is no directory" in done.output
    assert started == []


@pytest.mark.parametrize("option", ["junit", "markdown"])
def test_a_file_that_cannot_be_written_is_an_error_and_the_report_is_shown(
    tmp_path: Path, started: list[Path], option: str
) -> None:
    done = krobench("run", "--file=b.yaml", f"--{option}={tmp_path}")  # a directory
    assert done.exit_code == ExitCode.ERROR
    assert f"{tmp_path} was not written" in done.output
    assert "# default/bench: Passed" in done.output
    assert started == [Path("b.yaml")]


def test_a_report_that_cannot_be_written_is_an_error(tmp_path: Path, started: list[Path]) -> None:
    done = krobench("report", "bench", "--output", f"{tmp_path}/none/out.md")
    assert done.exit_code == ExitCode.ERROR
    assert "out.md was not written: No such file or directory" in done.output
    assert started == []
