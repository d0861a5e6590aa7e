"""The site is built from the pages, without a broken link and without another server."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scripts.site import ROOT, prepare, with_links

PAGES = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}


def test_every_page_is_in_the_navigation_once() -> None:
    text = (ROOT / "zensical.toml").read_text()
    listed = re.findall(r'"([\w/-]+\.md)"', text)
    assert sorted(listed) == sorted(PAGES), "list each page in zensical.toml"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](../reference/figures.md#x)", "[a](../reference/figures.md#x)"),
        ("[a](https://example.com/a.md)", "[a](https://example.com/a.md)"),
        ("[a](#here)", "[a](#here)"),
        (
            "[a](../../helm/krobench/values.yaml)",
            "[a](https://github.com/krobench/krobench/blob/main/helm/krobench/values.yaml)",
        ),
        (
            "[a](../../CONTRIBUTING.md#set-up)",
            "[a](https://github.com/krobench/krobench/blob/main/CONTRIBUTING.md#set-up)",
        ),
    ],
)
def test_links_out_of_the_pages_lead_to_the_repository(link: str, expected: str) -> None:
    assert with_links(link, "how-to", ROOT / "docs") == expected


def test_the_site_is_built_without_a_broken_link(tmp_path: Path) -> None:
    prepare(ROOT / "docs", tmp_path / "build" / "docs")
    (tmp_path / "zensical.toml").write_text((ROOT / "zensical.toml").read_text())
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run(
        [program, "build", "--strict"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "build" / "site"
    built = {page.relative_to(site).as_posix() for page in site.rglob("*.html")}
    assert {page.removesuffix(".md") + ".html" for page in PAGES} <= built
    for page in site.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|link|img)[^>]*(?:src|href)="?(https?://[^" >]+)', page.read_text()
        )
        assert not [each for each in loaded if "github.com/krobench" not in each], page


def test_the_configuration_asks_for_no_fonts_of_others() -> None:
    config = tomllib.loads((ROOT / "zensical.toml").read_text())
    assert config["project"]["theme"]["font"] is False
