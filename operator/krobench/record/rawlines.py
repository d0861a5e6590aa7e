"""Lines of JSON, gzipped in pieces that each can be opened on their own."""

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
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

    A file that grows beyond ``max_bytes`` keeps a random half of its lines, then a quarter, and so
    on. A fixed seed chooses them.
    """

    def __init__(
        self,
        model: type[RecordT],
        records: Iterable[RecordT] = (),
        max_bytes: int | None = None,
    ) -> None:
        self._adapter = TypeAdapter(model)
        self._max_bytes = max_bytes
        self._one_in = 1
        self._random = Random(0)  # noqa: S311 - no secret
        self.added = 0
        """Lines that were added."""
        self.kept = 0
        """Lines that it holds."""
        self._members: list[bytes] = []
        self._open: list[bytes] = []
        """Lines of the member that is not full yet."""
        self.extend(records)

    def extend(self, records: Iterable[RecordT]) -> None:
        """Add records at the end."""
        for record in records:
            self.added += 1
            if self._random.randrange(self._one_in) == 0:
                self._append(self._encoded(record))
            while self._max_bytes is not None and sum(map(len, self._members)) > self._max_bytes:
                self._halve()

    def _encoded(self, record: RecordT) -> bytes:
        # Nulls are kept, so each line has all columns.
        values = self._adapter.dump_python(record, by_alias=True, mode="json")
        # Times are cut to the microsecond: lower digits are noise, and a third of the size.
        rounded = {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in values.items()
        }
        return orjson.dumps(rounded, option=orjson.OPT_APPEND_NEWLINE)

    def _append(self, line: bytes) -> None:
        self.kept += 1
        self._open.append(line)
        if len(self._open) == _LINES_PER_MEMBER:
            self._members.append(_compress(self._open))
            self._open = []

    def _lines(self) -> Iterator[bytes]:
        """Take all lines out, in order."""
        members, lines = self._members, self._open
        self._members, self._open, self.kept = [], [], 0
        for member in members:
            yield from gzip.decompress(member).splitlines(keepends=True)
        yield from lines

    def _halve(self) -> None:
        self._one_in *= 2
        for line in self._lines():
            if self._random.randrange(2) == 0:
                self._append(line)

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
        for line in self._lines():
            record = self._adapter.validate_python(orjson.loads(line))
            change(record)
            self._append(self._encoded(record))


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
