"""Reading profiles in pprof's format: gzipped protobuf, as Go's runtime writes it.

Only the fields that a breakdown needs are read; the format is described in ``profile.proto``
of https://github.com/google/pprof.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_MAX_BYTES = 64 << 20
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_LENGTHS = {_FIXED64: 8, _FIXED32: 4}
_UINT64_BITS = 64


class ProfileError(ValueError):
    """This is no profile, or a broken one; the message says in which way."""


@dataclass(frozen=True)
class ValueType:
    """What a column of values holds, such as ``cpu`` in ``nanoseconds``."""

    type: str
    unit: str


@dataclass(frozen=True)
class Stack:
    """A sample: functions from the leaf to the root, and a value for each column."""

    functions: tuple[str, ...]
    values: tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """A decoded profile."""

    value_types: tuple[ValueType, ...]
    stacks: tuple[Stack, ...]


def decode(data: bytes) -> Profile:
    """Decode a profile, gzipped or not.

    Raises:
        ProfileError: if it is none.
    """
    try:
        return _decode(_unzipped(data))
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise ProfileError(f"not a profile in pprof's format: {error}") from error


def _unzipped(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ProfileError(f"not a gzip file: {error}") from error
    if len(plain) > _MAX_BYTES:
        raise ProfileError(f"larger than {_MAX_BYTES} bytes once unzipped")
    return plain


def _decode(data: bytes) -> Profile:
    strings: list[str] = []
    types: list[dict[int, int]] = []
    samples: list[tuple[list[int], list[int]]] = []
    lines_of_location: dict[int, list[int]] = {}
    name_of_function: dict[int, int] = {}
    for field, value in _fields(data):
        match field, value:
            case 1, bytes():
                types.append(_integers(value))
            case 2, bytes():
                samples.append(_sample(value))
            case 4, bytes():
                location, functions = _location(value)
                lines_of_location[location] = functions
            case 5, bytes():
                function = _integers(value)
                name_of_function[function.get(1, 0)] = function.get(2, 0)
            case 6, bytes():
                strings.append(value.decode())
    names = {function: strings[name] for function, name in name_of_function.items()}
    frames = {
        location: tuple(names[function] for function in functions)
        for location, functions in lines_of_location.items()
    }
    if not types:
        raise ProfileError("not a profile in pprof's format: it names no type of value")
    return Profile(
        value_types=tuple(
            ValueType(strings[item.get(1, 0)], strings[item.get(2, 0)]) for item in types
        ),
        stacks=tuple(
            _stack(locations, values, frames, len(types)) for locations, values in samples
        ),
    )


def _stack(
    locations: list[int], values: list[int], frames: dict[int, tuple[str, ...]], columns: int
) -> Stack:
    if len(values) != columns:
        raise ProfileError(f"a sample has {len(values)} values and not {columns}")
    functions = tuple(name for location in locations for name in frames[location])
    return Stack(functions, tuple(values))


def _sample(data: bytes) -> tuple[list[int], list[int]]:
    locations: list[int] = []
    values: list[int] = []
    for field, value in _fields(data):
        if field == 1:
            locations += _repeated(value)
        elif field == 2:
            values += [_signed(item) for item in _repeated(value)]
    return locations, values


def _location(data: bytes) -> tuple[int, list[int]]:
    """Return a location's id and its functions; where calls were inlined, the innermost first."""
    identity = 0
    functions = []
    for field, value in _fields(data):
        if field == 1 and isinstance(value, int):
            identity = value
        elif field == 4 and isinstance(value, bytes):
            functions.append(_integers(value).get(1, 0))
    return identity, functions


def _integers(data: bytes) -> dict[int, int]:
    return {field: value for field, value in _fields(data) if isinstance(value, int)}


def _repeated(value: int | bytes) -> list[int]:
    """Return the integers of a repeated field, which may be packed or not."""
    if isinstance(value, int):
        return [value]
    items = []
    position = 0
    while position < len(value):
        item, position = _varint(value, position)
        items.append(item)
    return items


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a message: an integer, or the bytes of others."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _varint(data, position)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            length, position = _varint(data, position)
        elif kind in _FIXED_LENGTHS:
            length = _FIXED_LENGTHS[kind]
        else:
            raise ProfileError(f"not a profile in pprof's format: wire type {kind}")
        end = position + length
        if end > len(data):
            raise ProfileError("not a profile in pprof's format: it ends within a field")
        if kind == _BYTES:
            yield tag >> 3, data[position:end]
        position = end


def _varint(data: bytes, position: int) -> tuple[int, int]:
    byte = data[position]
    if byte < 0x80:
        return byte, position + 1
    result = shift = 0
    while True:
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
        if shift >= _UINT64_BITS + 6:
            raise ProfileError("not a profile in pprof's format: a number of more than 64 bits")


def _signed(value: int) -> int:
    return value - (1 << _UINT64_BITS) if value >> (_UINT64_BITS - 1) else value
