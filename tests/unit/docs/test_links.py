"""Links of the documents lead somewhere, and files that they name are there."""

import re

import pytest
from unit.docs.documents import PAGES, ROOT, Code, Link, anchors, codes, links

_FILE = re.compile(r"[\w./-]+\.(?:py|md|yaml|toml|svg)|[\w./-]+/")
_CODE = (
    ROOT / "operator/krobench",
    ROOT / "tests",
    ROOT / "bench",
    ROOT / "testbed",
    ROOT / "manifests",
    ROOT / "docs",
)
# What users have, or what is named because it is not there.
_NOT_OURS = {
    "benchmark.yaml",
    "mine.yaml",
    "scale-kept.yaml",
    "operator/__init__.py",
    ".yaml",
    "pkg/",
}


@pytest.mark.parametrize("link", [link for link in links() if "://" not in link.target], ids=str)
def test_a_link_leads_somewhere(link: Link) -> None:
    page = ROOT / link.place.partition(":")[0]
    path, _, anchor = link.target.partition("#")
    target = (page.parent / path) if path else page
    assert target.exists()
    if anchor:
        assert anchor in anchors(target)


def test_every_document_is_linked_to() -> None:
    targets = {
        ((ROOT / link.place.partition(":")[0]).parent / link.target.partition("#")[0]).resolve()
        for link in links()
    }
    assert set(PAGES) <= targets


@pytest.mark.parametrize(
    "code",
    [code for code in codes() if _FILE.fullmatch(code.text) and code.text not in _NOT_OURS],
    ids=str,
)
def test_a_file_that_is_named_is_there(code: Code) -> None:
    assert (ROOT / code.text).exists() or any(
        next(directory.rglob(code.text.rstrip("/")), None) for directory in _CODE
    )


def test_links_to_places_that_are_not_there_are_found() -> None:
    assert "try-it" in anchors(ROOT / "README.md")
    assert "what-sampling-costs" in anchors(ROOT / "docs/explanation/overhead.md")
    assert "what-sampling-takes" not in anchors(ROOT / "docs/explanation/overhead.md")
