"""A kro from a release, from a working tree and from a commit."""

import subprocess
from pathlib import Path

import pytest

from testbed import build, cli
from testbed.errors import SetupError
from testbed.krosource import Commit, Release, WorkingTree
from testbed.paths import Cache

MAIN = "package main\n\nfunc main() {}\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Something small in the shape of kro's source."""
    root = tmp_path / "kro"
    write(root, "go.mod", "module example.test/kro\n\ngo 1.26\n")
    write(root, "cmd/controller/main.go", MAIN)
    write(root, "helm/Chart.yaml", "name: kro\nversion: 0.0.0\nappVersion: 0.0.0\n")
    write(root, ".gitignore", "bin/\n")
    git(root, "init", "-q")
    commit(root)
    git(root, "tag", "v0.9.4")
    return root


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def git(root: Path, *arguments: str) -> None:
    options = ("-c", "user.name=a", "-c", "user.email=a@example.test")
    subprocess.run(["git", "-C", str(root), *options, *arguments], check=True)


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-qm", "a change")


def test_a_tree_is_named_by_its_commit_until_it_is_changed(tree: Path) -> None:
    clean = WorkingTree(tree).version
    assert clean.startswith("0.9.4-0-g")
    write(tree, "bin/controller", "what git ignores")
    assert WorkingTree(tree).version == clean
    write(tree, "new.go", "package kro\n")
    with_file = WorkingTree(tree).version
    write(tree, "cmd/controller/main.go", MAIN + "// changed\n")
    changed = WorkingTree(tree).version
    assert len({clean, with_file, changed}) == 3
    assert changed.startswith(f"{clean}-changed.")
    assert Commit(tree, "HEAD").version == clean


def test_a_release_and_the_commit_of_its_tag_are_told_apart(tree: Path) -> None:
    assert Commit(tree, "v0.9.4").version != Release("0.9.4").version


def test_a_commit_is_built_whatever_the_working_tree_holds(tree: Path) -> None:
    write(tree, "cmd/controller/main.go", "changed since")
    with Commit(tree, "v0.9.4").checkout() as directory:
        assert (directory / "cmd/controller/main.go").read_text() == MAIN
    assert not directory.exists()


def test_a_tree_without_git_is_named_by_its_contents(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    write(copy, "cmd/controller/main.go", MAIN)
    write(copy, "helm/Chart.yaml", "name: kro\n")
    before = WorkingTree(copy).version
    assert before.startswith("0.0.0-tree.")
    write(copy, "cmd/controller/main.go", MAIN + "\n")
    assert WorkingTree(copy).version != before


def test_the_chart_gets_the_version_of_the_source(tree: Path, tmp_path: Path) -> None:
    source = Commit(tree, "HEAD")
    built = build.kro(source).ensure(Cache(tmp_path / "cache"))
    assert f"version: {source.version}" in (built / "chart/Chart.yaml").read_text()
    assert (built / build.IMAGE_ARCHIVE).is_file()


def test_a_tree_that_does_not_build_is_refused_in_the_compilers_words(
    tree: Path, tmp_path: Path
) -> None:
    write(tree, "cmd/controller/main.go", "package main\n\nfunc main() { missing() }\n")
    with pytest.raises(SetupError, match="undefined: missing"):
        build.kro(WorkingTree(tree)).ensure(Cache(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--source={tree}", "--commit=v1.2.3"], "v1.2.3"),
        (["--source={tree}/cmd"], "cmd/controller"),
        (["--source=/nowhere"], "/nowhere"),
        (["--commit=HEAD"], "repository"),
        (["0.9.3", "--source={tree}"], "both"),
        ([], "version"),
    ],
)
def test_what_cannot_be_built_is_refused(
    tree: Path, capsys: pytest.CaptureFixture[str], options: list[str], named: str
) -> None:
    given = [option.format(tree=tree) for option in options]
    assert cli.main(["kro-image", "--provider=testbed", *given]) == 1
    assert named in capsys.readouterr().err


def test_other_clusters_cannot_use_a_source_tree(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["render", "up", "--provider=kind", f"--kro-source={tree}"]) == 1
    assert "testbed" in capsys.readouterr().err
