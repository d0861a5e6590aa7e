"""Tables that a measurement writes into the documents, and what it stores until then."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from bench.environment import ROOT

DOCS = ROOT / "docs"

_Model = TypeVar("_Model", bound=BaseModel)


def write_between_marks(document: Path, mark: str, text: str) -> None:
    """Replace what is between the comments ``mark: begin`` and ``mark: end`` of a document."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, _, rest = document.read_text().partition(begin)
    after = rest.partition(end)[2]
    document.write_text(f"{before}{begin}\n{text.rstrip()}\n{end}{after}")


def stored(store: Path, model: type[_Model]) -> Sequence[_Model]:
    """Return what was appended to a store, in order; nothing if there is none."""
    lines = store.read_text().splitlines() if store.exists() else []
    return [model.model_validate_json(line) for line in lines]


def append(store: Path, entry: BaseModel) -> None:
    """Add to a store at once, so that an interrupted measurement goes on after it."""
    store.parent.mkdir(parents=True, exist_ok=True)
    with store.open("a") as file:
        file.write(entry.model_dump_json() + "\n")
