"""Links in the documents have a target, and files that they name exist."""

import re
from functools import cache

import pytest
from unit.docs.documents import PAGES, ROOT, Link, anchors, codes, links

_FILE = re.compile(r"[\w./-]+\.(?:py|md|yaml|toml|svg)|[\w./-]+/")
_CODE = (
    ROOT / "operator/krobench",
    ROOT / "tests",
    ROOT / "bench",
    ROOT / "testbed",
    ROOT / "manifests",
    ROOT / "docs",
    ROOT / "ci",
)
# Files of users, and files that are named because they do not exist.
_NOT_OURS = {
    "benchmark.yaml",
    "mine.yaml",
    "comment.md",
    "report.md",
    "results.yaml",
    "scale-kept.yaml",
    "operator/__init__.py",
    ".yaml",
    "pkg/",
}


def test_each_link_has_a_target() -> None:
    inner = [link for link in links() if "://" not in link.target]
    assert [str(link) for link in inner if not _has_target(link)] == []


def _has_target(link: Link) -> bool:
    page = ROOT / link.place.partition(":")[0]
    path, _, anchor = link.target.partition("#")
    target = (page.parent / path) if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def test_every_document_is_linked() -> None:
    targets = {
        ((ROOT / link.place.partition(":")[0]).parent / link.target.partition("#")[0]).resolve()
        for link in links()
    }
    assert set(PAGES) <= targets


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_every_example_is_linked() -> None:
    linked = {link.target.rpartition("/")[2] for link in links()}
    assert {path.name for path in (ROOT / "manifests/examples").iterdir()} <= linked


def test_each_named_file_exists() -> None:
    named = [c for c in codes() if _FILE.fullmatch(c.text) and c.text not in _NOT_OURS]
    assert [str(code) for code in named if not _is_file(code.text)] == []


@cache
def _is_file(name: str) -> bool:
    return (ROOT / name).exists() or any(
        next(directory.rglob(name.rstrip("/")), None) for directory in _CODE
    )


def test_anchors_are_those_of_headings() -> None:
    assert "try-it" in anchors(ROOT / "README.md")
    assert "what-sampling-costs" in anchors(ROOT / "docs/explanation/overhead.md")
    assert "what-sampling-takes" not in anchors(ROOT / "docs/explanation/overhead.md")


@pytest.mark.parametrize("room", ["api", "load", "loadjob", "program", "workload"])
def test_every_module_is_on_the_map(room: str) -> None:
    named = {code.text.rpartition("/")[2] for code in codes() if "architecture" in code.place}
    folders = {text for text in (code.text for code in codes()) if text.endswith("/")}
    modules = [
        path
        for path in (ROOT / "operator/krobench" / room).rglob("*.py")
        if path.name != "__init__.py" and not any(f"/{f}" in str(path) for f in folders - {"load/"})
    ]
    assert not {path.name for path in modules} - named
