"""Profiles in pprof's format, made by hand."""

import gzip
from collections.abc import Sequence

Columns = Sequence[tuple[str, str]]
CPU: Columns = (("samples", "count"), ("cpu", "nanoseconds"))
HEAP: Columns = (
    ("alloc_objects", "count"),
    ("alloc_space", "bytes"),
    ("inuse_objects", "count"),
    ("inuse_space", "bytes"),
)


def pprof(
    columns: Columns, samples: Sequence[tuple[Sequence[str], Sequence[int]]], *, packed: bool = True
) -> bytes:
    """Return a gzipped profile; a sample is its functions from leaf to root, and its values."""
    texts = ["", *(text for column in columns for text in column)]
    functions = sorted({function for stack, _ in samples for function in stack})
    texts += functions
    number = {function: index + 1 for index, function in enumerate(functions)}
    message = b""
    for kind, unit in columns:
        message += _bytes(1, _integer(1, texts.index(kind)) + _integer(2, texts.index(unit)))
    for stack, values in samples:
        message += _bytes(
            2,
            _integers(1, [number[function] for function in stack], packed=packed)
            + _integers(2, values, packed=packed),
        )
    for function, index in number.items():
        message += _bytes(4, _integer(1, index) + _bytes(4, _integer(1, index) + _integer(2, 7)))
        message += _bytes(5, _integer(1, index) + _integer(2, texts.index(function)))
    for text in texts:
        message += _bytes(6, text.encode())
    return gzip.compress(message + _integer(10, 3_000_000_000), mtime=0)


def cpu(*samples: tuple[str, int]) -> bytes:
    """Return a CPU profile of stacks such as ``leaf < caller < root``, and their ticks of 10 ms."""
    return pprof(CPU, [(s.split(" < "), (ticks, ticks * 10_000_000)) for s, ticks in samples])


def heap(*samples: tuple[str, int, int]) -> bytes:
    """Return a heap profile of stacks, bytes allocated, and bytes in use."""
    return pprof(HEAP, [(s.split(" < "), (1, made, 1, used)) for s, made, used in samples])


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _integer(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def _integers(field: int, values: Sequence[int], *, packed: bool) -> bytes:
    if packed:
        return _bytes(field, b"".join(map(varint, values)))
    return b"".join(_integer(field, value) for value in values)
