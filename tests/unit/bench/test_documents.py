from pathlib import Path

from pydantic import BaseModel

from bench.documents import append, stored, write_between_marks


class Entry(BaseModel):
    number: int


def test_only_what_is_between_the_marks_is_replaced(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- table: begin -->\nold\n<!-- table: end -->\nafter\n")
    write_between_marks(document, "table", "new\n")
    assert document.read_text() == (
        "before\n<!-- table: begin -->\nnew\n<!-- table: end -->\nafter\n"
    )


def test_what_was_stored_is_read_again(tmp_path: Path) -> None:
    store = tmp_path / "cache" / "entries.jsonl"
    assert stored(store, Entry) == []
    for number in range(3):
        append(store, Entry(number=number))
    assert [each.number for each in stored(store, Entry)] == [0, 1, 2]
