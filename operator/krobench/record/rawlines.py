"""Lines of JSON, gzipped in pieces that each can be opened on their own."""

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import orjson
from pydantic import TypeAdapter

_LINES_PER_MEMBER = 2000

RecordT = TypeVar("RecordT")


class LineFile(Generic[RecordT]):
    """A file of lines that grows during a run.

    Lines are kept as they will be stored, gzipped 2,000 at a time: as objects, those of a long run
    would be more than the memory of a load Job. So a change of a record after it was added has no
    effect. Compression of 2,000 lines at a time costs a few percent of size.
    """

    def __init__(self, model: type[RecordT], records: Iterable[RecordT] = ()) -> None:
        self._adapter = TypeAdapter(model)
        self._members: list[bytes] = []
        self._open: list[bytes] = []
        """Lines of the member that is not full yet."""
        self.extend(records)

    def extend(self, records: Iterable[RecordT]) -> None:
        """Add records at the end."""
        for record in records:
            # Nulls are kept, so each line has all columns.
            values = self._adapter.dump_python(record, by_alias=True, mode="json")
            # Times are cut to the microsecond: lower digits are noise, and a third of the size.
            rounded = {
                name: round(value, 6) if isinstance(value, float) else value
                for name, value in values.items()
            }
            self._open.append(orjson.dumps(rounded, option=orjson.OPT_APPEND_NEWLINE))
            if len(self._open) == _LINES_PER_MEMBER:
                self._members.append(_compress(self._open))
                self._open = []

    def pieces(self, max_bytes: int) -> list[bytes]:
        """Return all lines, gzipped, in pieces of at most ``max_bytes``.

        A piece is a series of whole gzip members, so every piece is a valid gzip file, and so is
        their concatenation.
        """
        pieces: list[bytes] = []
        current: list[bytes] = []
        for member in [*self._members, *([_compress(self._open)] if self._open else [])]:
            if current and sum(map(len, current)) + len(member) > max_bytes:
                pieces.append(b"".join(current))
                current = []
            current.append(member)
        return [*pieces, b"".join(current)] if current else pieces

    def rewrite(self, change: Callable[[RecordT], None]) -> None:
        """Have ``change`` mend each record, in order."""
        members, lines = self._members, self._open
        self._members, self._open = [], []
        for member in members:
            self.extend(self._changed(gzip.decompress(member).splitlines(), change))
        self.extend(self._changed(lines, change))

    def _changed(
        self, lines: Iterable[bytes], change: Callable[[RecordT], None]
    ) -> Iterator[RecordT]:
        for line in lines:
            record = self._adapter.validate_python(orjson.loads(line))
            change(record)
            yield record


def encode(records: Sequence[object], max_bytes: int) -> list[bytes]:
    """Return records of one kind as gzipped JSON lines in pieces of at most ``max_bytes``."""
    return LineFile(type(records[0]), records).pieces(max_bytes) if records else []


def decode(
    pieces: Iterable[bytes],
    model: type[RecordT],
    upgrade: Callable[[Any], Any] = lambda line: line,
) -> list[RecordT]:
    """Return the records in gzipped pieces, in order; ``upgrade`` brings older lines up to date."""
    text = b"".join(gzip.decompress(piece) for piece in pieces)
    adapter = TypeAdapter(model)
    return [adapter.validate_python(upgrade(orjson.loads(line))) for line in text.splitlines()]


def _compress(lines: Iterable[bytes]) -> bytes:
    # A fixed mtime makes equal records equal bytes.
    return gzip.compress(b"".join(lines), compresslevel=6, mtime=0)
