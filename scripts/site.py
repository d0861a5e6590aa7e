"""The site of the documentation, built offline.

The pages link to files elsewhere in the repository, as readers of the repository want it. In the
copy that the site is built from, these links lead to the repository's page.
"""

import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_REPOSITORY = "https://github.com/krobench/krobench/blob/main/"
_LINK = re.compile(r"(\]\()([^)#\s:]+)(#[^)\s]*)?\)")


def prepare(source: Path, target: Path) -> None:
    """Copy the documentation, with links out of it replaced."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("notebooks"))
    for page in target.rglob("*.md"):
        place = page.parent.relative_to(target).as_posix()
        page.write_text(with_links(page.read_text(), place, target))


def with_links(text: str, place: str, pages: Path) -> str:
    """Return a page with links to the repository for what is not among the pages."""

    def replaced(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", place, match[2]))
        if path.startswith("docs/") and (pages / path.removeprefix("docs/")).exists():
            return match[0]
        return f"{match[1]}{_REPOSITORY}{path}{match[3] or ''})"

    return _LINK.sub(replaced, text)


def build() -> None:
    """Build the site into build/site; a broken link is an error.

    Raises:
        SystemExit: if the site cannot be built.
    """
    prepare(ROOT / "docs", ROOT / "build" / "docs")
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run([program, "build", "--strict", "--clean"], cwd=ROOT, check=False)
    if done.returncode != 0:
        sys.exit("the site was not built: correct what the messages above name")


if __name__ == "__main__":
    build()
