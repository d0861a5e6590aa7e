from pathlib import Path

import pytest

from krobench.cli.run import ExitCode, Finished, RunError, read_manifest

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
