"""The content of the documents: their blocks, inline code and links."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[3]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))


@dataclass(frozen=True)
class Block:
    """A fenced or indented block of code."""

    place: str
    """Document and line, such as ``docs/index.md:10``."""
    language: str
    text: str

    def __str__(self) -> str:
        return self.place

    @property
    def page(self) -> str:
        return self.place.partition(":")[0]


@dataclass(frozen=True)
class Code:
    """Inline code of a sentence, a heading or a table."""

    place: str
    text: str
    heading: str
    """The heading above it, as Markdown."""
    columns: tuple[str, ...] = ()
    """The header of its table; empty outside of tables."""
    column: int = 0

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(frozen=True)
class Link:
    """A link or an image."""

    place: str
    target: str

    def __str__(self) -> str:
        return f"{self.place}: {self.target}"


def blocks(*languages: str) -> list[Block]:
    """All blocks, or those in the given languages."""
    found = [
        Block(_place(page, token), token.info.strip(), token.content)
        for page in PAGES
        for token in tokens(page)
        if token.type in {"fence", "code_block"}
    ]
    return [block for block in found if not languages or block.language in languages]


@cache
def codes() -> tuple[Code, ...]:
    """All inline code, once for each place."""
    return tuple(dict.fromkeys(code for page in PAGES for code in _codes(page)))


def links() -> list[Link]:
    return [
        Link(_place(page, token), str(child.attrs.get("href") or child.attrs.get("src")))
        for page in PAGES
        for token in tokens(page)
        for child in token.children or ()
        if child.type in {"link_open", "image"}
    ]


def anchors(page: Path) -> set[str]:
    """The fragments that links into a document may use, as GitHub derives them from headings."""
    return {_slug(heading) for heading in _headings(tokens(page))}


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(page.read_text()))


@dataclass
class _Position:
    """The reader's position in a document."""

    kind: str = ""
    """Type of the token that opened the current text."""
    heading: str = ""
    columns: tuple[str, ...] = ()
    column: int = 0

    def read(self, token: Token) -> None:
        match token.type:
            case "heading_open" | "th_open" | "td_open" | "paragraph_open":
                self.kind = token.type
            case "table_open" | "table_close":
                self.columns = ()
            case "tr_open":
                self.column = 0
            case "td_close":
                self.column += 1
            case "inline" if self.kind == "heading_open":
                self.heading = token.content
            case "inline" if self.kind == "th_open":
                self.columns = (*self.columns, token.content)


def _codes(page: Path) -> Iterator[Code]:
    at = _Position()
    for token in tokens(page):
        at.read(token)
        for child in token.children or ():
            if child.type == "code_inline":
                text = " ".join(child.content.split())
                yield Code(_place(page, token), text, at.heading, at.columns, at.column)


def _headings(parts: Iterable[Token]) -> Iterator[str]:
    is_heading = False
    for token in parts:
        if token.type == "inline" and is_heading:
            yield "".join(child.content for child in token.children or ())
        is_heading = token.type == "heading_open"


def _slug(heading: str) -> str:
    kept = (letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return "".join(kept).replace(" ", "-")


def _place(page: Path, token: Token) -> str:
    line = token.map[0] + 1 if token.map else 0
    return f"{page.relative_to(ROOT)}:{line}"
